"""What a session's status is: a fold over its runs. Terminal is absorbing because runs are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bellrock.domain.cancellation import RunSource
from bellrock.domain.outcomes import Verdict
from bellrock.domain.projects import project_id_of
from bellrock.domain.runs import Run
from bellrock.domain.specs import CheckType


class SessionKind(StrEnum):
    """A check session is one check at its locations; a test session is many checks at one."""

    CHECK = "check"
    TEST = "test"


class CheckSessionStatus(StrEnum):
    """The contract's status of a check session. The first four are open."""

    STARTED = "STARTED"
    PROGRESS = "PROGRESS"
    PROGRESS_FAILED = "PROGRESS_FAILED"
    PROGRESS_DEGRADED = "PROGRESS_DEGRADED"
    PASSED = "PASSED"
    FAILED = "FAILED"
    DEGRADED = "DEGRADED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"


class TestSessionStatus(StrEnum):
    """The contract's status of a test session, and of one result in it."""

    __test__ = False

    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class GitMetadata:
    """Where the code under test comes from. All parts optional."""

    environment: str | None = None
    repo_url: str | None = None
    commit_id: str | None = None
    commit_owner: str | None = None
    commit_message: str | None = None
    branch_name: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One session of either kind. ``check_id`` is set for check sessions only.

    ``status`` is the frozen terminal status, or None while any run is open. ``suite_id`` is how the
    command line that started it calls it, and ``streams_logs`` whether it wants to read along. ``project_id``
    is the logical id of the project whose undeployed checks a test session tries.
    """

    id: UUID
    account_id: UUID
    kind: SessionKind
    name: str
    source: RunSource
    started_at: datetime
    locations: tuple[str, ...]
    check_id: UUID | None = None
    check_type: CheckType | None = None
    stopped_at: datetime | None = None
    status: str | None = None
    started_by: str | None = None
    provider: str = "API"
    git: GitMetadata = GitMetadata()
    recorded: bool = True
    suite_id: str | None = None
    streams_logs: bool = False
    project_id: str | None = None

    @property
    def project(self) -> UUID | None:
        """The id of its project."""
        return None if self.project_id is None else project_id_of(self.account_id, self.project_id)

    @property
    def owner_of_errors(self) -> UUID:
        """In what errors that are the same are put together: the project, or else the account."""
        return self.project or self.account_id


def _verdicts(runs: Iterable[Run]) -> set[Verdict]:
    return {run.outcome.verdict for run in runs if run.outcome is not None}


def check_session_status(runs: Sequence[Run]) -> CheckSessionStatus:
    """Fold a check session's runs. Cancelled beats failed; failed beats lost (evidence is stronger)."""
    verdicts = _verdicts(runs)
    if not is_over(runs):
        failed = bool(verdicts & {Verdict.FAILED, Verdict.ERRORED})
        return _open_status(runs, failed=failed, degraded=Verdict.DEGRADED in verdicts)
    return _ended_check_session(verdicts)


def _ended_check_session(verdicts: set[Verdict]) -> CheckSessionStatus:
    if Verdict.CANCELLED in verdicts:
        return CheckSessionStatus.CANCELLED
    if verdicts & {Verdict.FAILED, Verdict.ERRORED}:
        return CheckSessionStatus.FAILED
    if Verdict.LOST in verdicts:
        return CheckSessionStatus.TIMED_OUT
    if Verdict.DEGRADED in verdicts:
        return CheckSessionStatus.DEGRADED
    return CheckSessionStatus.PASSED


def _open_status(runs: Sequence[Run], *, failed: bool, degraded: bool) -> CheckSessionStatus:
    if not any(run.is_final or run.attempt > 1 or run.retry_at is not None for run in runs):
        return CheckSessionStatus.STARTED
    if failed:
        return CheckSessionStatus.PROGRESS_FAILED
    return CheckSessionStatus.PROGRESS_DEGRADED if degraded else CheckSessionStatus.PROGRESS


def test_session_status(runs: Sequence[Run]) -> TestSessionStatus:
    """Fold a test session's runs: running until the last is final, then cancelled, failed or passed."""
    return _ended_test_session(_verdicts(runs)) if is_over(runs) else TestSessionStatus.RUNNING


def _ended_test_session(verdicts: set[Verdict]) -> TestSessionStatus:
    if Verdict.CANCELLED in verdicts:
        return TestSessionStatus.CANCELLED
    if verdicts & {Verdict.FAILED, Verdict.ERRORED, Verdict.LOST}:
        return TestSessionStatus.FAILED
    return TestSessionStatus.PASSED


test_session_status.__test__ = False  # type: ignore[attr-defined]  # not a test, in spite of its name


def status_of(kind: SessionKind, runs: Sequence[Run]) -> CheckSessionStatus | TestSessionStatus:
    """The status of a session of this kind."""
    return check_session_status(runs) if kind is SessionKind.CHECK else test_session_status(runs)


def status_at_end(kind: SessionKind, verdicts: set[Verdict]) -> CheckSessionStatus | TestSessionStatus:
    """The status of a session whose runs are all final, with these verdicts."""
    if kind is SessionKind.CHECK:
        return _ended_check_session(verdicts)
    return _ended_test_session(verdicts)


def is_over(runs: Sequence[Run]) -> bool:
    """Whether every run has its terminal state."""
    return all(run.is_final for run in runs)
