"""Cancels over a network that loses, repeats and delays: every accepted cancel ends in time.

Two runners compete for the offers of two locations. What is on its way can be delivered at any later
moment, several times, or never. The control plane's loops look when the model's clock moves, unless they
are down. Beside each run goes a twin that hears the same but for cancels that must not matter: a run that
cannot be cancelled hears none, any other hears only the first.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bellrock.domain.cancellation import RunSource, Via, targeted
from bellrock.domain.outcomes import Outcome
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.runs import (
    CancelAsked,
    Claimed,
    Decision,
    Dispatch,
    Event,
    Heartbeat,
    LeaseExtended,
    LeaseRanOut,
    QueueTimeRanOut,
    Reported,
    RetryDue,
    Run,
    RunClaimed,
    RunState,
    SignalRunner,
    decide,
)
from bellrock.domain.sessions import SessionKind, status_of
from bellrock.domain.specs import CheckType
from tests.properties.model import (
    CANCELLED,
    LEASE_S,
    LOCATIONS,
    PASSED,
    QUEUE_TTL_S,
    Ledger,
    check_types,
    genuine_outcomes,
    may_be_cancelled,
    retries,
    sources,
)

MOST_ON_THE_WAY = 12
picks = st.integers(0, MOST_ON_THE_WAY - 1)
faults = st.sampled_from(["arrives", "arrives", "arrives", "arrives twice", "is lost"])


@dataclass(slots=True)
class Runner:
    """What a runner believes: the runs it has, with its token of each."""

    name: str
    held: dict[UUID, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """A runner's message on its way."""

    sender: Runner
    run_id: UUID
    event: Claimed | Heartbeat | Reported


class CancellationMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.twins: dict[UUID, Run] = {}
        self.runners = (Runner("runner-1"), Runner("runner-2"))
        self.offers: list[UUID] = []
        self.signals: list[UUID] = []
        self.letters: list[Letter] = []
        self.sessions: dict[UUID, SessionKind] = {}
        self.loops_are_up = True
        self.accepted: dict[UUID, CancelAsked] = {}

    # --- what the control plane does ------------------------------------------------------------

    def _apply(self, run_id: UUID, event: Event) -> Decision:
        before = self.ledger.runs[run_id]
        decision = self.ledger.apply(run_id, event)
        if not isinstance(event, CancelAsked) or self._counts(before):
            self.twins[run_id] = decide(self.twins[run_id], event, at=self.ledger.now).run
        for order in decision.orders:
            if isinstance(order, Dispatch):
                assert not decision.run.is_final
                self.offers.append(order.run_id)
            elif isinstance(order, SignalRunner):
                assert decision.run.state is RunState.RUNNING
                self.signals.append(order.run_id)
        return decision

    def _counts(self, run: Run) -> bool:
        return may_be_cancelled(run.check_type, run.source) and run.cancel is None and not run.is_final

    def _look(self) -> None:
        """The reaper and the sweeper look at everything."""
        for run_id, run in self.ledger.runs.items():
            self._apply(run_id, LeaseRanOut())
            self._apply(run_id, RetryDue())
            waited_s = (self.ledger.now - run.waiting_since).total_seconds()
            if run.state is RunState.QUEUED and waited_s >= QUEUE_TTL_S:
                self._apply(run_id, QueueTimeRanOut(waited_s))

    @initialize(
        kind=st.sampled_from(list(SessionKind)),
        source=sources,
        types=st.lists(check_types, min_size=1, max_size=3),
        retry=retries,
    )
    def first_session(
        self, kind: SessionKind, source: RunSource, types: list[CheckType], retry: RetryPolicy | None
    ) -> None:
        self._begin(kind, source, types, retry)

    @precondition(lambda self: len(self.sessions) < 2)
    @rule(
        kind=st.sampled_from(list(SessionKind)),
        source=sources,
        types=st.lists(check_types, min_size=1, max_size=3),
        retry=retries,
    )
    def another_session(
        self, kind: SessionKind, source: RunSource, types: list[CheckType], retry: RetryPolicy | None
    ) -> None:
        self._begin(kind, source, types, retry)

    def _begin(
        self, kind: SessionKind, source: RunSource, types: list[CheckType], retry: RetryPolicy | None
    ) -> None:
        session_id = self.ledger.new_id()
        self.sessions[session_id] = kind
        for position, each in enumerate(types):
            run = self.ledger.new_run(
                each, source, location=LOCATIONS[position % 2], session_id=session_id, retry=retry
            )
            self.twins[run.id] = run
            self.offers.append(run.id)

    @rule(seconds=st.sampled_from([0.5, 2.0, 4.0, LEASE_S, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.ledger.pass_time(seconds)
        if self.loops_are_up:
            self._look()

    @rule()
    def the_control_plane_dies(self) -> None:
        """What is on the bus stays or goes as the faults will; signals not yet sent are gone."""
        self.loops_are_up = False
        self.signals.clear()

    @precondition(lambda self: not self.loops_are_up)
    @rule()
    def the_control_plane_comes_back(self) -> None:
        self.loops_are_up = True
        self._look()
        runs = self.ledger.runs.values()
        self.signals += [run.id for run in runs if run.cancel and not run.is_final]

    @precondition(lambda self: self.loops_are_up)
    @rule()
    def the_sweeper_offers_again(self) -> None:
        waiting = [run.id for run in self.ledger.runs.values() if run.state is RunState.QUEUED]
        self.offers += waiting

    # --- what people do -------------------------------------------------------------------------

    @precondition(lambda self: self.loops_are_up)
    @rule(data=st.data(), whole=st.booleans(), by=st.sampled_from(["ann", "bob"]), via=st.sampled_from(Via))
    def somebody_cancels(self, data: st.DataObject, whole: bool, by: str, via: Via) -> None:
        session_id = data.draw(st.sampled_from(sorted(self.sessions)))
        members = [run.id for run in self.ledger.runs.values() if run.session_id == session_id]
        everybody = sorted(self.ledger.runs)
        named = None if whole else data.draw(st.lists(st.sampled_from(everybody), min_size=1, max_size=3))
        meant, ignored = targeted(members, named)
        assert meant <= set(members)
        assert not ignored & set(members)
        before = dict(self.ledger.runs)
        for run_id in sorted(meant):
            decision = self._apply(run_id, CancelAsked(by, via))
            if decision.run.cancel is not None and decision.run != before[run_id]:
                assert run_id not in self.accepted
                self.accepted[run_id] = CancelAsked(by, via)
        for run_id, run in before.items():
            if run_id not in meant:
                assert self.ledger.runs[run_id] == run, "a cancel touches only what it names"

    # --- what runners do ------------------------------------------------------------------------

    @precondition(lambda self: self.offers)
    @rule(pick=picks, fault=faults, runner=st.integers(0, 1))
    def an_offer(self, pick: int, fault: str, runner: int) -> None:
        run_id = self.offers[pick % len(self.offers)]
        if fault != "arrives twice":
            self.offers.remove(run_id)
        if fault != "is lost":
            who = self.runners[runner]
            claim = Claimed(self.ledger.new_id(), who.name, LEASE_S)
            self._send(Letter(who, run_id, claim))

    @precondition(lambda self: self.letters)
    @rule(pick=picks, fault=faults, answered=st.booleans())
    def a_letter(self, pick: int, fault: str, answered: bool) -> None:
        if not self.loops_are_up:
            return  # nobody reads; it waits
        letter = self.letters[pick % len(self.letters)]
        if fault != "arrives twice":
            self.letters.remove(letter)
        if fault == "is lost":
            return
        decision = self._apply(letter.run_id, letter.event)
        if answered:
            self._answer(letter, decision)

    def _answer(self, letter: Letter, decision: Decision) -> None:
        fact, who = decision.facts[0], letter.sender
        if isinstance(letter.event, Claimed):
            if isinstance(fact, RunClaimed):
                who.held[letter.run_id] = letter.event.token
        elif isinstance(fact, LeaseExtended):
            if fact.stop and who.held.get(letter.run_id) == letter.event.token:
                self._send(Letter(who, letter.run_id, Reported(letter.event.token, CANCELLED)))
        elif who.held.get(letter.run_id) == letter.event.token:
            del who.held[letter.run_id]

    def _send(self, letter: Letter) -> None:
        if len(self.letters) < MOST_ON_THE_WAY:
            self.letters.append(letter)

    @rule(runner=st.integers(0, 1))
    def a_runner_beats(self, runner: int) -> None:
        who = self.runners[runner]
        for run_id, token in who.held.items():
            self._send(Letter(who, run_id, Heartbeat(token, LEASE_S)))

    @precondition(lambda self: self.loops_are_up)
    @rule(runner=st.integers(0, 1), beats=st.integers(1, 10))
    def a_stubborn_runner_beats_and_never_ends(self, runner: int, beats: int) -> None:
        who = self.runners[runner]
        for _ in range(beats):
            self.ledger.pass_time(2.0)
            for run_id, token in who.held.items():
                self._apply(run_id, Heartbeat(token, LEASE_S))
            self._look()

    @rule(runner=st.integers(0, 1), pick=picks, outcome=genuine_outcomes)
    def a_suite_ends(self, runner: int, pick: int, outcome: Outcome) -> None:
        who = self.runners[runner]
        if who.held:
            run_id = sorted(who.held)[pick % len(who.held)]
            self._send(Letter(who, run_id, Reported(who.held[run_id], outcome)))

    @precondition(lambda self: self.signals)
    @rule(fault=faults)
    def a_signal(self, fault: str) -> None:
        run_id = self.signals[0]
        if fault != "arrives twice":
            self.signals.pop(0)
        if fault != "is lost":
            for who in self.runners:
                if run_id in who.held:
                    self._send(Letter(who, run_id, Reported(who.held[run_id], CANCELLED)))

    @rule(runner=st.integers(0, 1))
    def a_runner_dies(self, runner: int) -> None:
        self.runners[runner].held.clear()

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def a_cancel_is_over_by_its_deadline(self) -> None:
        if not self.loops_are_up:
            return
        for run_id in self.accepted:
            run = self.ledger.runs[run_id]
            assert run.cancel is not None
            assert run.is_final or self.ledger.now < run.cancel.at + timedelta(seconds=LEASE_S)

    @invariant()
    def the_first_accepted_cancel_is_the_one_that_is_kept(self) -> None:
        for run_id, asked in self.accepted.items():
            kept = self.ledger.runs[run_id].cancel
            assert kept is not None
            assert (kept.by, kept.via) == (asked.by, asked.via)

    @invariant()
    def only_what_was_named_and_may_be_is_cancelled(self) -> None:
        for run in self.ledger.runs.values():
            if run.outcome is not None and run.outcome.is_cancelled:
                assert run.id in self.accepted
                assert may_be_cancelled(run.check_type, run.source)

    @invariant()
    def cancels_that_must_not_matter_do_not(self) -> None:
        assert self.twins == self.ledger.runs

    @invariant()
    def a_run_is_offered_as_long_as_it_waits(self) -> None:
        # Not that an offer is under way (it may be lost), but that one may still be honoured.
        for run in self.ledger.runs.values():
            if run.state is RunState.QUEUED:
                assert run.cancel is None
                assert run.lease is None

    def teardown(self) -> None:
        """From here on nothing is lost: every session comes to its end, whatever went before."""
        self.loops_are_up = True
        for _ in range(40):
            self.ledger.pass_time(LEASE_S)
            self._look()
            for run in list(self.ledger.runs.values()):
                if run.state is RunState.QUEUED:
                    token = self.ledger.new_id()
                    self._apply(run.id, Claimed(token, "runner-3", LEASE_S))
                    self._apply(run.id, Reported(token, PASSED))
        for session_id, kind in self.sessions.items():
            runs = [run for run in self.ledger.runs.values() if run.session_id == session_id]
            assert all(run.is_final for run in runs)
            cancelled = any(run.outcome is not None and run.outcome.is_cancelled for run in runs)
            assert (status_of(kind, runs) == "CANCELLED") == cancelled
        self.cancels_that_must_not_matter_do_not()


TestCancellationMachine = CancellationMachine.TestCase
