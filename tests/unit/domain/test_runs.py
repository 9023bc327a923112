"""The life of a run, transition by transition."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.outcomes import CANCELLED, Blame, Outcome, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy, policy_of_run
from bellrock.domain.runs import (
    MAX_EXECUTIONS,
    AttemptFailed,
    CancelAsked,
    Claimed,
    Decision,
    Dispatch,
    Event,
    Heartbeat,
    LeaseExtended,
    LeaseRanOut,
    NotSupported,
    QueueTimeRanOut,
    Refused,
    Reported,
    RetryDue,
    Run,
    RunFinished,
    RunState,
    SignalRunner,
    decide,
)
from bellrock.domain.specs import CheckType

START = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN, OTHER_TOKEN = UUID(int=1), UUID(int=2)
LEASE_S = 15.0
PASSED = Outcome(Verdict.PASSED)
FAILED = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "1 test failed.")
FAULT = Outcome(Verdict.ERRORED, Blame.RUNNER, "RUNNER_FAULT", "The runner failed.")

CLAIM = Claimed(TOKEN, "runner-1", LEASE_S)
CANCEL = CancelAsked("ana", Via.UI)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run_of(**changes: object) -> Run:
    run = Run(
        id=UUID(int=10),
        session_id=UUID(int=11),
        account_id=UUID(int=12),
        check_id=UUID(int=13),
        check_type=CheckType.PLAYWRIGHT,
        source=RunSource.SCHEDULE_NOW,
        location="eu-central-1",
        result_id=UUID(int=14),
        queued_at=START,
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # tests name fields of any type


def after(run: Run, *events: Event, at: datetime = START) -> Decision:
    """The decision about the last of these events."""
    decision = Decision(run, ())
    for event in events:
        decision = decide(decision.run, event, at=at)
    return decision


def is_refused(decision: Decision) -> bool:
    return isinstance(decision.facts[0], Refused) and not decision.orders


def test_a_claim_starts_the_run_and_leases_it() -> None:
    run = after(run_of(), CLAIM).run
    assert run.state is RunState.RUNNING
    assert run.lease is not None
    assert (run.lease.token, run.lease.until, run.started_at) == (TOKEN, later(LEASE_S), START)


def test_a_claim_whose_answer_was_lost_is_granted_again_to_the_same_token_only() -> None:
    claimed = after(run_of(), CLAIM).run
    assert not is_refused(decide(claimed, CLAIM, at=later(1)))
    assert is_refused(decide(claimed, Claimed(OTHER_TOKEN, "runner-2", LEASE_S), at=later(1)))


@pytest.mark.parametrize("outcome", [PASSED, FAILED, FAULT])
def test_a_report_ends_the_run_with_its_outcome(outcome: Outcome) -> None:
    decision = after(run_of(), CLAIM, Reported(TOKEN, outcome))
    assert decision.run.is_final
    assert decision.run.outcome == outcome
    assert decision.facts == (RunFinished(outcome),)


def test_a_report_without_the_token_is_refused() -> None:
    assert is_refused(after(run_of(), CLAIM, Reported(OTHER_TOKEN, PASSED)))
    assert is_refused(after(run_of(), Reported(TOKEN, PASSED)))


def test_a_final_run_refuses_everything() -> None:
    final = after(run_of(), CLAIM, Reported(TOKEN, PASSED)).run
    events: tuple[Event, ...] = (
        CLAIM,
        Heartbeat(TOKEN, LEASE_S),
        Reported(TOKEN, FAILED),
        CANCEL,
        LeaseRanOut(),
        QueueTimeRanOut(10),
        NotSupported(),
        RetryDue(),
    )
    for event in events:
        decision = decide(final, event, at=later(1_000))
        assert is_refused(decision)
        assert decision.run is final


def test_a_cancel_of_a_queued_run_ends_it_before_any_runner_has_it() -> None:
    decision = after(run_of(), CANCEL)
    assert decision.run.outcome == CANCELLED
    assert decision.run.started_at is None
    assert is_refused(decide(decision.run, CLAIM, at=later(1)))


def test_a_cancel_of_a_running_run_only_stamps_it_and_signals_its_runner() -> None:
    decision = after(run_of(), CLAIM, CANCEL)
    assert decision.run.state is RunState.RUNNING
    assert decision.run.cancel is not None
    assert SignalRunner(decision.run.id, decision.run.location) in decision.orders


def test_a_second_cancel_keeps_the_first_stamp_and_sends_no_second_signal() -> None:
    first = after(run_of(), CLAIM, CANCEL)
    second = decide(first.run, CancelAsked("ben", Via.API), at=later(1))
    assert is_refused(second)
    assert second.run.cancel == first.run.cancel


@pytest.mark.parametrize(
    ("check_type", "source"),
    [(CheckType.URL, RunSource.SCHEDULE_NOW), (CheckType.PLAYWRIGHT, RunSource.SCHEDULER)],
)
def test_a_run_of_another_kind_or_of_the_scheduler_is_never_cancelled(
    check_type: CheckType, source: RunSource
) -> None:
    run = run_of(check_type=check_type, source=source)
    assert is_refused(after(run, CANCEL))
    assert is_refused(after(run, CLAIM, CANCEL))


@pytest.mark.parametrize("outcome", [PASSED, FAILED])
def test_a_verdict_that_was_reached_before_the_signal_stands(outcome: Outcome) -> None:
    assert after(run_of(), CLAIM, CANCEL, Reported(TOKEN, outcome)).run.outcome == outcome


def test_a_fault_of_the_runner_is_no_verdict_so_an_accepted_cancel_is_honoured() -> None:
    assert after(run_of(), CLAIM, CANCEL, Reported(TOKEN, FAULT)).run.outcome == CANCELLED


def test_a_runner_that_stops_a_run_nobody_cancelled_reports_its_own_fault() -> None:
    outcome = after(run_of(), CLAIM, Reported(TOKEN, CANCELLED)).run.outcome
    assert outcome is not None
    assert (outcome.verdict, outcome.blame) == (Verdict.ERRORED, Blame.RUNNER)


def test_a_heartbeat_extends_the_lease_and_tells_of_a_cancel() -> None:
    claimed = after(run_of(), CLAIM).run
    beat = decide(claimed, Heartbeat(TOKEN, LEASE_S), at=later(10))
    assert beat.facts == (LeaseExtended(stop=False),)
    assert beat.run.lease is not None
    assert beat.run.lease.until == later(10 + LEASE_S)
    stamped = decide(beat.run, CANCEL, at=later(11)).run
    assert decide(stamped, Heartbeat(TOKEN, LEASE_S), at=later(12)).facts == (LeaseExtended(stop=True),)


def test_heartbeats_do_not_carry_a_run_past_the_deadline_of_its_cancel() -> None:
    run = after(run_of(), CLAIM, CANCEL).run
    for second in range(1, 15):
        run = decide(run, Heartbeat(TOKEN, LEASE_S), at=later(second)).run
    decision = decide(run, LeaseRanOut(), at=later(LEASE_S))
    assert decision.run.outcome == CANCELLED
    assert decision.run.fenced


def test_a_lease_that_still_holds_is_not_reaped() -> None:
    assert is_refused(decide(after(run_of(), CLAIM).run, LeaseRanOut(), at=later(LEASE_S - 1)))


def test_a_run_whose_runner_vanished_is_offered_again_and_given_up_in_the_end() -> None:
    run, now = run_of(), START
    for execution in range(1, MAX_EXECUTIONS + 1):
        run = decide(run, Claimed(UUID(int=100 + execution), "runner", LEASE_S), at=now).run
        now += timedelta(seconds=LEASE_S)
        decision = decide(run, LeaseRanOut(), at=now)
        run = decision.run
        if execution < MAX_EXECUTIONS:
            assert run.state is RunState.QUEUED
            assert Dispatch(run.id, run.location) in decision.orders
    assert run.outcome is not None
    assert (run.outcome.verdict, run.outcome.blame, run.fenced) == (Verdict.LOST, Blame.RUNNER, True)


def test_a_report_of_a_runner_that_lost_the_run_is_refused() -> None:
    lost = decide(after(run_of(), CLAIM).run, LeaseRanOut(), at=later(LEASE_S)).run
    again = decide(lost, Claimed(OTHER_TOKEN, "runner-2", LEASE_S), at=later(LEASE_S + 1)).run
    assert is_refused(decide(again, Reported(TOKEN, PASSED), at=later(LEASE_S + 2)))


def test_a_run_that_nobody_takes_is_lost_and_that_is_the_platforms_fault() -> None:
    outcome = after(run_of(), QueueTimeRanOut(3_600)).run.outcome
    assert outcome is not None
    assert (outcome.verdict, outcome.blame, outcome.code) == (Verdict.LOST, Blame.PLATFORM, "NO_RUNNER")


def test_a_run_that_this_version_cannot_run_ends_with_an_error_that_says_so() -> None:
    outcome = after(run_of(), NotSupported()).run.outcome
    assert outcome is not None
    assert (outcome.verdict, outcome.blame, outcome.code) == (
        Verdict.ERRORED,
        Blame.PLATFORM,
        "NOT_SUPPORTED",
    )
    assert is_refused(decide(after(run_of(), CLAIM).run, NotSupported(), at=later(1)))


def test_a_failed_attempt_waits_and_is_then_offered_again() -> None:
    run = run_of(retry=RetryPolicy(Backoff.FIXED, base_backoff_s=5, max_retries=1))
    failed = after(run, CLAIM, Reported(TOKEN, FAILED))
    assert failed.facts == (AttemptFailed(1, FAILED, run.location),)
    assert failed.run.state is RunState.RETRY_WAIT
    assert is_refused(decide(failed.run, RetryDue(), at=later(4)))
    due = decide(failed.run, RetryDue(), at=later(5))
    assert (due.run.state, due.run.attempt) == (RunState.QUEUED, 2)
    last = decide(decide(due.run, CLAIM, at=later(6)).run, Reported(TOKEN, FAILED), at=later(7))
    assert last.run.outcome == FAILED


def test_a_cancel_between_attempts_drops_the_retry() -> None:
    run = run_of(retry=RetryPolicy(Backoff.FIXED, base_backoff_s=5))
    waiting = after(run, CLAIM, Reported(TOKEN, FAILED)).run
    decision = decide(waiting, CANCEL, at=later(1))
    assert decision.run.outcome == CANCELLED
    assert decision.run.retry_at is None


def test_a_cancelled_run_never_schedules_a_retry() -> None:
    run = run_of(retry=RetryPolicy(Backoff.FIXED, base_backoff_s=0))
    decision = after(run, CLAIM, CANCEL, Reported(TOKEN, FAILED))
    assert decision.facts == (AttemptFailed(1, FAILED, run.location), RunFinished(CANCELLED))


ELSEWHERE = RetryPolicy(Backoff.FIXED, base_backoff_s=0, max_retries=3, same_region=False)


@pytest.mark.parametrize(
    ("policy", "location", "locations", "expected"),
    [
        (ELSEWHERE, "b", ("a", "b", "c"), ("c", "a")),
        (ELSEWHERE, "a", ("a", "b", "c"), ("b", "c")),
        (ELSEWHERE, "a", ("a",), ()),
        (ELSEWHERE, "x", ("a", "b"), ()),
        (replace(ELSEWHERE, same_region=True), "b", ("a", "b", "c"), ()),
    ],
)
def test_a_runs_retries_elsewhere_are_at_the_other_locations_of_its_check(
    policy: RetryPolicy, location: str, locations: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert policy_of_run(policy, location, locations).locations == expected


def test_retries_elsewhere_take_turns_and_each_attempt_says_where_it_was() -> None:
    run = run_of(retry=replace(ELSEWHERE, locations=("b", "c")))
    places = [run.location]
    for _ in range(3):
        failed = after(run, CLAIM, Reported(TOKEN, FAILED))
        assert failed.facts[0] == AttemptFailed(run.attempt, FAILED, run.location)
        run = failed.run
        assert Dispatch(run.id, run.location) in failed.orders
        places.append(run.location)
    assert places == [places[0], "b", "c", "b"]
    last = after(run, CLAIM, Reported(TOKEN, FAILED)).run
    assert (last.location, last.outcome) == ("b", FAILED)


def test_a_runner_that_vanishes_is_no_reason_to_go_elsewhere() -> None:
    run = run_of(retry=replace(ELSEWHERE, locations=("b",)))
    lost = decide(after(run, CLAIM).run, LeaseRanOut(), at=later(LEASE_S)).run
    assert (lost.location, lost.attempt) == (run.location, 1)
