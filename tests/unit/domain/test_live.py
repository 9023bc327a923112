"""How a run's events become its progress."""

import pytest

from bellrock.domain.live import (
    CancelProgress,
    LiveEvent,
    Progress,
    Stage,
    StageEntered,
    StepEnded,
    StepStarted,
    TestEnded,
    TestError,
    TestRef,
    TestsFound,
    TestStarted,
    TestStatus,
)
from bellrock.domain.receipts import TestCounts

REFS = tuple(TestRef(name, "chromium", "cart.spec.ts", 1, (name,)) for name in ("a", "b", "c"))


def folded(*events: LiveEvent) -> Progress:
    progress = Progress()
    for event in events:
        progress.apply(event)
    return progress


def ended(seq: int, name: str, status: str, outcome: str, *, final: bool = True) -> TestEnded:
    return TestEnded(seq, 0, name, 0, status, outcome, final, 10)  # type: ignore[arg-type]  # words of cases


@pytest.mark.parametrize(
    ("status", "outcome", "final", "shown"),
    [
        ("passed", "expected", True, TestStatus.PASSED),
        ("failed", "expected", True, TestStatus.PASSED),  # expected to fail, and did
        ("failed", "unexpected", True, TestStatus.FAILED),
        ("failed", "unexpected", False, TestStatus.RUNNING),  # will be retried
        ("timedOut", "unexpected", True, TestStatus.FAILED),
        ("passed", "flaky", True, TestStatus.FLAKY),
        ("skipped", "skipped", True, TestStatus.SKIPPED),
        ("interrupted", "unexpected", True, TestStatus.INTERRUPTED),
    ],
)
def test_a_tests_end_is_shown_by_its_outcome_and_not_by_its_status(
    status: str, outcome: str, final: bool, shown: TestStatus
) -> None:
    events = TestsFound(1, 0, "1.65", 1, REFS), TestStarted(2, 0, "a", 0)
    progress = folded(*events, ended(3, "a", status, outcome, final=final))
    assert progress.tests["a"].status is shown


def test_a_test_that_began_and_never_ended_was_interrupted() -> None:
    progress = folded(
        TestsFound(1, 0, "1.65", 1, REFS),
        TestStarted(2, 0, "a", 0),
        ended(3, "a", "passed", "expected"),
        TestStarted(4, 0, "b", 0),
    )
    progress.interrupt_open_tests()
    assert progress.counts() == TestCounts(total=3, passed=1, interrupted=1, not_started=1)


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("interrupt_main", TestStatus.FAILED),
        ("kill_browsers", TestStatus.INTERRUPTED),
        ("kill_workers", TestStatus.INTERRUPTED),
    ],
)
def test_a_test_that_fails_because_a_cancel_killed_its_browser_was_interrupted(
    action: str, shown: TestStatus
) -> None:
    before, after = ended(3, "a", "failed", "unexpected"), ended(5, "b", "failed", "unexpected")
    begun = (TestStarted(2, 0, name, 0) for name in "a")
    cancel = CancelProgress(4, 0, action, 20)
    progress = folded(TestsFound(1, 0, "1.58.0", 1, REFS), *begun, before, cancel, after)
    assert progress.tests["a"].status is TestStatus.FAILED
    assert progress.tests["b"].status is shown


def test_a_test_that_is_skipped_after_a_cancel_was_never_started() -> None:
    cancel = CancelProgress(3, 0, "interrupt_main", 20)
    before, after = ended(2, "a", "skipped", "skipped"), ended(5, "b", "skipped", "skipped")
    progress = folded(TestsFound(1, 0, "1.58.0", 1, REFS), before, cancel, TestStarted(4, 0, "b", 0), after)
    counts = progress.counts()
    assert (counts.skipped, counts.interrupted, counts.not_started) == (1, 0, 2)


def test_an_event_that_comes_twice_changes_nothing() -> None:
    start = TestStarted(2, 0, "a", 0)
    progress = folded(TestsFound(1, 0, "1.65", 1, REFS), start, ended(3, "a", "passed", "expected"), start)
    assert progress.tests["a"].status is TestStatus.PASSED


def test_a_retry_begins_with_no_steps_and_no_errors_of_the_attempt_before() -> None:
    progress = folded(
        TestsFound(1, 0, "1.65", 1, REFS),
        TestStarted(2, 0, "a", 0),
        StepStarted(3, 0, "a", 0, step=1, parent=None, category="pw:api", title="click"),
        StepEnded(4, 0, "a", 0, step=1, duration_ms=7, error="no such element"),
    )
    assert progress.tests["a"].steps[1].error == "no such element"
    failed = TestEnded(
        5, 0, "a", 0, "failed", "unexpected", final=False, duration_ms=9, errors=(TestError("x"),)
    )
    progress.apply(failed)
    progress.apply(TestStarted(6, 0, "a", 1))
    assert (progress.tests["a"].steps, progress.tests["a"].errors) == ({}, ())


def test_the_stage_is_the_one_that_was_entered_last() -> None:
    progress = folded(StageEntered(1, 5, Stage.PREPARING), StageEntered(2, 9, Stage.TESTING))
    assert (progress.stage, progress.stage_at_ms) == (Stage.TESTING, 9)


def test_an_event_of_a_test_nobody_announced_is_ignored() -> None:
    assert folded(TestStarted(1, 0, "ghost", 0)).tests == {}
