"""A runner in a test's hands: it says on the bus and over HTTP what a real one would say, when told to.

With it a test puts a run into any state without a browser. It claims by the run's id, which a test
knows as the sequenceId; `next_offer` shows what the work queue offers.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

import httpx2

from bellrock.domain.live import (
    LiveEvent,
    Stage,
    StageEntered,
    TestEnded,
    TestRef,
    TestsFound,
    TestStarted,
)
from bellrock.domain.outcomes import CANCELLED, Blame, Outcome, Verdict
from bellrock.domain.receipts import CancelAction, CancelStep, RunnerReceipt, TestCounts
from bellrock.engine.nats_bus import NatsBus
from bellrock.engine.port import Subscription
from bellrock.wire import subjects
from bellrock.wire.messages import (
    Artifact,
    CancelAck,
    CancelSignal,
    ClaimReply,
    ClaimRequest,
    Evidence,
    HeartbeatReply,
    HeartbeatRequest,
    HeldRun,
    Hello,
    HelloReply,
    JobSpec,
    LiveBatch,
    Message,
    Offer,
    ReplayRequest,
    Report,
    ReportedTest,
    ReportReply,
)
from tests.support.plain_http import TRUSTS_NOBODY
from tests.support.server import RunningServer

ArtifactType = Literal["log", "trace", "video", "screenshot", "report", "file"]
Reply = TypeVar("Reply", bound=Message)

_ANSWER_S = 5.0
_SIGNAL_S = 5.0

PASSED = Outcome(Verdict.PASSED)
DEGRADED = Outcome(Verdict.DEGRADED)
FAILED = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "1 of 2 tests failed.")
ERRORED = Outcome(Verdict.ERRORED, Blame.RUNNER, "BROWSER_DID_NOT_START", "The browser did not start.")


class Refused(Exception):
    """The control plane said no, with its reason."""


@dataclass(slots=True)
class HeldByScript:
    """A run that the scripted runner has."""

    runner: "ScriptedRunner"
    job: JobSpec
    token: UUID
    claimed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    events: list[LiveEvent] = field(default_factory=list)
    signalled: asyncio.Event = field(default_factory=asyncio.Event)
    signals: list[CancelSignal] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    acknowledges: bool = True

    @property
    def run_id(self) -> UUID:
        """The contract's sequenceId."""
        return self.job.run_id

    # --- what happens in the run --------------------------------------------------------------

    async def emit(self, *events: LiveEvent) -> None:
        """Publish live events (their ``seq`` is given by the caller, see `seq`)."""
        self.events.extend(events)
        batch = LiveBatch(run_id=self.run_id, session_id=self.job.session_id, events=events)
        await self.runner.bus.publish(
            subjects.live(self.job.location, self.job.session_id, self.run_id), batch.encode()
        )

    @property
    def seq(self) -> int:
        """The ``seq`` of the next event."""
        return len(self.events) + 1

    async def begin(self, *names: str) -> None:
        """Enter the test stage, find tests of these names, and start the first."""
        refs = tuple(TestRef(name, "chromium", "shop.spec.ts", 7, (name,)) for name in names)
        first, at_ms = self.seq, _now_ms()
        await self.emit(
            StageEntered(first, at_ms, Stage.TESTING),
            TestsFound(first + 1, at_ms, "1.58.2", 1, refs),
            TestStarted(first + 2, at_ms, names[0], 0),
        )

    async def pass_test(self, name: str, *, duration_ms: int = 5) -> None:
        """A test ended well."""
        await self.emit(
            TestEnded(
                self.seq,
                _now_ms(),
                name,
                retry=0,
                status="passed",
                outcome="expected",
                final=True,
                duration_ms=duration_ms,
            )
        )

    async def heartbeat(self) -> HeartbeatReply:
        """Say that the run is still here."""
        held = HeldRun(run_id=self.run_id, token=self.token, stage=Stage.TESTING)
        request = HeartbeatRequest(
            runner_id=self.runner.runner_id,
            location=self.job.location,
            busy_slots=1,
            leftover_processes=0,
            runs=(held,),
        )
        return await self.runner.ask("heartbeat", self.job.location, request, HeartbeatReply)

    async def upload(
        self, name: str, content: bytes, *, kind: ArtifactType = "log", content_type: str = "text/plain"
    ) -> Artifact:
        """Send a file over HTTP, and name it in the report to come."""
        async with httpx2.AsyncClient(verify=TRUSTS_NOBODY) as http:
            answer = await http.put(
                f"{self.job.control_url}/runner/v1/runs/{self.run_id}/artifacts/{name}",
                content=content,
                headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            )
        if answer.status_code != 204:
            raise Refused(answer.text)
        artifact = Artifact(
            name=name,
            type=kind,
            content_type=content_type,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self.artifacts.append(artifact)
        return artifact

    # --- how it ends --------------------------------------------------------------------------

    async def report(self, outcome: Outcome = PASSED, **fields: Any) -> ReportReply:
        """Report an end and give what the control plane said. ``fields`` overrule the report's."""
        stopped_at = datetime.now(UTC)
        report = Report(
            **{
                "run_id": self.run_id,
                "token": self.token,
                "outcome": outcome,
                "started_at": self.claimed_at,
                "stopped_at": stopped_at,
                "response_time_ms": int((stopped_at - self.claimed_at) / timedelta(milliseconds=1)),
                "artifacts": tuple(self.artifacts),
                **fields,
            }
        )
        reply = await self.runner.ask("report", self.job.location, report, ReportReply)
        for subscription in self.subscriptions:
            await subscription.close()
        return reply

    async def finish(self, outcome: Outcome = PASSED, **fields: Any) -> None:
        """Report an end that has to be accepted."""
        reply = await self.report(outcome, **fields)
        if not reply.accepted:
            raise Refused(reply.reason)

    async def pass_with(self, *, tests: int = 2) -> None:
        """All tests passed."""
        listed = tuple(_reported(f"test {number}", "passed") for number in range(tests))
        await self.finish(PASSED, tests=TestCounts(total=tests, passed=tests), test_list=listed)

    async def fail(self) -> None:
        """One test of two failed."""
        await self.finish(
            FAILED, tests=TestCounts(total=2, passed=1, failed=1), errors=("expected 200, got 503",)
        )

    async def stop_as_asked(self, **fields: Any) -> None:
        """Wait for the signal, take two steps of the ladder, prove the namespace empty, report."""
        await self.until_signalled()
        await self.finish(CANCELLED, receipt=self.receipt(), **fields)

    async def until_signalled(self) -> CancelSignal:
        """The first cancel signal."""
        await asyncio.wait_for(self.signalled.wait(), _SIGNAL_S)
        return self.signals[0]

    def receipt(self) -> RunnerReceipt:
        """What a runner that stopped an obedient suite says."""
        received_at = datetime.now(UTC)
        step = CancelStep(CancelAction.INTERRUPT_MAIN, "SIGINT", received_at, offset_ms=0, processes=9)
        return RunnerReceipt(
            stage=Stage.TESTING,
            isolation="scripted",
            received_at=received_at,
            steps=(step,),
            last_process_gone_at=received_at + timedelta(milliseconds=640),
            processes_left=0,
            proof="the script never started one",
            tests=TestCounts(total=3, passed=1, interrupted=1, not_started=1),
            artifacts_kept=tuple(artifact.name for artifact in self.artifacts),
        )

    async def evidence(self, *artifacts: Artifact) -> ReportReply:
        """Name artifacts that were ready only after the report."""
        late = Evidence(run_id=self.run_id, token=self.token, artifacts=artifacts)
        return await self.runner.ask("evidence", self.job.location, late, ReportReply)

    # --- what others ask of the run -----------------------------------------------------------

    async def listen(self) -> None:
        """Answer cancel signals and replays for this run."""
        place, run_id = self.job.location, self.run_id
        self.subscriptions = [
            await self.runner.bus.subscribe(subjects.cancel(place, run_id), self._on_signal),
            await self.runner.bus.subscribe(subjects.replay(place, run_id), self._on_replay),
        ]

    async def _on_signal(self, _: str, body: bytes) -> bytes | None:
        self.signals.append(CancelSignal.model_validate_json(body))
        self.signalled.set()
        return CancelAck(run_id=self.run_id, stopping=True).encode() if self.acknowledges else None

    async def _on_replay(self, _: str, body: bytes) -> bytes:
        asked = ReplayRequest.model_validate_json(body)
        missed = tuple(event for event in self.events if event.seq > asked.after_seq)
        batch = LiveBatch(run_id=self.run_id, session_id=self.job.session_id, events=missed[: asked.limit])
        return batch.encode()


class ScriptedRunner:
    """One runner of any number of locations. Close it with `close`."""

    def __init__(self, bus: NatsBus) -> None:
        self.bus = bus
        self.runner_id = f"scripted-{uuid4().hex[:8]}"

    async def hello(self, location: str, *, orphans_swept: int = 0) -> HelloReply:
        """Introduce oneself, so that runs of the location no longer wait for a runner."""
        hello = Hello(
            runner_id=self.runner_id,
            location=location,
            version="0.0.0",
            slots=4,
            isolation="scripted",
            guarantees="nothing is started",
            started_at=datetime.now(UTC),
            orphans_swept=orphans_swept,
        )
        return await self.ask("hello", location, hello, HelloReply)

    async def beat(self, location: str, *, busy_slots: int = 0, leftover_processes: int = 0) -> None:
        """Say how one is, without any run."""
        request = HeartbeatRequest(
            runner_id=self.runner_id,
            location=location,
            busy_slots=busy_slots,
            leftover_processes=leftover_processes,
            runs=(),
        )
        await self.ask("heartbeat", location, request, HeartbeatReply)

    async def claim(self, run_id: UUID | str, location: str) -> HeldByScript:
        """Take a run. Raises Refused."""
        reply, token = await self.try_claim(run_id, location)
        if not reply.granted or reply.job is None:
            raise Refused(reply.reason)
        held = HeldByScript(self, reply.job, token)
        await held.listen()
        return held

    async def try_claim(self, run_id: UUID | str, location: str) -> tuple[ClaimReply, UUID]:
        """Ask for a run, whatever the answer; and the token it was asked with."""
        token = uuid4()
        request = ClaimRequest(run_id=UUID(str(run_id)), token=token, runner_id=self.runner_id)
        return await self.ask("claim", location, request, ClaimReply), token

    async def next_offer(self, location: str, *, timeout_s: float = 5.0) -> UUID | None:
        """The next run that the work queue offers."""
        offer = await self.bus.next_offer(location, timeout_s=timeout_s)
        if offer is None:
            return None
        await offer.ack()
        return Offer.model_validate_json(offer.body).run_id

    async def ask(self, verb: str, location: str, question: Message, reply: type[Reply]) -> Reply:
        """A question to the control plane and its answer."""
        answer = await self.bus.request(subjects.rpc(verb, location), question.encode(), timeout_s=_ANSWER_S)
        return reply.model_validate_json(answer)

    async def close(self) -> None:
        """Leave the bus."""
        await self.bus.close()


@asynccontextmanager
async def scripted_runner(server: RunningServer) -> AsyncIterator[ScriptedRunner]:
    """A runner on the server's bus, for the length of a block."""
    runner = ScriptedRunner(await server.connect_bus())
    try:
        yield runner
    finally:
        await runner.close()


def _reported(name: str, status: str) -> ReportedTest:
    return ReportedTest(
        id=name,
        project="chromium",
        file="shop.spec.ts",
        line=7,
        title=(name,),
        tags=("@smoke",),
        status=status,
        retry=0,
        duration_ms=12,
    )


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
