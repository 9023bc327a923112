"""What a person monitors: the check types and the data of those that can be run."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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


RUNNABLE = frozenset({CheckType.PLAYWRIGHT, CheckType.URL})

FREQUENCIES_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440)
"""The contract's intervals. Monitors may also say 0, with an offset in seconds; suites may not."""


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable of a check. ``secret`` values are encrypted at rest and never returned."""

    key: str
    value: str = field(repr=False)
    locked: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class PlaywrightSuite:
    """A Playwright Check Suite: a bundle, and how to install and run it.

    ``working_dir`` is relative to the bundle's root; ``test_command`` and ``install_command`` are
    shell words; an empty ``install_command`` means "by the lock file".
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


@dataclass(frozen=True, slots=True)
class StatusAssertion:
    """A URL monitor's assertion on the status code. ``comparison`` as in the contract."""

    comparison: str
    target: str


@dataclass(frozen=True, slots=True)
class UrlMonitor:
    """A GET that must answer in time. Times in ms."""

    url: str
    follow_redirects: bool = True
    skip_ssl: bool = False
    ip_family: str = "IPv4"
    assertions: tuple[StatusAssertion, ...] = ()
    degraded_response_time_ms: int = 3_000
    max_response_time_ms: int = 5_000
    should_fail: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A deployed check of one account."""

    id: UUID
    account_id: UUID
    type: CheckType
    name: str
    spec: PlaywrightSuite | UrlMonitor
    created_at: datetime
    updated_at: datetime | None = None
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency_min: int = 10
    frequency_offset_s: int | None = None
    run_parallel: bool = False
    environment: tuple[EnvironmentVariable, ...] = ()
    description: str | None = None
    project_id: str | None = None
    logical_id: str | None = None
