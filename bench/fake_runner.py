"""A runner that starts nothing: it claims what is offered and reports at once, as fast as it is answered.

It says what a runner says (hello, claims, heartbeats, reports, answers to cancel signals), so that the
control plane has all its work, and notes when each thing happened.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from bellrock.domain.outcomes import CANCELLED, Outcome, Verdict
from bellrock.domain.receipts import TestCounts
from bellrock.engine.nats_bus import NatsBus
from bellrock.engine.port import Offer as QueuedOffer
from bellrock.wire import subjects
from bellrock.wire.messages import (
    CancelAck,
    CancelSignal,
    ClaimReply,
    ClaimRequest,
    HeartbeatReply,
    HeartbeatRequest,
    HeldRun,
    Hello,
    HelloReply,
    JobSpec,
    Message,
    Offer,
    Report,
    ReportReply,
)

Reply = TypeVar("Reply", bound=Message)

PASSED = Outcome(Verdict.PASSED)
HEARTBEAT_S = 2.0
_OFFER_WAIT_S = 5.0
_ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """A run that was claimed and not yet reported."""

    job: JobSpec
    token: UUID
    claimed_at: datetime


class FakeRunner:
    """One location's runner. Times are of `time.monotonic`, by run and by session.

    ``holds``: keep what is claimed until `let_go`, or until it is cancelled.
    """

    def __init__(self, bus: NatsBus, location: str, *, at_once: int = 32) -> None:
        self.location = location
        self.holds = False
        self.held: dict[UUID, Held] = {}
        self.claimed: dict[UUID, float] = {}
        self.claimed_sessions: dict[UUID, float] = {}
        self.ended: dict[UUID, float] = {}
        self.ended_sessions: dict[UUID, float] = {}
        self.refused = 0
        self._bus = bus
        self._id = f"fake-{uuid4().hex[:8]}"
        self._room = asyncio.Semaphore(at_once)
        self._takes = asyncio.Event()
        self._changed = asyncio.Event()
        self._stopping: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Introduce oneself and serve until `stop`."""
        hello = Hello(
            runner_id=self._id,
            location=self.location,
            version="0",
            slots=64,
            isolation="fake",
            guarantees="nothing is started",
            started_at=datetime.now(UTC),
        )
        await self._ask("hello", hello, HelloReply)
        await self._bus.subscribe(f"cancel.{self.location}.*", self._on_cancel)
        self.resume()
        self._spawn(self._take_offers())
        self._spawn(self._heartbeats())

    async def stop(self) -> None:
        """Leave the bus."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._bus.close()

    def pause(self) -> None:
        """Take no more offers for now."""
        self._takes.clear()

    def resume(self) -> None:
        """Take offers again."""
        self._takes.set()

    async def let_go(self) -> None:
        """Report everything that is held as passed, as many at once as there is room for."""
        await asyncio.gather(*(self._end(held, PASSED) for held in tuple(self.held.values())))

    async def until(self, holds: Callable[[], bool], *, deadline_s: float) -> None:
        """Return once something about the records is true.

        :raises TimeoutError: it did not become true in time.
        :raises Exception: whatever a part of this runner ended with.
        """
        async with asyncio.timeout(deadline_s):
            while not holds():
                if self._failure is not None:
                    raise self._failure
                self._changed.clear()
                await self._changed.wait()

    # --- what it does -------------------------------------------------------------------------

    async def _take_offers(self) -> None:
        while True:
            await self._takes.wait()
            await self._room.acquire()
            offer = await self._bus.next_offer(self.location, timeout_s=_OFFER_WAIT_S)
            if offer is None:
                self._room.release()
            else:
                self._spawn(self._carry_out(offer))

    async def _carry_out(self, queued: QueuedOffer) -> None:
        await self._takes.wait()
        try:
            held = await self._claim(Offer.model_validate_json(queued.body).run_id)
            await queued.ack()
        finally:
            self._room.release()
        if held is not None and not self.holds:
            await self._end(held, PASSED)

    async def _claim(self, run_id: UUID) -> Held | None:
        token = uuid4()
        request = ClaimRequest(run_id=run_id, token=token, runner_id=self._id)
        reply = await self._ask("claim", request, ClaimReply)
        if reply.job is None:
            self.refused += 1
            return None
        held = Held(reply.job, token, datetime.now(UTC))
        self.held[run_id] = held
        self.claimed[run_id] = time.monotonic()
        self.claimed_sessions.setdefault(held.job.session_id, self.claimed[run_id])
        self._changed.set()
        return held

    async def _end(self, held: Held, outcome: Outcome) -> None:
        report = Report(
            run_id=held.job.run_id,
            token=held.token,
            outcome=outcome,
            started_at=held.claimed_at,
            stopped_at=datetime.now(UTC),
            response_time_ms=1,
            tests=TestCounts(total=1, passed=1),
        )
        async with self._room:
            reply = await self._ask("report", report, ReportReply)
        del self.held[held.job.run_id]
        if not reply.accepted:
            raise RuntimeError(f"a report was refused: {reply.reason}")
        self.ended[held.job.run_id] = self.ended_sessions[held.job.session_id] = time.monotonic()
        self._changed.set()

    async def _on_cancel(self, _subject: str, body: bytes) -> bytes:
        run_id = CancelSignal.model_validate_json(body).run_id
        self._stop_held(run_id)
        return CancelAck(run_id=run_id, stopping=True).encode()

    def _stop_held(self, run_id: UUID) -> None:
        held = self.held.get(run_id)
        if held is not None and run_id not in self._stopping:
            self._stopping.add(run_id)
            self._spawn(self._end(held, CANCELLED))

    async def _heartbeats(self) -> None:
        while True:
            runs = tuple(
                HeldRun(run_id=run_id, token=held.token, stage="testing")
                for run_id, held in self.held.items()
            )
            request = HeartbeatRequest(
                runner_id=self._id,
                location=self.location,
                busy_slots=len(runs),
                leftover_processes=0,
                runs=runs,
            )
            reply = await self._ask("heartbeat", request, HeartbeatReply)
            for run_id in reply.stop:
                self._stop_held(run_id)
            await asyncio.sleep(HEARTBEAT_S)

    # --- how ----------------------------------------------------------------------------------

    async def _ask(self, verb: str, question: Message, reply: type[Reply]) -> Reply:
        subject = subjects.rpc(verb, self.location)
        answer = await self._bus.request(subject, question.encode(), timeout_s=_ANSWER_S)
        return reply.model_validate_json(answer)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self._changed.set()
