"""What people, runners and loops do to a control plane that may die of it, each checked as it happens."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from bellrock.domain.cancellation import RunSource, Via, targeted
from bellrock.domain.errors import Forbidden
from bellrock.domain.outcomes import Outcome
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import (
    CancelAsked,
    Claimed,
    Event,
    Heartbeat,
    LeaseRanOut,
    QueueTimeRanOut,
    Reported,
    RetryDue,
    Run,
    RunState,
)
from bellrock.domain.sessions import Session, SessionKind
from bellrock.engine.memory_bus import MemoryBus
from bellrock.services.cancel_session import cancel_session
from bellrock.services.loops import Loop, loops_of
from bellrock.services.platform import Platform
from bellrock.services.read_sessions import get_session
from bellrock.services.start_session import (
    Target,
    TestSessionRequest,
    start_check_session,
    trigger_check_sessions,
    trigger_test_session,
)
from bellrock.services.views import SessionView
from bellrock.store.outbox import waiting_orders
from bellrock.wire.messages import Report
from tests.properties.books import Books
from tests.properties.crash_world import Answer, CrashWorld, Doom
from tests.properties.model import LEASE_S, LOCATIONS, QUEUE_TTL_S, TICK_QUEUE_TTL_S, may_be_cancelled
from tests.properties.model_runner import ModelRunner, Said
from tests.properties.versions import check_both_versions

Value = TypeVar("Value")


class CrashActions:
    """``promised`` are the runs of cancels that were answered: no crash may undo one."""

    def __init__(self) -> None:
        self.world = CrashWorld()
        self.books = Books(self.world)
        self.runners = tuple(ModelRunner(name, MemoryBus(self.world.broker)) for name in ("one", "two"))
        self.promised: set[UUID] = set()
        self.is_cut = False
        self._last_token = 0
        self.world.start()

    @property
    def is_alive(self) -> bool:
        return self.world.plane is not None

    @property
    def runs(self) -> Mapping[UUID, Run]:
        return self.books.page.runs

    def arm(self, doom: Doom | None) -> None:
        """Have the control plane die in what comes next."""
        if self.world.plane is not None and doom is not None:
            self.world.plane.life.doom = doom

    # --- how anything happens -------------------------------------------------------------------

    def _do(
        self, action: Callable[[Platform], Awaitable[Value]], events: Mapping[UUID, Event] | None = None
    ) -> tuple[Answer[Value] | None, set[UUID]]:
        """One transaction: the control plane acts or dies of it, then what is stored is checked.

        After it the relay goes round, as it does at once when orders were written.
        """
        answer = self.world.attempt(action)
        changed = self.books.turn_page(events or {}, answered=answer is not None, together=True)
        plane = self.world.plane
        if plane is not None and plane.platform.outbox_bell.is_set():
            plane.platform.outbox_bell.clear()
            self.relay()
        return answer, changed

    def _go_round(self, loop: Loop) -> bool:
        """One step of a loop; whether the control plane outlived it."""
        events = {"reaper": self._what_is_due, "sweeper": self._who_waited}.get(loop.name, dict)()
        answer = self.world.attempt(lambda _: loop.step())
        self.books.turn_page(
            events, answered=answer is not None, together=False, certain=loop.name != "sweeper"
        )
        return answer is not None

    def _what_is_due(self) -> dict[UUID, Event]:
        now = self.world.clock.now
        leases = {run.id for run in self.runs.values() if run.state is RunState.RUNNING and run.lease}
        over = {run_id for run_id in leases if (held := self.runs[run_id].lease) and held.until <= now}
        due = {run.id for run in self.runs.values() if run.retry_at is not None and run.retry_at <= now}
        events: dict[UUID, Event] = {run_id: LeaseRanOut() for run_id in over}
        return events | {run_id: RetryDue() for run_id in due}

    def _who_waited(self) -> dict[UUID, Event]:
        waits = {
            run.id: (self.world.clock.now - run.waiting_since).total_seconds()
            for run in self.runs.values()
            if run.state is RunState.QUEUED
        }
        return {
            run_id: QueueTimeRanOut(wait_s)
            for run_id, wait_s in waits.items()
            if wait_s >= _queue_ttl_s(self.runs[run_id])
        }

    def relay(self) -> bool:
        """The relay goes round once; whether the control plane outlived it."""
        plane = self.world.plane
        return plane is not None and self._go_round(loops_of(plane.platform)[0])

    def look_around(self) -> None:
        """All loops go round once, as they do several times a second."""
        plane = self.world.plane
        if plane is not None and all(self._go_round(loop) for loop in loops_of(plane.platform)):
            self.books.check_deadlines()

    # --- lives of the control plane -------------------------------------------------------------

    def die(self) -> None:
        self.world.die()
        self.books.turn_page({}, answered=False, together=True)

    def start_anew(self, *, doom: Doom | None, loses_messages: bool) -> None:
        """Runners in the middle of a cancel are told again, whatever was lost."""
        if self.is_cut:
            self.come_back()
        with self._nobody_told():
            started = self.world.start(doom=doom, loses_messages=loses_messages)
            self.books.turn_page({}, answered=started, together=True)
            if started and self.relay():
                self._check_all_are_told()
        self.look_around()

    def cut(self) -> None:
        """Nobody reaches anybody."""
        self.world.run(self.world.broker.cut())
        self.is_cut = True

    def come_back(self) -> None:
        """What was lost meanwhile is said again."""
        self.is_cut = False
        if not self.is_alive:
            self.world.run(self.world.broker.restore())
            return
        with self._nobody_told():
            if self.world.attempt(lambda _: self.world.broker.restore()):
                if self.relay():
                    self._check_all_are_told()
            else:
                self.world.run(self.world.broker.restore())

    @contextmanager
    def _nobody_told(self) -> Iterator[None]:
        """Within it, runners know only of those cancels that they are told of again."""
        heard_before = [set(runner.told) for runner in self.runners]
        for runner in self.runners:
            runner.told.clear()
        yield
        for runner, heard in zip(self.runners, heard_before, strict=True):
            runner.told |= heard

    def _check_all_are_told(self) -> None:
        for runner in self.runners:
            for run_id, held in runner.held.items():
                run = self.runs[run_id]
                is_theirs = run.lease is not None and run.lease.token == held.token and not run.is_final
                if is_theirs and run.cancel is not None:
                    assert run_id in runner.told, "a runner was not told again to stop"

    # --- what people do -------------------------------------------------------------------------

    def start_session(self, kind: str) -> None:
        """A session is there whole or not at all."""
        ground = self.world.ground
        checks = {"suite": ground.suite, "url monitor": ground.url_monitor}
        before = set(self.books.page.sessions)

        async def start(platform: Platform) -> object:
            if kind == "of the scheduler":
                target = Target(check_ids=(ground.suite,))
                return await trigger_check_sessions(
                    platform, ground.owner, target=target, source=RunSource.SCHEDULER
                )
            if kind == "mixed":
                both = Target(check_ids=(ground.suite, ground.url_monitor))
                retry = RetryPolicy(Backoff.FIXED, 20, max_retries=1)
                request = TestSessionRequest("nightly", LOCATIONS[0], target=both, retry=retry)
                return await trigger_test_session(platform, ground.owner, request)
            check_id = checks.get(kind, ground.suite_in_two_places)
            return await start_check_session(platform, ground.owner, check_id=check_id)

        answer, _ = self._do(start)
        new = set(self.books.page.sessions) - before
        assert len(new) in ((1,) if answer else (0, 1))
        for session_id in new:
            expected = 2 if kind in ("mixed", "two places") else 1
            assert len(self.books.page.members[session_id]) == expected

    def cancel(self, session: Session, named: Sequence[UUID] | None, via: Via) -> None:
        """It is accepted whole or not at all; answered, it stays."""
        owner, members = self.world.ground.owner, self.books.page.members[session.id]
        meant, _ = targeted([run.id for run in members], named)
        events = {run.id: CancelAsked(owner.name, via) for run in members if run.id in meant and counts(run)}
        ids = None if named is None else tuple(named)

        async def ask(platform: Platform) -> None:
            await cancel_session(
                platform, owner, session.kind, session_id=session.id, sequence_ids=ids, via=via
            )

        try:
            answer, changed = self._do(ask, events)
        except Forbidden:
            assert session.source is RunSource.SCHEDULER
            return
        if answer is not None:
            assert session.source is not RunSource.SCHEDULER
            assert changed == set(events)
            self.promised |= changed

    def look(self) -> None:
        """Version 1 and 2 of every check session agree, and say what is stored."""
        for session_id, session in self.books.page.sessions.items():
            if session.kind is SessionKind.CHECK:
                view = self.world.run(self._view(session_id))
                check_both_versions(view)
                assert (view.status == "CANCELLED") == (session.status == "CANCELLED")

    async def _view(self, session_id: UUID) -> SessionView:
        plane, ground = self.world.plane, self.world.ground
        assert plane is not None
        return await get_session(plane.platform, ground.owner, SessionKind.CHECK, session_id=session_id)

    # --- what runners do ------------------------------------------------------------------------

    def take_offers(self, runner: ModelRunner) -> None:
        for place in LOCATIONS:
            while self.is_alive and (run_id := self.world.run(runner.take_offer(place))) is not None:
                if run_id not in runner.held:
                    self._last_token += 1
                    runner.asking[run_id] = (place, UUID(int=self._last_token))
                    self.claim(runner, run_id)

    def claim(self, runner: ModelRunner, run_id: UUID) -> None:
        """Ask for the run; without an answer it may be asked again, with the same token."""
        place, token = runner.asking[run_id]
        event = Claimed(token, runner.name, LEASE_S)
        answer, changed = self._do(lambda _: runner.claim(place, run_id, token), {run_id: event})
        if answer is None:
            return
        del runner.asking[run_id]
        assert answer.value.granted or not changed
        run = self.runs[run_id]
        if answer.value.granted and run.lease is not None and run.lease.token == token:
            self.world.run(runner.hold(place, run_id, token))

    def beat(self, runner: ModelRunner) -> None:
        """Both places, each in a heartbeat of its own."""
        for place in LOCATIONS:
            if self.is_alive:
                self._beat_at(runner, place)

    def _beat_at(self, runner: ModelRunner, place: str) -> None:
        held = {run_id: each for run_id, each in runner.held.items() if each.location == place}
        events = {run_id: Heartbeat(each.token, LEASE_S) for run_id, each in held.items()}
        answer, changed = self._do(lambda _: runner.beat(place), events)
        if answer is None:
            return
        reply = answer.value
        assert set(reply.lost) == set(held) - changed
        assert set(reply.stop) == {run_id for run_id in changed if self.runs[run_id].cancel is not None}
        runner.told.update(reply.stop)
        for run_id in reply.lost:
            self.world.run(runner.drop(run_id))

    def end(self, runner: ModelRunner, run_id: UUID, outcome: Outcome) -> None:
        """The run is over, as its runner sees it."""
        held, at = runner.held[run_id], self.world.clock.now
        report = Report(
            run_id=run_id,
            token=held.token,
            outcome=outcome,
            started_at=at,
            stopped_at=at,
            response_time_ms=1_200,
        )
        said = Said(held.location, report, None)
        runner.said.append(said)
        self.world.run(runner.drop(run_id))
        self.report(runner, said)

    def report(self, runner: ModelRunner, said: Said) -> None:
        """What arrived is accepted as often as it is said, and counts once."""
        event = Reported(said.report.token, said.report.outcome)
        answer, changed = self._do(lambda _: runner.report(said), {said.report.run_id: event})
        if changed:
            assert said.accepted is None
            said.accepted = True
        if answer is not None:
            said.accepted = bool(said.accepted)
            assert answer.value.accepted == said.accepted

    def forget(self, runner: ModelRunner) -> None:
        """The runner dies; another with its name takes its place."""
        for run_id in list(runner.held):
            self.world.run(runner.drop(run_id))
        runner.asking.clear()

    # --- the end --------------------------------------------------------------------------------

    def settle(self, outcome: Outcome) -> None:
        """From here on nothing dies: every session comes to its end, whatever went before."""
        if self.is_cut:
            self.world.run(self.world.broker.restore())
        self.world.die()
        self.world.start()
        for _ in range(12):
            self.look_around()
            if all(run.is_final for run in self.runs.values()) and not self.world.run(self._orders_left()):
                break
            for runner in self.runners[:1]:
                self.take_offers(runner)
                for run_id in sorted(runner.held):
                    self.end(runner, run_id, outcome)
            self.world.clock.advance(LEASE_S)
        assert all(run.is_final for run in self.runs.values())
        assert all(self.runs[run_id].cancel is not None for run_id in self.promised)
        assert self.world.run(self._orders_left()) == 0, "an order is left that cannot be carried out"
        self.look()

    async def _orders_left(self) -> int:
        async with self.world.ground.database.read() as connection:
            return (await waiting_orders(connection))[0]

    def close(self) -> None:
        for runner in self.runners:
            self.world.run(runner.bus.close())
        self.world.close()


def counts(run: Run) -> bool:
    """Whether a cancel changes this run: only the first one does, of a run that can be cancelled."""
    return may_be_cancelled(run.check_type, run.source) and run.cancel is None and not run.is_final


def _queue_ttl_s(run: Run) -> float:
    return TICK_QUEUE_TTL_S if run.source is RunSource.SCHEDULER else QUEUE_TTL_S
