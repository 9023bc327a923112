"""The timer of a heartbeat monitor: when a ping is due, what it counts as, and when one is missed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bellrock.domain.heartbeats import (
    MARK_AFTER_S,
    Decision,
    Pinged,
    PingMissed,
    PingRecorded,
    PingState,
    Recovered,
    Refused,
    Saved,
    Timer,
    TimeRanOut,
    decide,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PERIOD_S, GRACE_S = 3_600, 600
FRESH = Timer(PERIOD_S, GRACE_S)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def pinged(timer: Timer = FRESH, *, after_s: float = 0) -> Timer:
    return decide(timer, Pinged(), at=after(after_s)).timer


def saved(timer: Timer, *, after_s: float = 0, **changes: int | bool) -> Timer:
    wanted = {"period_s": timer.period_s, "grace_s": timer.grace_s, "activated": timer.activated}
    event = Saved(**{**wanted, **changes})  # type: ignore[arg-type]  # of one type each
    return decide(timer, event, at=after(after_s)).timer


def looked_at(timer: Timer, after_s: float) -> Decision:
    return decide(timer, TimeRanOut(), at=after(after_s))


def test_the_first_ping_starts_the_timer() -> None:
    assert isinstance(looked_at(FRESH, 10 * PERIOD_S).facts[0], Refused)
    decision = decide(FRESH, Pinged("backup-1", "curl/8"), at=START)
    assert decision.facts == (PingRecorded(PingState.RECEIVED, "backup-1", "curl/8"),)
    assert decision.timer.due_at == after(PERIOD_S)


@pytest.mark.parametrize(
    ("after_due_s", "state"),
    [
        (-3_600, PingState.EARLY),
        (-1.5, PingState.EARLY),
        (-1, PingState.RECEIVED),
        (0, PingState.RECEIVED),
        (1, PingState.RECEIVED),
        (1.5, PingState.GRACE),
        (600, PingState.GRACE),
        (600.5, PingState.LATE),
        (601.9, PingState.LATE),
    ],
)
def test_a_ping_is_told_by_when_it_came_and_is_due_again_one_period_later(
    after_due_s: float, state: PingState
) -> None:
    decision = decide(pinged(), Pinged(), at=after(PERIOD_S + after_due_s))
    assert decision.facts == (PingRecorded(state, None, None),)
    assert decision.timer.due_at == max(after(PERIOD_S), after(2 * PERIOD_S + after_due_s))


def test_without_a_grace_a_ping_within_a_second_is_still_on_time() -> None:
    timer = pinged(Timer(PERIOD_S, 0))
    (came,) = decide(timer, Pinged(), at=after(PERIOD_S + 0.9)).facts
    assert came == PingRecorded(PingState.RECEIVED, None, None)
    (came,) = decide(timer, Pinged(), at=after(PERIOD_S + 1.1)).facts
    assert came == PingRecorded(PingState.LATE, None, None)


def test_a_ping_is_missed_a_moment_after_the_grace_and_not_before() -> None:
    timer = pinged()
    missed_s = PERIOD_S + GRACE_S + MARK_AFTER_S
    assert isinstance(looked_at(timer, missed_s - 0.001).facts[0], Refused)
    decision = looked_at(timer, missed_s)
    assert decision.facts == (PingMissed(after(PERIOD_S)),)
    assert decision.timer.failing


def test_an_alert_starts_the_timer_anew() -> None:
    alerted_s = PERIOD_S + GRACE_S + 30
    failing = looked_at(pinged(), alerted_s).timer
    assert failing.due_at == after(alerted_s + PERIOD_S)
    assert isinstance(looked_at(failing, alerted_s + 1).facts[0], Refused)
    again = looked_at(failing, alerted_s + PERIOD_S + GRACE_S + MARK_AFTER_S)
    assert isinstance(again.facts[0], PingMissed)


def test_the_first_ping_after_a_missed_one_recovers_the_monitor() -> None:
    failing = looked_at(pinged(), 2 * PERIOD_S).timer
    decision = decide(failing, Pinged(), at=after(2 * PERIOD_S + 5))
    assert decision.facts == (PingRecorded(PingState.EARLY, None, None), Recovered())
    assert not decision.timer.failing
    assert Recovered() not in decide(decision.timer, Pinged(), at=after(2 * PERIOD_S + 6)).facts


def test_a_ping_that_was_overtaken_does_not_make_the_next_one_due_earlier() -> None:
    timer = pinged(pinged(after_s=60), after_s=20)
    assert (timer.due_at, timer.last_ping_at) == (after(60 + PERIOD_S), after(60))


def test_deactivating_forgets_when_the_next_ping_is_due_and_that_one_is_missed() -> None:
    off = saved(looked_at(pinged(), 2 * PERIOD_S).timer, activated=False)
    assert (off.due_at, off.mark_at, off.failing) == (None, None, False)
    assert isinstance(decide(off, Pinged(), at=after(9_000)).facts[0], Refused)
    assert isinstance(looked_at(off, 900_000).facts[0], Refused)


def test_activated_again_the_timer_runs_from_then_on() -> None:
    off = saved(pinged(), activated=False)
    assert saved(off, after_s=50_000, activated=True).due_at == after(50_000 + PERIOD_S)


def test_a_monitor_that_never_saw_a_ping_waits_for_one_whatever_is_saved() -> None:
    for timer in (saved(FRESH, period_s=60), saved(saved(FRESH, activated=False), activated=True)):
        assert timer.due_at is None


def test_another_period_starts_the_timer_anew_and_another_grace_does_not() -> None:
    timer = pinged()
    assert saved(timer, after_s=100, period_s=60).due_at == after(160)
    longer = saved(timer, after_s=100, grace_s=5)
    assert (longer.due_at, longer.mark_at) == (after(PERIOD_S), after(PERIOD_S + 5 + MARK_AFTER_S))
    assert saved(timer, after_s=100) == replace(timer)
