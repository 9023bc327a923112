"""Sessions begin here: which checks are meant, and one queued run for each of their locations."""

from dataclasses import dataclass
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import NotBuilt
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.sessions import GitMetadata
from bellrock.services.checks import CheckDraft
from bellrock.services.platform import Platform
from bellrock.services.views import SessionView


@dataclass(frozen=True, slots=True)
class Target:
    """Which checks are meant: by tags (OR of ANDs, ``!tag`` for not) AND by id; nothing means all.

    None and an empty sequence of ids both mean "no filter by id".
    """

    match_tags: tuple[tuple[str, ...], ...] = ()
    check_ids: tuple[UUID, ...] = ()
    allow_deactivated: bool = False


@dataclass(frozen=True, slots=True)
class TestSessionRequest:
    """A test session of deployed checks, all at one location."""

    __test__ = False

    name: str
    run_location: str
    target: Target = Target()
    environment: tuple[EnvironmentVariable, ...] = ()
    retry: RetryPolicy | None = None
    refresh_cache: bool = False
    git: GitMetadata = GitMetadata()
    source: RunSource = RunSource.TRIGGER_API
    provider: str = "API"


@dataclass(frozen=True, slots=True)
class InlineJob:
    """An undeployed check of a project, with its variables in the draft. Its locations do not count."""

    logical_id: str
    draft: CheckDraft
    retry: RetryPolicy | None = None
    file_path: str | None = None


@dataclass(frozen=True, slots=True)
class InlineSessionRequest:
    """A test session of undeployed checks. ``source`` says whether it is recorded (TEST_RECORD)."""

    name: str
    run_location: str
    jobs: tuple[InlineJob, ...]
    environment: tuple[EnvironmentVariable, ...] = ()
    refresh_cache: bool = False
    git: GitMetadata = GitMetadata()
    source: RunSource = RunSource.TEST_RECORD
    provider: str = "API"


async def trigger_check_sessions(
    platform: Platform,
    principal: Principal,
    *,
    target: Target,
    refresh_cache: bool = False,
    source: RunSource = RunSource.TRIGGER_API,
) -> tuple[SessionView, ...]:
    """Start one check session per activated check meant, at all its locations, in one transaction.

    Raises NotFound where no check is meant. Needs RUN.
    """
    raise NotBuilt("sessions")


async def start_check_session(
    platform: Platform,
    principal: Principal,
    *,
    check_id: UUID,
    source: RunSource = RunSource.SCHEDULE_NOW,
    refresh_cache: bool = False,
) -> SessionView:
    """Start one check's session ("Schedule now"). Raises NotFound, Conflict if deactivated. Needs RUN."""
    raise NotBuilt("sessions")


async def trigger_test_session(
    platform: Platform, principal: Principal, request: TestSessionRequest
) -> SessionView:
    """Start a test session of deployed checks. Raises NotFound where none is meant, Invalid. Needs RUN."""
    raise NotBuilt("sessions")


async def run_test_session(
    platform: Platform, principal: Principal, request: InlineSessionRequest
) -> SessionView:
    """Start a test session of inline jobs. Each job's sequence id is its run's id: find the run by
    `RunView.logical_id`. Raises Invalid naming job and field. Needs RUN.
    """
    raise NotBuilt("sessions")


def sequence_ids(view: SessionView) -> dict[str, UUID]:
    """The sequence id of each job, by logical id (else by check id)."""
    return {run.logical_id or str(run.run.check_id): run.run.id for run in view.runs}
