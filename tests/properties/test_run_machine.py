"""One run under every event in every order, from whoever: nothing can make it final twice."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.retries import RetryPolicy, wait_before_retry_s
from bellrock.domain.runs import (
    CancelAsked,
    Claimed,
    Heartbeat,
    LeaseRanOut,
    QueueTimeRanOut,
    Refused,
    Reported,
    RetryDue,
    Run,
    RunClaimed,
    RunState,
)
from bellrock.domain.specs import CheckType
from tests.properties.model import (
    LEASE_S,
    QUEUE_TTL_S,
    Ledger,
    any_outcomes,
    check_types,
    retries,
    sources,
)

seconds = st.sampled_from([0.0, 0.5, 2.0, 10.0, LEASE_S, 60.0, 700.0])


class RunMachine(RuleBasedStateMachine):
    """Tokens come from a small pool, so that stale ones are shown again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.tokens = [self.ledger.new_id() for _ in range(5)]
        self.run_id = self.ledger.new_run(CheckType.PLAYWRIGHT, RunSource.TRIGGER_API).id

    @initialize(check_type=check_types, source=sources, retry=retries)
    def start(self, check_type: CheckType, source: RunSource, retry: RetryPolicy | None) -> None:
        self.run_id = self.ledger.new_run(check_type, source, retry=retry).id

    @property
    def run(self) -> Run:
        return self.ledger.runs[self.run_id]

    def holder(self) -> int | None:
        lease = self.run.lease if self.run.state is RunState.RUNNING else None
        return self.tokens.index(lease.token) if lease else None

    @rule(wait_s=seconds)
    def time_passes(self, wait_s: float) -> None:
        self.ledger.pass_time(wait_s)

    @rule(number=st.integers(0, 4))
    def claim(self, number: int) -> None:
        before, holder = self.run, self.holder()
        token = self.tokens[number]
        decision = self.ledger.apply(self.run_id, Claimed(token, f"runner-{number % 2}", LEASE_S))
        granted = isinstance(decision.facts[0], RunClaimed)
        assert granted == (before.state is RunState.QUEUED or holder == number)
        if before.state is RunState.QUEUED:
            assert self.run.executions == before.executions + 1

    @rule(number=st.integers(0, 4))
    def beat(self, number: int) -> None:
        holder = self.holder()
        decision = self.ledger.apply(self.run_id, Heartbeat(self.tokens[number], LEASE_S))
        assert isinstance(decision.facts[0], Refused) == (holder != number)

    @precondition(lambda self: self.holder() is not None)
    @rule(wait_s=st.sampled_from([0.5, 2.0, 10.0]))
    def the_holder_beats(self, wait_s: float) -> None:
        self.ledger.pass_time(wait_s)
        holder = self.holder()
        assert holder is not None
        self.beat(holder)

    @rule(number=st.integers(0, 4), outcome=any_outcomes)
    def report(self, number: int, outcome: Outcome) -> None:
        self._report(number, outcome)

    @rule(outcome=any_outcomes)
    def the_holder_reports(self, outcome: Outcome) -> None:
        holder = self.holder()
        if holder is not None:
            self._report(holder, outcome)

    def _report(self, number: int, outcome: Outcome) -> None:
        before, holder = self.run, self.holder()
        decision = self.ledger.apply(self.run_id, Reported(self.tokens[number], outcome))
        if holder != number:
            assert isinstance(decision.facts[0], Refused)
            return
        assert self.run.state is not RunState.RUNNING, "a report always ends the attempt"
        if outcome.is_cancelled and before.cancel is None and self.run.is_final:
            assert self.run.outcome is not None
            assert self.run.outcome.verdict is Verdict.ERRORED, "a runner cannot cancel by itself"
        if self.run.attempt > before.attempt or self.run.state is RunState.RETRY_WAIT:
            assert before.retry is not None
            elapsed_s = (self.ledger.now - before.queued_at).total_seconds()
            assert wait_before_retry_s(before.retry, before.attempt, elapsed_s) is not None
            assert outcome.has_failures or outcome.is_cancelled

    @rule(via=st.sampled_from(list(Via)), by=st.sampled_from(["ann", "bob"]))
    def cancel(self, via: Via, by: str) -> None:
        self.ledger.apply(self.run_id, CancelAsked(by, via))

    @rule()
    def reaper_looks(self) -> None:
        before = self.run
        self.ledger.apply(self.run_id, LeaseRanOut())
        if before.state is RunState.RUNNING and before.lease and before.lease.until <= self.ledger.now:
            assert self.run.state is not RunState.RUNNING
            assert self.run.fenced == self.run.is_final
        else:
            assert self.run == before

    @rule()
    def retry_falls_due(self) -> None:
        before = self.run
        self.ledger.apply(self.run_id, RetryDue())
        due = before.retry_at is not None and before.retry_at <= self.ledger.now
        assert (self.run.attempt == before.attempt + 1) == due

    @rule()
    def queue_time_runs_out(self) -> None:
        before = self.run
        self.ledger.apply(self.run_id, QueueTimeRanOut(QUEUE_TTL_S))
        assert self.run.is_final == (before.is_final or before.state is RunState.QUEUED)

    @invariant()
    def attempts_are_bounded_by_the_policy(self) -> None:
        assert self.run.attempt <= 1 + (self.run.retry.max_retries if self.run.retry else 0)


TestRunMachine = RunMachine.TestCase
