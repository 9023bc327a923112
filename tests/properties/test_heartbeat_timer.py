"""One timer under every event in every order: none is missed too early, and none is missed in silence."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bellrock.domain.heartbeats import (
    MARK_AFTER_S,
    ON_TIME_S,
    Fact,
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

periods_s = st.sampled_from([30, 31, 60, 3_600, 31_536_000])
graces_s = st.sampled_from([0, 1, 2, 30, 3_600, 31_536_000])
waits_s = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 28.0, 29.5, 30.0, 32.0, 62.0, 64.0]),
    st.floats(0, 40_000_000, allow_nan=False),
)


class TimerMachine(RuleBasedStateMachine):
    """Beside the timer stands what a person would say: when it last began, and how long it may take."""

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.timer = Timer(60, 0)
        self.began_at: datetime | None = None
        self.seen_a_ping = False
        self.failing = False

    @initialize(period_s=periods_s, grace_s=graces_s, activated=st.booleans())
    def start(self, period_s: int, grace_s: int, activated: bool) -> None:
        self.timer = Timer(period_s, grace_s, activated=activated)

    def since_due_s(self) -> float | None:
        if self.began_at is None:
            return None
        return (self.at - self.began_at).total_seconds() - self.timer.period_s

    def apply(self, event: Pinged | TimeRanOut | Saved) -> tuple[Fact, ...]:
        before = self.timer
        decision = decide(before, event, at=self.at)
        self.timer = decision.timer
        if any(isinstance(fact, Refused) for fact in decision.facts):
            assert self.timer == before
        return decision.facts

    @rule(wait_s=waits_s)
    def time_passes(self, wait_s: float) -> None:
        if self.at.year < 2_500:
            self.at += timedelta(seconds=wait_s)

    @rule()
    def ping(self) -> None:
        late_s, recovers = self.since_due_s(), self.failing
        facts = self.apply(Pinged("here", "curl"))
        if not self.timer.activated:
            assert isinstance(facts[0], Refused)
            return
        assert isinstance(facts[0], PingRecorded)
        assert facts[0].state is self.expected_state(late_s)
        assert (facts[1:] == (Recovered(),)) == recovers
        self.began_at, self.seen_a_ping, self.failing = self.at, True, False

    def expected_state(self, late_s: float | None) -> PingState:
        if late_s is None or abs(late_s) <= ON_TIME_S:
            return PingState.RECEIVED
        if late_s < 0:
            return PingState.EARLY
        return PingState.GRACE if late_s <= self.timer.grace_s else PingState.LATE

    @rule(times=st.integers(1, 3))
    def look(self, times: int) -> None:
        late_s = self.since_due_s()
        missed = late_s is not None and late_s >= self.timer.grace_s + MARK_AFTER_S
        facts = [self.apply(TimeRanOut()) for _ in range(times)]
        assert isinstance(facts[0][0], PingMissed) == missed
        assert all(isinstance(each[0], Refused) for each in facts[1:])
        if missed:
            self.began_at, self.failing = self.at, True

    @rule(period_s=periods_s, grace_s=graces_s, activated=st.booleans())
    def save(self, period_s: int, grace_s: int, activated: bool) -> None:
        resumed = activated and not self.timer.activated and self.seen_a_ping
        rescheduled = self.began_at is not None and period_s != self.timer.period_s
        self.apply(Saved(period_s, grace_s, activated))
        if not activated:
            self.began_at, self.failing = None, False
        elif resumed or rescheduled:
            self.began_at = self.at

    @invariant()
    def the_next_ping_is_due_one_period_after_the_timer_began(self) -> None:
        due_at = self.began_at and self.began_at + timedelta(seconds=self.timer.period_s)
        assert self.timer.due_at == due_at
        assert self.timer.failing == self.failing


TestTimer = TimerMachine.TestCase
