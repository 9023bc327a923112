"""What an account may use. An installation of one's own has all that it has: its limits alone are said."""

from collections.abc import Iterator
from dataclasses import dataclass

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import KEPT_TYPES
from bellrock.domain.locations import PUBLIC_LOCATIONS
from bellrock.domain.specs import CheckType
from bellrock.services import private_locations
from bellrock.services.platform import Platform
from bellrock.services.runners import readiness

_MB = 1024**2
_WORDS = {
    CheckType.PLAYWRIGHT: "Playwright check suites",
    CheckType.URL: "URL monitors",
    CheckType.API: "API checks",
    CheckType.BROWSER: "Browser checks",
    CheckType.MULTI_STEP: "Multistep checks",
    CheckType.TCP: "TCP monitors",
    CheckType.DNS: "DNS monitors",
    CheckType.ICMP: "ICMP monitors",
    CheckType.SSL: "SSL monitors",
    CheckType.GRPC: "gRPC monitors",
    CheckType.TRACEROUTE: "Traceroute monitors",
    CheckType.HEARTBEAT: "Heartbeat monitors",
    CheckType.AGENTIC: "Agentic checks",
}


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One thing that may be used; up to ``quantity`` of it, where that is limited."""

    key: str
    name: str
    description: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceToRun:
    """A location. ``available``: a runner serves it now."""

    id: str
    name: str
    available: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an account may use, and where."""

    entitlements: tuple[Entitlement, ...]
    places: tuple[PlaceToRun, ...]


async def plan_of(platform: Platform, principal: Principal, *, requests_per_minute: int) -> Plan:
    """What the account may use. ``requests_per_minute`` is known to whoever counts them."""
    principal.must(Right.VIEW)
    limits = Entitlement(
        "API_REQUESTS_PER_MINUTE",
        "API requests per minute",
        "Requests that an account may make in a minute, with all its keys.",
        requests_per_minute,
    )
    found = (*_checks(), *_features(), *_limits(platform), limits)
    return Plan(found, await _places(platform, principal))


def _checks() -> Iterator[Entitlement]:
    for kind in sorted(frozenset(CheckType) - KEPT_TYPES):
        yield Entitlement(f"{kind}_CHECKS", _WORDS[kind], f"{_WORDS[kind]}, as many as wanted.")


def _features() -> Iterator[Entitlement]:
    said = {
        "PRIVATE_LOCATIONS": ("Private locations", "Locations with runners of your own, as many as wanted."),
        "TEST_SESSIONS": ("Test sessions", "Runs of the command line, recorded with their results."),
        "CANCELLATION": ("Cancellation", "Stopping runs of Playwright check suites that a person started."),
        "CHECK_GROUPS": ("Check groups", "Settings and variables that checks have in common."),
        "ANALYTICS": ("Analytics", "Availability and response times of checks, reports, and badges."),
    }
    for key, (name, description) in said.items():
        yield Entitlement(key, name, description)


def _limits(platform: Platform) -> Iterator[Entitlement]:
    settings = platform.settings
    yield Entitlement(
        "RESULT_RETENTION_DAYS",
        "Days that results are kept",
        "Sessions are removed with their results that many days after they ended.",
        _whole(settings.result_days),
    )
    yield Entitlement(
        "ARTIFACT_RETENTION_DAYS",
        "Days that files are kept",
        "Traces, videos and other files are removed earlier than their results.",
        _whole(settings.artifact_days),
    )
    yield Entitlement(
        "CODE_BUNDLE_MB",
        "Size of a code bundle in MB",
        "The largest archive of code that can be uploaded.",
        settings.max_bundle_bytes // _MB,
    )
    yield Entitlement(
        "ARTIFACT_MB",
        "Size of a file in MB",
        "The largest file that a run can leave behind.",
        settings.max_artifact_bytes // _MB,
    )
    yield Entitlement(
        "TEST_SECONDS",
        "Seconds for tests",
        "How long the tests of a Playwright check suite may take.",
        _whole(settings.limits.test_s),
    )


def _whole(number: float) -> int:
    return max(0, int(number))


async def _places(platform: Platform, principal: Principal) -> tuple[PlaceToRun, ...]:
    private = await private_locations.all_slugs(platform)
    served = set((await readiness(platform)).locations)
    own = await private_locations.list_locations(platform, principal)
    public = [*PUBLIC_LOCATIONS, *sorted(served - private - set(PUBLIC_LOCATIONS))]
    return (
        *(PlaceToRun(each, each, each in served) for each in public),
        *(PlaceToRun(each.location.slug, each.location.name, each.location.slug in served) for each in own),
    )
