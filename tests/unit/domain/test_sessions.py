"""What a session's status is, for every mix of runs."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bellrock.domain.cancellation import RunSource
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.runs import Run, RunState
from bellrock.domain.sessions import check_session_status, is_over, test_session_status
from bellrock.domain.specs import CheckType

SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def runs_of(*states: Verdict | None, attempt: int = 1) -> list[Run]:
    """One run per verdict; None is a run that still goes on."""
    return [
        Run(
            id=uuid4(),
            session_id=uuid4(),
            account_id=uuid4(),
            check_id=None,
            check_type=CheckType.PLAYWRIGHT,
            source=RunSource.TRIGGER_API,
            location="eu-central-1",
            result_id=uuid4(),
            queued_at=SOME_TIME,
            attempt=attempt,
            state=RunState.FINAL if verdict else RunState.RUNNING,
            outcome=Outcome(verdict, Blame.TARGET) if verdict else None,
        )
        for verdict in states
    ]


V = Verdict


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ((None, None), "STARTED"),
        ((V.PASSED, None), "PROGRESS"),
        ((V.CANCELLED, None), "PROGRESS"),
        ((V.DEGRADED, None), "PROGRESS_DEGRADED"),
        ((V.FAILED, None), "PROGRESS_FAILED"),
        ((V.ERRORED, V.DEGRADED, None), "PROGRESS_FAILED"),
        ((V.PASSED, V.PASSED), "PASSED"),
        ((V.PASSED, V.DEGRADED), "DEGRADED"),
        ((V.DEGRADED, V.LOST), "TIMED_OUT"),
        ((V.LOST, V.FAILED), "FAILED"),
        ((V.ERRORED, V.PASSED), "FAILED"),
        ((V.CANCELLED, V.PASSED), "CANCELLED"),
        ((V.CANCELLED, V.FAILED), "CANCELLED"),
        ((V.CANCELLED, V.LOST, V.DEGRADED), "CANCELLED"),
    ],
)
def test_a_check_sessions_status_follows_from_its_runs(
    verdicts: tuple[Verdict | None, ...], status: str
) -> None:
    assert check_session_status(runs_of(*verdicts)) == status


def test_a_check_session_with_a_failed_attempt_has_made_progress() -> None:
    assert check_session_status(runs_of(None, attempt=2)) == "PROGRESS"


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ((V.CANCELLED, None), "RUNNING"),
        ((V.PASSED, V.DEGRADED), "PASSED"),
        ((V.PASSED, V.FAILED), "FAILED"),
        ((V.LOST,), "FAILED"),
        ((V.ERRORED,), "FAILED"),
        ((V.CANCELLED, V.FAILED), "CANCELLED"),
    ],
)
def test_a_test_sessions_status_follows_from_its_runs(
    verdicts: tuple[Verdict | None, ...], status: str
) -> None:
    assert test_session_status(runs_of(*verdicts)) == status


def test_a_session_is_over_when_its_last_run_is_final() -> None:
    assert is_over(runs_of(V.PASSED, V.CANCELLED))
    assert not is_over(runs_of(V.PASSED, None))
