"""The control plane dies at any step of anything, again and again: what was promised holds.

Real services over SQLite and the in-memory bus. A crash is armed to come after some more steps (statements,
commits, messages); whatever then goes on dies there, half done. The control plane is started anew over the
same database, and over the bus as it was or emptied. Runners live on, hear what reached them, and ask again.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bellrock.domain.cancellation import Via
from bellrock.domain.outcomes import Outcome
from tests.properties.crash_actions import CrashActions
from tests.properties.crash_world import Doom
from tests.properties.model import CANCELLED, LEASE_S, PASSED, QUEUE_TTL_S, TICK_QUEUE_TTL_S, genuine_outcomes
from tests.properties.model_runner import ModelRunner
from tests.support.quiet import quiet

__all__ = ["TestCrashMachine", "quiet"]

MOST_SESSIONS = 3
SESSIONS = ["suite", "two places", "two places", "mixed", "mixed", "url monitor", "of the scheduler"]
picks = st.integers(0, 11)
# Some twenty steps are a transaction with what follows from it.
dooms = st.one_of(
    st.none(),
    st.none(),
    st.integers(0, 24),
    st.sampled_from(["commit", "committed", "published", "answered"]),
)


def is_alive(machine: "CrashMachine") -> bool:
    return machine.acts.is_alive


def is_connected(machine: "CrashMachine") -> bool:
    return machine.acts.is_alive and not machine.acts.is_cut


def has_sessions(machine: "CrashMachine") -> bool:
    return machine.acts.is_alive and bool(machine.acts.books.page.sessions)


def is_run(machine: "CrashMachine") -> bool:
    return is_connected(machine) and any(runner.held for runner in machine.acts.runners)


class CrashMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.acts = CrashActions()

    def _runner(self, number: int) -> ModelRunner:
        return self.acts.runners[number % 2]

    # --- people ---------------------------------------------------------------------------------

    @initialize(kind=st.sampled_from(SESSIONS), is_taken=st.booleans())
    def a_first_session(self, kind: str, is_taken: bool) -> None:
        self.acts.start_session(kind)
        if is_taken:
            self.acts.take_offers(self._runner(0))

    @precondition(lambda self: is_alive(self) and len(self.acts.books.page.sessions) < MOST_SESSIONS)
    @rule(kind=st.sampled_from(SESSIONS), doom=dooms)
    def another_session(self, kind: str, doom: Doom | None) -> None:
        self.acts.arm(doom)
        self.acts.start_session(kind)

    @precondition(has_sessions)
    @rule(pick=picks, via=st.sampled_from(Via), doom=dooms)
    def somebody_cancels_a_session(self, pick: int, via: Via, doom: Doom | None) -> None:
        self.acts.arm(doom)
        sessions = sorted(self.acts.books.page.sessions.values(), key=lambda session: session.id)
        self.acts.cancel(sessions[pick % len(sessions)], None, via)

    @precondition(has_sessions)
    @rule(pick=picks, named=st.lists(picks, min_size=1, max_size=3), via=st.sampled_from(Via), doom=dooms)
    def somebody_cancels_runs(self, pick: int, named: list[int], via: Via, doom: Doom | None) -> None:
        """Of any session: those of another are ignored."""
        self.acts.arm(doom)
        sessions = sorted(self.acts.books.page.sessions.values(), key=lambda session: session.id)
        runs = sorted(self.acts.runs)
        self.acts.cancel(sessions[pick % len(sessions)], [runs[each % len(runs)] for each in named], via)

    @precondition(has_sessions)
    @rule()
    def somebody_looks(self) -> None:
        self.acts.look()

    # --- runners --------------------------------------------------------------------------------

    @precondition(is_connected)
    @rule(number=picks, doom=dooms)
    def a_runner_takes_what_is_offered(self, number: int, doom: Doom | None) -> None:
        self.acts.arm(doom)
        self.acts.take_offers(self._runner(number))

    @precondition(lambda self: is_connected(self) and any(runner.asking for runner in self.acts.runners))
    @rule(pick=picks)
    def a_claim_without_an_answer_is_repeated(self, pick: int) -> None:
        asking = [(runner, run_id) for runner in self.acts.runners for run_id in sorted(runner.asking)]
        self.acts.claim(*asking[pick % len(asking)])

    @precondition(is_run)
    @rule(number=picks, beats=st.integers(1, 6), doom=dooms)
    def a_runner_beats_on(self, number: int, beats: int, doom: Doom | None) -> None:
        """Also past the deadline of a cancel: a runner that never stops holds nothing open."""
        self.acts.arm(doom)
        for _ in range(beats):
            self.acts.beat(self._runner(number))
            self.acts.world.clock.advance(4.0)
            self.acts.look_around()

    @precondition(is_run)
    @rule(pick=picks, outcome=genuine_outcomes, obeys=st.booleans(), doom=dooms)
    def a_run_ends(self, pick: int, outcome: Outcome, obeys: bool, doom: Doom | None) -> None:
        """By itself, or stopped where its runner was told to."""
        self.acts.arm(doom)
        having = [(runner, run_id) for runner in self.acts.runners for run_id in sorted(runner.held)]
        runner, run_id = having[pick % len(having)]
        self.acts.end(runner, run_id, CANCELLED if obeys and run_id in runner.told else outcome)

    @precondition(lambda self: is_connected(self) and any(runner.said for runner in self.acts.runners))
    @rule(pick=picks, doom=dooms)
    def a_report_is_repeated(self, pick: int, doom: Doom | None) -> None:
        self.acts.arm(doom)
        said = [(runner, each) for runner in self.acts.runners for each in reversed(runner.said)]
        self.acts.report(*said[pick % len(said)])

    @precondition(is_run)
    @rule(number=picks)
    def a_runner_dies(self, number: int) -> None:
        self.acts.forget(self._runner(number))

    # --- time, and lives of the control plane ---------------------------------------------------

    @rule(
        seconds=st.sampled_from([0.5, 4.0, LEASE_S, LEASE_S, 60.0, 60.0, TICK_QUEUE_TTL_S, QUEUE_TTL_S]),
        doom=dooms,
    )
    def time_passes(self, seconds: float, doom: Doom | None) -> None:
        self.acts.arm(doom)
        self.acts.world.clock.advance(seconds)
        self.acts.look_around()

    @precondition(is_alive)
    @rule()
    def the_control_plane_dies(self) -> None:
        self.acts.die()

    @precondition(lambda self: not is_alive(self))
    @rule(doom=dooms, loses_messages=st.booleans())
    def the_control_plane_starts_anew(self, doom: Doom | None, loses_messages: bool) -> None:
        self.acts.start_anew(doom=doom, loses_messages=loses_messages)

    @precondition(is_connected)
    @rule()
    def the_bus_is_cut(self) -> None:
        self.acts.cut()

    @precondition(lambda self: self.acts.is_cut)
    @rule(doom=dooms)
    def the_bus_comes_back(self, doom: Doom | None) -> None:
        self.acts.arm(doom)
        self.acts.come_back()

    def teardown(self) -> None:
        try:
            self.acts.settle(PASSED)
        finally:
            self.acts.close()


TestCrashMachine = CrashMachine.TestCase
if settings.get_current_profile_name() == "default":
    # An example here takes as long as dozens of the pure machines.
    TestCrashMachine.settings = settings(max_examples=60, stateful_step_count=30)
TestCrashMachine.pytestmark = [pytest.mark.usefixtures("quiet")]  # type: ignore[attr-defined]
