"""What each type of check does: one frozen record per type, in the contract's terms. Times in ms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class CheckType(StrEnum):
    """The contract's check types."""

    AGENTIC = "AGENTIC"
    API = "API"
    BROWSER = "BROWSER"
    DNS = "DNS"
    GRPC = "GRPC"
    HEARTBEAT = "HEARTBEAT"
    ICMP = "ICMP"
    MULTI_STEP = "MULTI_STEP"
    PLAYWRIGHT = "PLAYWRIGHT"
    SSL = "SSL"
    TCP = "TCP"
    TRACEROUTE = "TRACEROUTE"
    URL = "URL"


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a check asserts of its response; all words as in the contract.

    ``property`` is a JSONPath, a header's name, a regular expression: what the source makes of it.
    ``regex`` narrows a header's value to its first capture group.
    """

    source: str
    comparison: str
    target: str = ""
    property: str = ""
    regex: str | None = None


@dataclass(frozen=True, slots=True)
class PlaywrightSuite:
    """A Playwright Check Suite: a bundle, and how to install and run it.

    ``working_dir`` is relative to the bundle's root; ``test_command`` and ``install_command`` are
    shell words; an empty ``install_command`` means "by the lock file". With ``update_snapshots`` what it
    compares with is made anew, and kept as files of the run.
    """

    bundle_key: str
    test_command: str = "npx playwright test"
    install_command: str = ""
    working_dir: str = "."
    pw_projects: tuple[str, ...] = ()
    pw_tags: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ("chromium",)
    playwright_version: str | None = None
    cache_hash: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    update_snapshots: bool = False
    type: Literal[CheckType.PLAYWRIGHT] = CheckType.PLAYWRIGHT


class IpFamily(StrEnum):
    """Which addresses of a host are used."""

    V4 = "IPv4"
    V6 = "IPv6"


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A header or a query parameter. ``locked`` ones are shown to writers only."""

    key: str
    value: str
    locked: bool = False


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Name and password of HTTP's basic authentication."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """A certificate that a request shows to hosts of ``host``, a glob: `*` stands for any part of a name.

    ``cert``, ``key`` and ``ca`` are PEM texts; ``ca`` are authorities that are trusted for these hosts too.
    """

    host: str
    cert: str
    key: str = field(repr=False)
    ca: str = ""
    passphrase: str = field(default="", repr=False)
    id: str = ""


class BodyType(StrEnum):
    """How a request's body is written, and so which content type it has where no header says."""

    NONE = "NONE"
    JSON = "JSON"
    FORM = "FORM"
    RAW = "RAW"
    GRAPHQL = "GRAPHQL"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. Texts may hold `{{variables}}`."""

    url: str
    method: str = "GET"
    headers: tuple[KeyValue, ...] = ()
    query: tuple[KeyValue, ...] = ()
    body: str = ""
    body_type: BodyType = BodyType.NONE
    basic_auth: BasicAuth | None = None
    follow_redirects: bool = True
    skip_ssl: bool = False
    ip_family: IpFamily = IpFamily.V4
    assertions: tuple[Assertion, ...] = ()


@dataclass(frozen=True, slots=True)
class UrlMonitor:
    """A GET that must answer in time."""

    request: HttpRequest
    degraded_response_time_ms: int = 3_000
    max_response_time_ms: int = 5_000
    should_fail: bool = False
    type: Literal[CheckType.URL] = CheckType.URL


@dataclass(frozen=True, slots=True)
class ApiCheck:
    """Any HTTP request, with scripts before and after it. A snippet stands for a script by its id.

    A script with a path is a file, and finds its dependencies beside itself.
    """

    request: HttpRequest
    setup_script: str = ""
    teardown_script: str = ""
    setup_script_path: str | None = None
    teardown_script_path: str | None = None
    setup_dependencies: tuple["Dependency", ...] = ()
    teardown_dependencies: tuple["Dependency", ...] = ()
    setup_snippet_id: int | None = None
    teardown_snippet_id: int | None = None
    degraded_response_time_ms: int = 5_000
    max_response_time_ms: int = 20_000
    should_fail: bool = False
    type: Literal[CheckType.API] = CheckType.API


@dataclass(frozen=True, slots=True)
class TcpMonitor:
    """A connection that must be taken; ``data`` is sent, and what comes back can be asserted."""

    hostname: str
    port: int
    data: str = ""
    ip_family: IpFamily = IpFamily.V4
    assertions: tuple[Assertion, ...] = ()
    degraded_response_time_ms: int = 3_000
    max_response_time_ms: int = 5_000
    should_fail: bool = False
    type: Literal[CheckType.TCP] = CheckType.TCP


@dataclass(frozen=True, slots=True)
class DnsMonitor:
    """A question to a name server. Without one, the runner's default resolvers are asked in turn."""

    query: str
    record_type: str = "A"
    name_server: str | None = None
    port: int = 53
    protocol: str = "UDP"
    assertions: tuple[Assertion, ...] = ()
    degraded_response_time_ms: int = 500
    max_response_time_ms: int = 1_000
    should_fail: bool = False
    type: Literal[CheckType.DNS] = CheckType.DNS


@dataclass(frozen=True, slots=True)
class IcmpMonitor:
    """Some pings. Packet loss in percent, 0 < x <= 100, decides; latencies can be asserted."""

    hostname: str
    ip_family: IpFamily = IpFamily.V4
    ping_count: int = 10
    degraded_packet_loss_percent: float = 10
    max_packet_loss_percent: float = 20
    assertions: tuple[Assertion, ...] = ()
    should_fail: bool = False
    type: Literal[CheckType.ICMP] = CheckType.ICMP


class Severity(StrEnum):
    """What it means for a check that a rule of its security baseline is not kept."""

    FAIL = "fail"
    DEGRADE = "degrade"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class BaselineRule:
    """One rule of the security baseline; ``value`` where the rule has a threshold (TLS1.2, 2048)."""

    name: str
    severity: Severity
    value: str | None = None


@dataclass(frozen=True, slots=True)
class SslMonitor:
    """A TLS handshake, and what the server's certificate and connection are like."""

    hostname: str
    port: int = 443
    server_name: str | None = None
    ip_family: IpFamily = IpFamily.V4
    skip_chain_validation: bool = False
    handshake_timeout_ms: int = 10_000
    alert_days_before_expiry: int = 20
    baseline: tuple[BaselineRule, ...] = ()
    client_certificate_mode: str = "auto"
    client_certificate_id: str | None = None
    assertions: tuple[Assertion, ...] = ()
    degraded_response_time_ms: int = 3_000
    max_response_time_ms: int = 10_000
    should_fail: bool = False
    type: Literal[CheckType.SSL] = CheckType.SSL


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A ping that must come at least every ``period``, plus ``grace``. Units as in `UNIT_S`."""

    period: int
    period_unit: str
    grace: int
    grace_unit: str
    ping_token: str
    type: Literal[CheckType.HEARTBEAT] = CheckType.HEARTBEAT

    @property
    def period_s(self) -> int:
        """The period in seconds."""
        return self.period * UNIT_S[self.period_unit]

    @property
    def grace_s(self) -> int:
        """The grace in seconds."""
        return self.grace * UNIT_S[self.grace_unit]


UNIT_S = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


@dataclass(frozen=True, slots=True)
class Dependency:
    """A file beside a script. ``path`` is relative to the same folder as the script's own path."""

    path: str
    content: str


SNAPSHOT_SUFFIX = ".snapshot"
"""What the key of an uploaded snapshot ends with. Before it comes the digest of its content."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture beside a script that pages are compared with. ``path`` as a dependency's."""

    key: str
    path: str


@dataclass(frozen=True, slots=True)
class BrowserCheck:
    """A script in Chromium: a Playwright test file, or plain statements with `page` in reach.

    With ``update_snapshots`` pictures are made anew, and kept as files of the run.
    """

    script: str
    script_path: str | None = None
    dependencies: tuple[Dependency, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    update_snapshots: bool = False
    ssl_check_domain: str | None = None
    should_fail: bool = False
    type: Literal[CheckType.BROWSER] = CheckType.BROWSER


@dataclass(frozen=True, slots=True)
class MultistepCheck:
    """A Playwright test file that uses the request API only, without a browser."""

    script: str
    script_path: str | None = None
    dependencies: tuple[Dependency, ...] = ()
    should_fail: bool = False
    type: Literal[CheckType.MULTI_STEP] = CheckType.MULTI_STEP


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """What a check of a type does that this version cannot run: its own fields, as the contract says them."""

    type: Literal[CheckType.AGENTIC, CheckType.GRPC, CheckType.TRACEROUTE]
    said: Mapping[str, Any]


SUITES = frozenset({CheckType.PLAYWRIGHT})
"""Suites of code: the types that retry by themselves, and that a person can stop."""

Spec = (
    PlaywrightSuite
    | UrlMonitor
    | ApiCheck
    | TcpMonitor
    | DnsMonitor
    | IcmpMonitor
    | SslMonitor
    | Heartbeat
    | BrowserCheck
    | MultistepCheck
    | KeptCheck
)
