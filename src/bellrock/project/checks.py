"""The checks of a project: one model per type."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from bellrock.project.parts import Environment, NamedCheck, Part, PlaywrightFields, Word


class PlaywrightCheck(NamedCheck, PlaywrightFields):
    """A whole Playwright suite, run as one check."""

    type: Literal["playwright"] = "playwright"
    root: str = Field(
        default=".",
        description="Folder of package.json and the lock file, or of uv.lock, requirements.txt or "
        "pyproject.toml, relative to this file.",
    )
    config: str | None = Field(
        default=None, description="Playwright's config, relative to root; found by its name if left out."
    )
    projects: tuple[Word, ...] = Field(default=(), description="Playwright projects to run; all if empty.")
    playwright_tags: tuple[Word, ...] = Field(
        default=(), description="Run only tests with one of these Playwright tags, or pytest markers."
    )
    include: tuple[Word, ...] = Field(
        default=(), description="Patterns of files to pack although .gitignore leaves them out."
    )


Comparison = Literal[
    "EQUALS",
    "NOT_EQUALS",
    "HAS_KEY",
    "NOT_HAS_KEY",
    "HAS_VALUE",
    "NOT_HAS_VALUE",
    "IS_EMPTY",
    "NOT_EMPTY",
    "GREATER_THAN",
    "LESS_THAN",
    "CONTAINS",
    "NOT_CONTAINS",
    "IS_NULL",
    "NOT_NULL",
]
Url = Annotated[str, StringConstraints(pattern=r"^(https?://|\{\{)\S+$", max_length=2_048)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Family = Literal["IPv4", "IPv6"]
Unit = Literal["seconds", "minutes", "hours", "days"]


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise ValueError("must be relative to this file and without '..'")
    return path


InnerPath = Annotated[Word, AfterValidator(_inside)]


class Retry(Part):
    """When a failed run is tried again before it counts."""

    type: Literal["fixed", "linear", "exponential", "single"] = "fixed"
    wait_s: float = Field(default=60, ge=0, le=3_600, description="Seconds before the first retry.")
    most: int = Field(default=2, ge=1, le=10, description="Retries at most; 'single' has one.")
    within_s: float = Field(default=600, ge=0, le=600, description="Seconds for all of them, runs included.")
    same_location: bool = True
    only_network_errors: bool = False


class Monitor(NamedCheck):
    """What every type has that is neither a Playwright suite nor a heartbeat."""

    frequency: Literal["10s", "20s", "30s", 1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440] = Field(  # type: ignore[assignment]
        default=10, description="Minutes between scheduled runs, or seconds with an s."
    )
    retry: Retry | None = Field(default=None, description="No retries if left out.")
    should_fail: bool = Field(default=False, description="A failure of the target is what is wanted.")


class StatusCode(Part):
    """An assertion on the status code of a URL check's answer."""

    comparison: Literal["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"] = "EQUALS"
    target: int = Field(ge=100, le=599)


class Assertion(Part):
    """An assertion on what a check finds. ``source`` says on what of it."""

    source: Word
    comparison: Comparison = "EQUALS"
    target: str | int | float = ""
    property: str = Field(default="", description="A JSONPath, a header's name, a regular expression.")
    regex: str | None = None


class UrlCheck(Monitor):
    """A GET that must answer in time."""

    type: Literal["url"] = "url"
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    follow_redirects: bool = True
    skip_ssl: bool = Field(default=False, description="Do not verify certificates.")
    ip_family: Family = "IPv4"
    degraded_response_time_ms: int = Field(default=3_000, ge=0, le=45_000)
    max_response_time_ms: int = Field(default=5_000, ge=0, le=45_000)
    assertions: tuple[StatusCode, ...] = ()


class BasicAuth(Part):
    """Name and password; both may hold `{{variables}}`."""

    username: str = ""
    password: str = ""


class ApiCheck(Monitor):
    """Any HTTP request, and what must be true of its answer. Texts may hold `{{variables}}`."""

    type: Literal["api"] = "api"
    url: Url
    method: Literal["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"] = "GET"
    headers: dict[Word, str] = Field(default={})
    query: dict[Word, str] = Field(default={})
    body: str = ""
    body_type: Literal["NONE", "JSON", "FORM", "RAW", "GRAPHQL"] = "NONE"
    basic_auth: BasicAuth | None = None
    follow_redirects: bool = True
    skip_ssl: bool = Field(default=False, description="Do not verify certificates.")
    ip_family: Family = "IPv4"
    setup: InnerPath | None = Field(
        default=None, description="A script to run before, relative to this file."
    )
    teardown: InnerPath | None = Field(
        default=None, description="A script to run after, relative to this file."
    )
    degraded_response_time_ms: int = Field(default=5_000, ge=0, le=45_000)
    max_response_time_ms: int = Field(default=20_000, ge=0, le=45_000)
    assertions: tuple[Assertion, ...] = ()


class TcpCheck(Monitor):
    """A connection that must be taken."""

    type: Literal["tcp"] = "tcp"
    hostname: Word
    port: Port
    data: str = Field(default="", description="What is sent once connected.")
    ip_family: Family = "IPv4"
    degraded_response_time_ms: int = Field(default=3_000, ge=0, le=45_000)
    max_response_time_ms: int = Field(default=5_000, ge=0, le=45_000)
    assertions: tuple[Assertion, ...] = ()


class DnsCheck(Monitor):
    """A question to a name server."""

    type: Literal["dns"] = "dns"
    query: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    record_type: Literal["A", "AAAA", "CNAME", "MX", "TXT", "SOA", "NS", "HTTPS"] = "A"
    name_server: str | None = Field(default=None, description="The runner's own resolvers if left out.")
    port: Port = 53
    protocol: Literal["UDP", "TCP"] = "UDP"
    degraded_response_time_ms: int = Field(default=500, ge=0, le=5_000)
    max_response_time_ms: int = Field(default=1_000, ge=0, le=5_000)
    assertions: tuple[Assertion, ...] = ()


class IcmpCheck(Monitor):
    """Some pings."""

    type: Literal["icmp"] = "icmp"
    hostname: Word
    ip_family: Family = "IPv4"
    ping_count: int = Field(default=10, ge=1, le=50)
    degraded_packet_loss_percent: float = Field(default=10, ge=0, le=100)
    max_packet_loss_percent: float = Field(default=20, ge=0, le=100)
    assertions: tuple[Assertion, ...] = ()


class SslCheck(Monitor):
    """A server's certificate and how it speaks TLS."""

    type: Literal["ssl"] = "ssl"
    hostname: Word
    port: Port = 443
    server_name: str | None = None
    ip_family: Family = "IPv4"
    skip_chain_validation: bool = False
    handshake_timeout_ms: int = Field(default=10_000, ge=1_000, le=30_000)
    alert_days_before_expiry: int = Field(default=20, ge=1, le=365)
    degraded_response_time_ms: int = Field(default=3_000, ge=0, le=30_000)
    max_response_time_ms: int = Field(default=10_000, ge=0, le=30_000)
    assertions: tuple[Assertion, ...] = ()


class HeartbeatCheck(NamedCheck):
    """A ping that must come in. It runs nowhere."""

    type: Literal["heartbeat"] = "heartbeat"
    period: int = Field(ge=1)
    period_unit: Unit = "minutes"
    grace: int = Field(default=0, ge=0)
    grace_unit: Unit = "minutes"


class Script(Monitor):
    """A file of code, and files beside it."""

    script: InnerPath = Field(description="The script, relative to this file.")
    dependencies: tuple[InnerPath, ...] = Field(
        default=(), description="Files that the script imports, relative to this file."
    )
    environment: Environment = Field(default={}, description="Variables of the script's process.")


class BrowserCheck(Script):
    """A script in Chromium."""

    type: Literal["browser"] = "browser"


class MultistepCheck(Script):
    """A script of requests, without a browser."""

    type: Literal["multistep"] = "multistep"


AnyCheck = (
    PlaywrightCheck
    | UrlCheck
    | ApiCheck
    | TcpCheck
    | DnsCheck
    | IcmpCheck
    | SslCheck
    | HeartbeatCheck
    | BrowserCheck
    | MultistepCheck
)
Check = Annotated[AnyCheck, Field(discriminator="type")]
