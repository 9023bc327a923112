"""What the machines share: runs that move only by `decide`, watched at every step.

`Ledger.apply` is the one way to a new state. It checks what must hold of every single decision,
whoever caused it; the machines add what must hold of whole sessions and of time.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from bellrock.domain.cancellation import RunSource, is_recorded, is_user_initiated
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import (
    MAX_EXECUTIONS,
    CancelAsked,
    Decision,
    Event,
    LeaseExtended,
    Order,
    Refused,
    Run,
    RunFinished,
    RunState,
    decide,
)
from bellrock.domain.specs import CheckType

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LEASE_S = 15.0
QUEUE_TTL_S = 3_600.0
TICK_QUEUE_TTL_S = 360.0  # what the scheduler started is soon started again
ACCOUNT = UUID(int=1)
LOCATIONS = ("eu-central-1", "us-east-1")

PASSED = Outcome(Verdict.PASSED)
DEGRADED = Outcome(Verdict.DEGRADED)
FAILED = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "1 of 3 tests failed.")
ERRORED = Outcome(Verdict.ERRORED, Blame.RUNNER, "BROWSER_CRASHED", "The browser ended.")
CANCELLED = Outcome(Verdict.CANCELLED)

genuine_outcomes = st.sampled_from([PASSED, DEGRADED, FAILED, ERRORED])
any_outcomes = st.sampled_from([PASSED, DEGRADED, FAILED, ERRORED, CANCELLED])
check_types = st.sampled_from([CheckType.PLAYWRIGHT, CheckType.PLAYWRIGHT, CheckType.URL])
sources = st.sampled_from(
    [
        # Twice: most examples are about runs that can be cancelled.
        *(RunSource.TRIGGER_API, RunSource.SCHEDULE_NOW, RunSource.CLI_DEPLOY, RunSource.TEST_RECORD),
        *(RunSource.TRIGGER_API, RunSource.SCHEDULE_NOW, RunSource.CLI_DEPLOY, RunSource.TEST_RECORD),
        *(RunSource.SCHEDULER, RunSource.DEPLOYMENT_CACHE_WARMER, RunSource.TEST_NO_RECORD),
    ]
)
retries = st.one_of(
    st.none(),
    st.builds(
        RetryPolicy,
        backoff=st.sampled_from(list(Backoff)),
        base_backoff_s=st.sampled_from([0.0, 3.0, 20.0]),
        max_retries=st.integers(1, 3),
        max_duration_s=st.sampled_from([30.0, 600.0]),
    ),
)


def may_be_cancelled(check_type: CheckType, source: RunSource) -> bool:
    """The rule in words of its own: a Playwright suite, started by a person, recorded."""
    return check_type is CheckType.PLAYWRIGHT and is_user_initiated(source) and is_recorded(source)


@dataclass(slots=True)
class Ledger:
    """Runs by id, a clock, and everything that was ever decided about them."""

    now: datetime = START
    runs: dict[UUID, Run] = field(default_factory=dict)
    named_by_cancel: set[UUID] = field(default_factory=set)
    issued: set[tuple[UUID, int, Order]] = field(default_factory=set)
    finals: dict[UUID, Outcome] = field(default_factory=dict)
    last_id: int = 1_000

    def new_id(self) -> UUID:
        self.last_id += 1
        return UUID(int=self.last_id)

    def new_run(
        self,
        check_type: CheckType,
        source: RunSource,
        *,
        location: str = LOCATIONS[0],
        session_id: UUID | None = None,
        retry: RetryPolicy | None = None,
    ) -> Run:
        run = Run(
            id=self.new_id(),
            session_id=session_id or self.new_id(),
            account_id=ACCOUNT,
            check_id=UUID(int=2),
            check_type=check_type,
            source=source,
            location=location,
            result_id=self.new_id(),
            queued_at=self.now,
            retry=retry,
        )
        self.runs[run.id] = run
        return run

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def apply(self, run_id: UUID, event: Event) -> Decision:
        """Decide, keep the new state, and check what holds of every decision."""
        before = self.runs[run_id]
        if isinstance(event, CancelAsked):
            self.named_by_cancel.add(run_id)
        decision = decide(before, event, at=self.now)
        after = decision.run
        self._check_version(before, decision)
        self._check_finality(before, decision)
        self._check_cancel(before, event, decision)
        self._check_lease(decision)
        for order in decision.orders:
            entry = (run_id, after.version, order)
            assert entry not in self.issued, f"issued twice for one version: {order}"
            self.issued.add(entry)
        self.runs[run_id] = after
        return decision

    def _check_version(self, before: Run, decision: Decision) -> None:
        after = decision.run
        assert decision.facts, "every decision says what happened"
        if after.version == before.version:
            assert after == before, "a change without a new version would be lost by compare-and-set"
            assert not decision.orders, "orders without a new version could be issued twice"
        else:
            assert after.version == before.version + 1
            assert not any(isinstance(fact, Refused) for fact in decision.facts)
        assert (after.id, after.result_id, after.session_id) == (
            before.id,
            before.result_id,
            before.session_id,
        )

    def _check_finality(self, before: Run, decision: Decision) -> None:
        after = decision.run
        ends = [fact.outcome for fact in decision.facts if isinstance(fact, RunFinished)]
        if before.is_final:
            assert after == before
            assert not ends
            assert not decision.orders
            return
        assert after.is_final == (len(ends) == 1)
        assert (after.outcome is None) == (after.stopped_at is None) == (not after.is_final)
        if ends:
            assert after.id not in self.finals
            assert after.outcome == ends[0]
            self.finals[after.id] = ends[0]

    def _check_cancel(self, before: Run, event: Event, decision: Decision) -> None:
        after = decision.run
        allowed = may_be_cancelled(after.check_type, after.source)
        if before.cancel is not None:
            assert after.cancel == before.cancel, "the first request stands"
        if isinstance(event, CancelAsked) and (before.cancel or not allowed or before.is_final):
            assert after == before
            assert not decision.orders
        if after.cancel is not None:
            assert allowed
            assert after.id in self.named_by_cancel
            assert after.state in (RunState.RUNNING, RunState.FINAL), (
                "nothing asked to stop waits or is retried"
            )
        if after.outcome is not None and after.outcome.is_cancelled:
            assert allowed
            assert after.cancel is not None

    def _check_lease(self, decision: Decision) -> None:
        run = decision.run
        assert run.executions <= MAX_EXECUTIONS
        if run.state is RunState.RUNNING:
            assert run.lease is not None
            latest = (run.cancel.at if run.cancel else self.now) + timedelta(seconds=LEASE_S)
            assert run.lease.until <= latest
        if run.state in (RunState.QUEUED, RunState.RETRY_WAIT):
            assert run.lease is None, "a token of an earlier execution is worth nothing"
        for fact in decision.facts:
            if isinstance(fact, LeaseExtended):
                assert fact.stop == (run.cancel is not None)
