"""The runner as a whole: takes one offer per free slot, claims, heartbeats, and ends in good time.

A claim's answer, not an offer, makes a run ours; a heartbeat's answer, not our own clock, takes it
away again. Several locations can be served by one process, each with slots of its own.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from bellrock.engine.port import Bus, BusError
from bellrock.engine.port import Offer as QueuedOffer
from bellrock.runner.control_link import ControlLink, LinkTimes, NoAnswer
from bellrock.runner.rounds import Rounds
from bellrock.runner.slots import Slots
from bellrock.runner.work import RunWork, Workshop
from bellrock.wire.messages import ClaimRequest, HeartbeatRequest, HeldRun, Hello, HelloReply, Offer

log = structlog.get_logger(__name__)

OFFER_WAIT_S = 30.0
_PAUSE_AFTER_FAULT_S = 0.5
_LAST_WORDS_S = 1.0


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """Who this runner is and how it behaves.

    At shutdown runs may go on for ``grace_s``; stopping and reporting them may then take ``stop_s``.
    ``orphans_swept`` processes of a former life were ended at its start, ``orphans_left`` could not be.
    """

    runner_id: str
    version: str
    locations: tuple[str, ...]
    slots: int
    heartbeat_s: float = 2.0
    grace_s: float = 8.0
    stop_s: float = 4.0
    orphans_swept: int = 0
    orphans_left: int = 0
    link: LinkTimes = field(default_factory=LinkTimes)


class LocationAgent:
    """Serves one location: its offers, its claims, its heartbeats."""

    def __init__(
        self, location: str, *, bus: Bus, options: AgentOptions, workshop: Workshop, started_at: datetime
    ) -> None:
        self.location = location
        self.slots = Slots(options.slots)
        self.greeted = asyncio.Event()
        self._bus = bus
        self._options = options
        self._workshop = workshop
        self._started_at = started_at
        self._link = ControlLink(bus, location, options.link)
        self._rounds = Rounds(
            location, bus=bus, link=self._link, runner_id=options.runner_id, workshop=workshop
        )
        self._works: dict[UUID, RunWork] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat_now = asyncio.Event()
        self._heartbeat_s = options.heartbeat_s
        # Each leftover is told once: those of a former life by the first location.
        self._processes_left = options.orphans_left if location == options.locations[0] else 0

    @property
    def works(self) -> tuple[RunWork, ...]:
        """The runs that this location has here, late evidence included."""
        return tuple(self._works.values())

    def beat_now(self) -> None:
        """Heartbeat at once: after a reconnect a cancel or a loss may have been missed."""
        self.greeted.clear()
        self._beat_now.set()

    # --- offers -------------------------------------------------------------------------------

    async def take_offers(self) -> None:
        """Take one offer per free slot, until cancelled."""
        await self.greeted.wait()
        while True:
            await self.slots.acquire()
            try:
                offer = await self._bus.next_offer(self.location, timeout_s=OFFER_WAIT_S)
            except BusError as error:
                log.warning("offers.unavailable", location=self.location, error=str(error))
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
                offer = None
            except asyncio.CancelledError:
                await self.slots.release()
                raise
            if offer is None:
                await self.slots.release()
                continue
            task = asyncio.create_task(self._handle(offer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def take_ticks(self) -> None:
        """Take batches of monitors, until cancelled."""
        await self.greeted.wait()
        await self._rounds.serve()

    async def _handle(self, queued: QueuedOffer) -> None:
        try:
            work = await self._claim(queued)
            if work:
                await self._carry_out(work)
        except Exception:  # supervisor of offers: one that cannot be handled must not end the agent
            log.exception("offer.failed", location=self.location)
        finally:
            await self.slots.release()

    async def _claim(self, queued: QueuedOffer) -> RunWork | None:
        try:
            run_id = Offer.model_validate_json(queued.body).run_id
        except ValidationError:
            log.warning("offer.unreadable", location=self.location)
            await queued.ack()
            return None
        if await self._is_still_ours(run_id):
            await queued.ack()
            return None
        token = uuid4()
        request = ClaimRequest(run_id=run_id, token=token, runner_id=self._options.runner_id)
        try:
            reply = await self._link.claim(request)
        except NoAnswer as error:
            # Not acknowledged: the offer comes again. Was it granted, its lease runs out.
            log.warning("claim.no_answer", run_id=str(run_id), error=str(error))
            return None
        if not reply.granted or reply.job is None:
            log.info("claim.refused", run_id=str(run_id), reason=reply.reason)
            await queued.ack()
            return None
        work = RunWork(reply.job, token, link=self._link, workshop=self._workshop)
        self._works[token] = work
        await queued.ack()
        log.info("run.claimed", run_id=str(run_id), location=self.location, attempt=reply.job.attempt)
        return work

    async def _is_still_ours(self, run_id: UUID) -> bool:
        """Whether the run is here already. Offered again, it may have been taken from us meanwhile."""
        if run_id not in self._held():
            return False
        await self._beat()
        return run_id in self._held()

    def _held(self) -> dict[UUID, RunWork]:
        """The runs that are ours to report: never two of one id, for a second claim is refused."""
        return {work.job.run_id: work for work in self.works if work.is_held}

    async def _carry_out(self, work: RunWork) -> None:
        try:
            await work.carry_out()
        finally:
            self._processes_left += work.processes_left
            del self._works[work.token]

    # --- heartbeats ---------------------------------------------------------------------------

    async def heartbeats(self) -> None:
        """Greet the control plane, then heartbeat, until cancelled. Greets again after a silence."""
        while True:
            self._beat_now.clear()
            if self.greeted.is_set():
                answered = await self._beat()
            else:
                # The runs first: what was missed while we were away matters more than manners.
                answered = (not self._held() or await self._beat()) and await self._greet()
            if not answered:
                self.greeted.clear()  # who answers next may be somebody else
            with suppress(TimeoutError):
                await asyncio.wait_for(self._beat_now.wait(), self._heartbeat_s)

    async def _greet(self) -> bool:
        hello = Hello(
            runner_id=self._options.runner_id,
            location=self.location,
            version=self._options.version,
            slots=self.slots.count,
            isolation=self._workshop.isolation.name,
            guarantees=self._workshop.isolation.guarantees,
            started_at=self._started_at,
            orphans_swept=self._options.orphans_swept,
        )
        try:
            reply: HelloReply = await self._link.hello(hello)
        except NoAnswer as error:
            log.warning("runner.not_greeted", location=self.location, reason=str(error))
            return False
        self._heartbeat_s = reply.heartbeat_s
        if not self.greeted.is_set():
            self.greeted.set()
            log.info(
                "runner.connected",
                location=self.location,
                slots=self.slots.count,
                isolation=hello.isolation,
                guarantees=hello.guarantees,
            )
        return True

    async def _beat(self) -> bool:
        held = self._held()
        request = HeartbeatRequest(
            runner_id=self._options.runner_id,
            location=self.location,
            busy_slots=self.slots.busy,
            leftover_processes=self._processes_left,
            runs=tuple(
                HeldRun(run_id=run_id, token=work.token, stage=work.stage) for run_id, work in held.items()
            ),
        )
        try:
            reply = await self._link.heartbeat(request, timeout_s=max(self._heartbeat_s, 1.0))
        except NoAnswer as error:
            log.warning("heartbeat.no_answer", location=self.location, reason=str(error))
            return False
        for run_id in reply.lost:
            # A report may have been accepted while the heartbeat was under way: then it is not lost.
            if run_id in held and held[run_id].is_held:
                held[run_id].fence()
        for run_id in reply.stop:
            if run_id in held:
                held[run_id].ask_to_stop(by=None, via=None)
        return True

    async def wait_idle(self) -> None:
        """Return when no run is left here. Race it against a deadline."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))


class Agent:
    """A runner process: all its locations."""

    def __init__(
        self, *, bus: Bus, options: AgentOptions, workshop: Workshop, clock: Callable[[], datetime]
    ) -> None:
        self._options = options
        self.is_draining = False
        started_at = clock()
        self.locations = tuple(
            LocationAgent(location, bus=bus, options=options, workshop=workshop, started_at=started_at)
            for location in options.locations
        )
        bus.on_reconnect(self._reconnected)

    async def _reconnected(self) -> None:
        for location in self.locations:
            location.beat_now()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set, then let runs in flight finish within the grace, stop the rest."""
        takers = [asyncio.create_task(place.take_offers()) for place in self.locations]
        takers += [asyncio.create_task(place.take_ticks()) for place in self.locations]
        beats = [asyncio.create_task(place.heartbeats()) for place in self.locations]
        try:
            await _first_of(stop, takers + beats)
            await _cancel_all(takers)
            self.is_draining = True
            await self._drain()
        finally:
            await _cancel_all(takers + beats)

    async def _drain(self) -> None:
        idle = asyncio.gather(*(place.wait_idle() for place in self.locations))
        busy = sum(len(place.works) for place in self.locations)
        log.info("runner.draining", runs=busy, grace_s=self._options.grace_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(idle), self._options.grace_s)
        if not idle.done():
            for work in self._all_works():
                work.stop_for_shutdown()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(idle), self._options.stop_s)
        if not idle.done():
            log.error("runner.runs_left_behind", runs=[str(w.job.run_id) for w in self._all_works()])
            for work in self._all_works():
                work.fence()
            with suppress(TimeoutError):
                await asyncio.wait_for(idle, _LAST_WORDS_S)

    def _all_works(self) -> list[RunWork]:
        return [work for place in self.locations for work in place.works]


async def _first_of(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done - {stopping}:
        task.result()  # these end only by an error: let it end the process


async def _cancel_all(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
