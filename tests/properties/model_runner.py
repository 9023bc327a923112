"""A runner as the control plane knows it: what it holds, what it was told, what it said."""

from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from bellrock.engine.memory_bus import MemoryBus
from bellrock.engine.port import Subscription
from bellrock.wire import subjects
from bellrock.wire.messages import (
    CancelAck,
    ClaimReply,
    ClaimRequest,
    HeartbeatReply,
    HeartbeatRequest,
    HeldRun,
    Message,
    Offer,
    Report,
    ReportReply,
)

Reply = TypeVar("Reply", bound=Message)

_ANSWER_S = 10.0  # in one process an answer is there at once, or the handler failed


@dataclass(slots=True)
class Said:
    """A report, and how it was answered: None as long as nobody knows whether it arrived."""

    location: str
    report: Report
    accepted: bool | None


@dataclass(slots=True)
class Held:
    """A run that a runner has."""

    location: str
    token: UUID
    listening: Subscription


@dataclass(slots=True)
class ModelRunner:
    """Talks over a connection of its own, which outlives the control plane."""

    name: str
    bus: MemoryBus
    held: dict[UUID, Held] = field(default_factory=dict)
    asking: dict[UUID, tuple[str, UUID]] = field(default_factory=dict)
    told: set[UUID] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)

    async def take_offer(self, location: str) -> UUID | None:
        """The run of the next offer, taken off the queue."""
        offer = await self.bus.next_offer(location, timeout_s=0)
        if offer is None:
            return None
        await offer.ack()
        return Offer.model_validate_json(offer.body).run_id

    async def claim(self, location: str, run_id: UUID, token: UUID) -> ClaimReply:
        request = ClaimRequest(run_id=run_id, token=token, runner_id=self.name)
        return await self._ask("claim", location, request, ClaimReply)

    async def hold(self, location: str, run_id: UUID, token: UUID) -> None:
        """The claim was granted: from now on the runner hears signals about the run."""
        subject = subjects.cancel(location, run_id)

        async def on_signal(_subject: str, _body: bytes) -> bytes:
            self.told.add(run_id)
            return CancelAck(run_id=run_id, stopping=True).encode()

        self.held[run_id] = Held(location, token, await self.bus.subscribe(subject, on_signal))

    async def drop(self, run_id: UUID) -> None:
        held = self.held.pop(run_id, None)
        self.told.discard(run_id)
        if held is not None:
            await held.listening.close()

    async def beat(self, location: str) -> HeartbeatReply:
        """Say what it has of a location."""
        runs = tuple(
            HeldRun(run_id=run_id, token=held.token, stage="testing")
            for run_id, held in self.held.items()
            if held.location == location
        )
        request = HeartbeatRequest(
            runner_id=self.name, location=location, busy_slots=len(runs), leftover_processes=0, runs=runs
        )
        return await self._ask("heartbeat", location, request, HeartbeatReply)

    async def report(self, said: Said) -> ReportReply:
        return await self._ask("report", said.location, said.report, ReportReply)

    async def _ask(self, verb: str, location: str, question: Message, reply: type[Reply]) -> Reply:
        subject = subjects.rpc(verb, location)
        return reply.model_validate_json(
            await self.bus.request(subject, question.encode(), timeout_s=_ANSWER_S)
        )
