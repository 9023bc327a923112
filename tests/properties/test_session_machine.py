"""Sessions of both kinds, of mixed runs: the status is CANCELLED exactly when it should be, for ever."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.runs import (
    CancelAsked,
    Claimed,
    LeaseRanOut,
    QueueTimeRanOut,
    Reported,
    RetryDue,
    Run,
    RunState,
)
from bellrock.domain.sessions import Session, SessionKind, is_over, status_of
from bellrock.domain.specs import CheckType
from bellrock.services.result_rows import result_rows
from bellrock.services.session_views import result_view, session_view
from bellrock.services.views import ResultView, RunView
from tests.properties.model import (
    ACCOUNT,
    LEASE_S,
    LOCATIONS,
    QUEUE_TTL_S,
    START,
    Ledger,
    any_outcomes,
    check_types,
    may_be_cancelled,
    retries,
    sources,
)
from tests.properties.versions import check_both_versions

OPEN = {"RUNNING", "STARTED", "PROGRESS", "PROGRESS_FAILED", "PROGRESS_DEGRADED"}
positions = st.integers(0, 3)


class SessionMachine(RuleBasedStateMachine):
    """One session. A check session is one check; a test session mixes types. All ends are reachable."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.results: dict[UUID, list[ResultView]] = {}
        self.frozen: str | None = None
        self.session = Session(
            id=UUID(int=3),
            account_id=ACCOUNT,
            kind=SessionKind.CHECK,
            name="shop",
            source=RunSource.TRIGGER_API,
            started_at=START,
            locations=LOCATIONS,
            check_id=UUID(int=2),
            check_type=CheckType.PLAYWRIGHT,
        )

    @initialize(
        kind=st.sampled_from(list(SessionKind)),
        source=sources,
        types=st.lists(check_types, min_size=1, max_size=4),
        retry=retries,
    )
    def start(
        self, kind: SessionKind, source: RunSource, types: list[CheckType], retry: RetryPolicy | None
    ) -> None:
        of_check = kind is SessionKind.CHECK
        for position, each in enumerate(types):
            run = self.ledger.new_run(
                types[0] if of_check else each,
                source,
                location=LOCATIONS[position % 2 if of_check else 0],
                session_id=self.session.id,
                retry=None if of_check else retry,
            )
            self.results[run.id] = []
        self.session = Session(
            id=self.session.id,
            account_id=ACCOUNT,
            kind=kind,
            name="shop",
            source=source,
            started_at=START,
            locations=LOCATIONS,
            check_id=UUID(int=2) if of_check else None,
            check_type=types[0] if of_check else None,
        )

    @property
    def runs(self) -> Sequence[Run]:
        return list(self.ledger.runs.values())

    def _at(self, position: int) -> Run | None:
        return self.runs[position % len(self.runs)] if self.runs else None

    def _apply(self, run: Run, event: object) -> None:
        decision = self.ledger.apply(run.id, event)  # type: ignore[arg-type]  # each rule sends an Event
        rows = result_rows(decision, None, at=self.ledger.now)
        self.results[run.id] += [result_view(row) for row in rows]

    @rule(position=positions)
    def claim(self, position: int) -> None:
        run = self._at(position)
        if run is not None:
            self._apply(run, Claimed(self.ledger.new_id(), "runner-1", LEASE_S))

    @rule(position=positions, outcome=any_outcomes)
    def report(self, position: int, outcome: Outcome) -> None:
        run = self._at(position)
        if run is not None and run.lease is not None:
            self._apply(run, Reported(run.lease.token, outcome))

    @rule(position=positions)
    def cancel_one(self, position: int) -> None:
        run = self._at(position)
        if run is not None:
            self._apply(run, CancelAsked("ann", Via.UI))

    @rule()
    def cancel_all(self) -> None:
        for run in self.runs:
            self._apply(run, CancelAsked("bob", Via.API))

    @rule(seconds=st.sampled_from([1.0, LEASE_S, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.ledger.pass_time(seconds)
        for run in self.runs:
            self._apply(run, LeaseRanOut())
            self._apply(self.ledger.runs[run.id], RetryDue())

    @rule(position=positions)
    def nobody_takes_it(self, position: int) -> None:
        run = self._at(position)
        if run is not None and run.state is RunState.QUEUED:
            self._apply(run, QueueTimeRanOut(QUEUE_TTL_S))

    @invariant()
    def cancelled_means_all_over_and_one_cancelled(self) -> None:
        if not self.runs:
            return
        status = str(status_of(self.session.kind, self.runs))
        cancelled = [run for run in self.runs if run.outcome and run.outcome.is_cancelled]
        over = all(run.state is RunState.FINAL for run in self.runs)
        assert is_over(self.runs) == over
        assert (status == "CANCELLED") == (over and bool(cancelled))
        assert (status in OPEN) == (not over)
        assert all(may_be_cancelled(run.check_type, run.source) for run in cancelled)

    @invariant()
    def a_terminal_status_never_changes(self) -> None:
        if self.runs and is_over(self.runs):
            status = str(status_of(self.session.kind, self.runs))
            assert self.frozen in (None, status)
            self.frozen = status
        else:
            assert self.frozen is None

    @invariant()
    def an_uncancelled_end_is_the_worst_of_its_runs(self) -> None:
        verdicts = {run.outcome.verdict for run in self.runs if run.outcome}
        if self.frozen is None or Verdict.CANCELLED in verdicts:
            return
        bad = bool(verdicts & {Verdict.FAILED, Verdict.ERRORED})
        lost, degraded = Verdict.LOST in verdicts, Verdict.DEGRADED in verdicts
        if self.session.kind is SessionKind.TEST:
            expected = "FAILED" if bad or lost else "PASSED"
        elif bad:
            expected = "FAILED"
        else:
            expected = "TIMED_OUT" if lost else "DEGRADED" if degraded else "PASSED"
        assert self.frozen == expected

    @invariant()
    def every_final_run_has_one_final_result_that_agrees(self) -> None:
        for run in self.runs:
            finals = [each for each in self.results[run.id] if each.result_type == "FINAL"]
            assert len(finals) == (1 if run.is_final else 0)
            for final in finals:
                assert final.id == run.result_id
                assert final.outcome == run.outcome
                flags = final.outcome
                if flags.is_cancelled:
                    others = (flags.has_errors, flags.has_failures, flags.is_degraded, flags.aborted)
                    assert not any(others)
                assert (final.receipt is not None) == flags.is_cancelled

    @invariant()
    def version_1_says_timed_out_where_version_2_says_cancelled_and_nothing_else_differs(self) -> None:
        if not self.runs or self.session.kind is not SessionKind.CHECK:
            return
        view = session_view(self.session, [self._view(run) for run in self.runs], at=self.ledger.now)
        check_both_versions(view)

    def _view(self, run: Run) -> RunView:
        return RunView(
            run=run,
            check_name="shop",
            results=tuple(self.results[run.id]),
            counts=None,
            stage=None,
            waiting_for_runner=False,
            cancellable=False,
            why_not_cancellable=None,
        )


TestSessionMachine = SessionMachine.TestCase
