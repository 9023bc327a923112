"""An agent on the in-memory bus, a control plane that answers as told, an executor that does as told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.specs import CheckType, PlaywrightSuite
from bellrock.engine.memory_bus import MemoryBroker, MemoryBus
from bellrock.runner.agent import Agent, AgentOptions
from bellrock.runner.control_link import LinkTimes
from bellrock.runner.live_publisher import LiveTimes
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Isolation, Mechanism, SweepReport
from bellrock.runner.transfer import Transfer, TransferOptions
from bellrock.runner.work import Workshop
from bellrock.wire import subjects
from bellrock.wire.messages import (
    CancelAck,
    CancelSignal,
    ClaimReply,
    ClaimRequest,
    Evidence,
    HeartbeatReply,
    HeartbeatRequest,
    Hello,
    HelloReply,
    JobSpec,
    LiveBatch,
    Offer,
    Report,
    ReportReply,
)

HERE = "eu-central-1"
ISOLATION = Isolation(
    Mechanism.PROCESS_GROUP, "none: this is a test", hides_files=False, private_tmp=False, drops_user=False
)


def now() -> datetime:
    return datetime.now(UTC)


def a_job(run_id: UUID, *, environment: tuple[EnvironmentVariable, ...] = ()) -> JobSpec:
    return JobSpec(
        run_id=run_id,
        session_id=uuid4(),
        account_id=uuid4(),
        attempt=1,
        attempt_id=uuid4(),
        check_id=None,
        check_name="Shop",
        location=HERE,
        spec=PlaywrightSuite("bundle"),
        environment=environment,
        record=False,
        control_url="http://127.0.0.1:9",
    )


def a_report(job: JobSpec, context: RunContext, verdict: Verdict = Verdict.PASSED) -> Report:
    return Report(
        run_id=job.run_id,
        token=context.token,
        outcome=Outcome(verdict),
        started_at=now(),
        stopped_at=now(),
        response_time_ms=1,
    )


Script = Callable[[JobSpec, RunContext], Awaitable[Report]]


async def passes(job: JobSpec, context: RunContext) -> Report:
    return a_report(job, context)


@dataclass
class ScriptedExecutor:
    """Runs ``script``; knows who is executing and what was cut off."""

    script: Script = passes
    running: dict[UUID, RunContext] = field(default_factory=dict)
    cut_off: list[UUID] = field(default_factory=list)
    most_at_once: int = 0

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        self.running[job.run_id] = context
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            return await self.script(job, context)
        except asyncio.CancelledError:
            self.cut_off.append(job.run_id)
            raise
        finally:
            del self.running[job.run_id]


@dataclass
class Control:
    """The other side: what it was told, and what it answers."""

    bus: MemoryBus
    environment: tuple[EnvironmentVariable, ...] = ()
    refusal: str | None = None
    silent_claims: int = 0
    silent_reports: int = 0
    report_refusal: str | None = None
    stop: set[UUID] = field(default_factory=set)
    lost: set[UUID] = field(default_factory=set)
    jobs: dict[UUID, JobSpec] = field(default_factory=dict)
    claims: list[ClaimRequest] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    heartbeats: list[HeartbeatRequest] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    live: list[LiveBatch] = field(default_factory=list)

    async def listen(self) -> None:
        answers: dict[str, Callable[[bytes], bytes | None]] = {
            "claim": self._claim,
            "report": self._report,
            "evidence": self._evidence,
            "heartbeat": self._heartbeat,
            "hello": self._hello,
        }
        for verb, answer in answers.items():

            async def handle(
                _subject: str, body: bytes, answer: Callable[[bytes], bytes | None] = answer
            ) -> bytes | None:
                return answer(body)

            await self.bus.subscribe(f"rpc.{verb}.*", handle, queue=subjects.CONTROL_QUEUE)

        async def hear(_subject: str, body: bytes) -> None:
            self.live.append(LiveBatch.model_validate_json(body))

        await self.bus.subscribe("live.>", hear)

    def _claim(self, body: bytes) -> bytes | None:
        request = ClaimRequest.model_validate_json(body)
        self.claims.append(request)
        if self.silent_claims:
            self.silent_claims -= 1
            return None
        if self.refusal:
            return ClaimReply(granted=False, reason=self.refusal).encode()
        job = self.jobs.setdefault(request.run_id, a_job(request.run_id, environment=self.environment))
        return ClaimReply(granted=True, job=job).encode()

    def _report(self, body: bytes) -> bytes | None:
        self.reports.append(Report.model_validate_json(body))
        if self.silent_reports:
            self.silent_reports -= 1
            return None
        return ReportReply(accepted=self.report_refusal is None, reason=self.report_refusal).encode()

    def _evidence(self, body: bytes) -> bytes:
        self.evidence.append(Evidence.model_validate_json(body))
        return ReportReply(accepted=True).encode()

    def _heartbeat(self, body: bytes) -> bytes:
        self.heartbeats.append(HeartbeatRequest.model_validate_json(body))
        return HeartbeatReply(stop=tuple(self.stop), lost=tuple(self.lost)).encode()

    def _hello(self, body: bytes) -> bytes:
        self.hellos.append(Hello.model_validate_json(body))
        return HelloReply(heartbeat_s=0.05, lease_s=15).encode()

    async def offer(self, run_id: UUID) -> None:
        await self.bus.offer(HERE, Offer(run_id=run_id).encode(), message_id=str(uuid4()))

    async def cancel(self, run_id: UUID) -> CancelAck:
        signal = CancelSignal(run_id=run_id, by="Ada", via="API")
        subject = subjects.cancel(HERE, run_id)
        return CancelAck.model_validate_json(await self.bus.request(subject, signal.encode(), timeout_s=5))


@dataclass
class Rig:
    """All of it, running."""

    broker: MemoryBroker
    agent: Agent
    control: Control
    executor: ScriptedExecutor
    runs_folder: Path
    stop: asyncio.Event
    serving: "asyncio.Task[None]"

    async def start_run(self) -> UUID:
        run_id = uuid4()
        await self.control.offer(run_id)
        await until(lambda: run_id in self.executor.running)
        return run_id


async def until(condition: Callable[[], bool], *, timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the condition is another object's state
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running_agent(
    folder: Path,
    *,
    slots: int = 2,
    grace_s: float = 0.2,
    script: Script = passes,
    locations: tuple[str, ...] = (HERE,),
    swept: SweepReport | None = None,
) -> AsyncIterator[Rig]:
    broker = MemoryBroker(ack_wait_s=0.5)
    control = Control(MemoryBus(broker))
    await control.listen()
    executor = ScriptedExecutor(script)
    bus = MemoryBus(broker)
    transfer = Transfer(TransferOptions(folder / "bundles", timeout_s=2))
    runs = folder / "runs"
    workshop = Workshop(
        bus=bus,
        executors={CheckType.PLAYWRIGHT: executor},
        transfer=transfer,
        isolation=ISOLATION,
        folder=runs,
        cache_folder=folder / "cache",
        clock=now,
        live=LiveTimes(interval_s=0.01),
        pending_events=1_000,
        evidence_s=5,
    )
    times = LinkTimes(answer_s=0.2, claim_s=3, hello_s=1, report_s=3)
    options = AgentOptions(
        runner_id="r1",
        version="1",
        locations=locations,
        slots=slots,
        heartbeat_s=0.05,
        grace_s=grace_s,
        stop_s=5,
        orphans_swept=swept.killed if swept else 0,
        orphans_left=swept.left if swept else 0,
        link=times,
    )
    stop = asyncio.Event()
    agent = Agent(bus=bus, options=options, workshop=workshop, clock=now)
    serving = asyncio.create_task(agent.serve(stop))
    try:
        yield Rig(broker, agent, control, executor, runs, stop, serving)
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(serving, 15)
        await transfer.close()
        await bus.close()
        await control.bus.close()
