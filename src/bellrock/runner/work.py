"""One run from its claim to the removal of its folder: who may end it, and what is said about its end.

Four things can end the executor's work: itself, a person's cancel (which the executor carries out),
the loss of the run (fenced: nothing more is said) and the end of the runner (reported as such).
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from bellrock.domain.live import Stage
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import CheckType
from bellrock.engine.port import Bus
from bellrock.runner.control_link import ControlLink, NoAnswer
from bellrock.runner.folders import remove_folder
from bellrock.runner.live_publisher import LivePublisher, LiveTimes
from bellrock.runner.recorder import (
    EVENTS_FILE,
    CancelToken,
    EventRecorder,
    Executor,
    LateEvidence,
    RunContext,
)
from bellrock.runner.scrub import Scrubber
from bellrock.runner.supervisor import Isolation
from bellrock.runner.transfer import Transfer, TransferFailed
from bellrock.wire import subjects
from bellrock.wire.messages import Artifact, CancelAck, CancelSignal, Evidence, JobSpec, Report

log = structlog.get_logger(__name__)

EVENTS_UPLOAD_S = 10.0
CANCELLED_EVENTS_UPLOAD_S = 0.3
"""A cancelled run is reported in seconds: what is not uploaded by then follows as late evidence."""
_AFTER_THE_SUITE = frozenset({Stage.REPORTING, Stage.UPLOADING})


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all runs of a runner share. ``folder`` is where each gets its own."""

    bus: Bus
    executors: Mapping[CheckType, Executor]
    transfer: Transfer
    isolation: Isolation
    folder: Path
    cache_folder: Path
    clock: Callable[[], datetime]
    live: LiveTimes
    pending_events: int
    evidence_s: float


class RunWork:
    """A run this runner has. `carry_out` does everything; the other methods end it early."""

    def __init__(self, job: JobSpec, token: UUID, *, link: ControlLink, workshop: Workshop) -> None:
        self.job = job
        self.token = token
        self.processes_left = 0
        self.gone = asyncio.Event()
        self._link = link
        self._shop = workshop
        self._folder = workshop.folder / f"{job.attempt_id}-{token.hex[:8]}"
        self._cancel = CancelToken()
        self._execution: asyncio.Task[Report] | None = None
        self._fenced = False
        self._stopped_by_runner = False
        self._reported = False
        self._recorder: EventRecorder | None = None
        self._started_at = workshop.clock()

    @property
    def is_held(self) -> bool:
        """Whether the run is still ours to report: until then heartbeats must name it."""
        return not self._reported and not self._fenced

    @property
    def stage(self) -> str:
        """Where the run stands, for heartbeats."""
        stage = self._recorder.progress.stage if self._recorder else None
        return str(stage or Stage.PREPARING)

    # --- ending it early ----------------------------------------------------------------------

    def ask_to_stop(self, *, by: str | None, via: str | None) -> CancelAck:
        """A person asked. What that does is the executor's to decide; asked twice it does nothing."""
        run_id = self.job.run_id
        ended = self._recorder is not None and self._recorder.progress.stage in _AFTER_THE_SUITE
        if self._cancel.ask(at=self._shop.clock(), by=by, via=via):
            log.info("run.cancel_received", run_id=str(run_id), stage=self.stage, via=via)
            if ended:
                return CancelAck(run_id=run_id, stopping=False, reason="the suite had ended by itself")
        return CancelAck(run_id=run_id, stopping=True)

    def fence(self) -> None:
        """The run is somebody else's now, or final: kill it and say nothing more about it."""
        if not self._fenced:
            log.warning("run.fenced", run_id=str(self.job.run_id), stage=self.stage)
            self._fenced = True
            self._end_execution()

    def stop_for_shutdown(self) -> None:
        """The runner ends: kill the suite and report that."""
        if not self._stopped_by_runner and not self._reported:
            self._stopped_by_runner = True
            self._end_execution()

    def _end_execution(self) -> None:
        if self._execution:
            self._execution.cancel()

    # --- carrying it out ----------------------------------------------------------------------

    async def carry_out(self) -> None:
        """Execute, report, send late evidence, clean up. Raises nothing but cancellation."""
        with structlog.contextvars.bound_contextvars(run_id=str(self.job.run_id)):
            try:
                self._folder.mkdir(parents=True, mode=0o700)
                recorder = EventRecorder(
                    self._folder / EVENTS_FILE,
                    clock=self._shop.clock,
                    scrubber=self._scrubber(),
                    most_pending=self._shop.pending_events,
                )
                self._recorder = recorder
                await self._with_recorder(recorder)
            except Exception:  # supervisor of runs: a defect here must not end the other runs
                log.exception("run.failed_in_runner")
            finally:
                await asyncio.to_thread(remove_folder, self._folder)
                self._reported = True
                self.gone.set()

    def _scrubber(self) -> Scrubber:
        return Scrubber(variable.value for variable in self.job.environment if variable.secret)

    async def _with_recorder(self, recorder: EventRecorder) -> None:
        publisher = LivePublisher(self._shop.bus, self.job, recorder=recorder, times=self._shop.live)
        async with AsyncExitStack() as stack:
            stack.callback(recorder.close)
            await self._listen(stack, publisher)
            publishing = asyncio.create_task(publisher.run())
            stack.push_async_callback(_end, publishing)
            context = self._context(recorder)
            try:
                report = await self._execute(context)
                await publisher.flush()
                if self._fenced:
                    return
                report = await self._keep_events(report, context)
                await self._report(report, context)
            finally:
                # Refused, or not answered: what is still being collected has no taker, its processes no run.
                if context.drop_evidence:
                    await context.drop_evidence()

    async def _listen(self, stack: AsyncExitStack, publisher: LivePublisher) -> None:
        run_id, location = self.job.run_id, self.job.location
        for subject, handler in (
            (subjects.cancel(location, run_id), self._on_cancel),
            (subjects.replay(location, run_id), publisher.replay),
        ):
            subscription = await self._shop.bus.subscribe(subject, handler)
            stack.push_async_callback(subscription.close)

    async def _on_cancel(self, _subject: str, body: bytes) -> bytes:
        signal = CancelSignal.model_validate_json(body)
        return self.ask_to_stop(by=signal.by, via=signal.via).encode()

    def _context(self, recorder: EventRecorder) -> RunContext:
        files = self._shop.transfer.for_run(self.job, self.token)
        work_folder = self._folder / "work"
        work_folder.mkdir()
        return RunContext(
            job=self.job,
            token=self.token,
            folder=work_folder,
            cache_folder=self._shop.cache_folder,
            events=recorder,
            cancelled=self._cancel,
            bundles=files,
            upload=files.upload,
            scrubber=recorder.scrubber,
            isolation=self._shop.isolation,
            clock=self._shop.clock,
        )

    async def _execute(self, context: RunContext) -> Report:
        executor = self._shop.executors.get(self.job.spec.type)
        if executor is None:
            message = f"This runner cannot execute {self.job.spec.type} checks."
            return self._own_report(Outcome(Verdict.ERRORED, Blame.RUNNER, "UNKNOWN_CHECK_TYPE", message))
        self._execution = asyncio.create_task(executor.execute(self.job, context))
        if self._fenced or self._stopped_by_runner:
            self._execution.cancel()
        try:
            return await self._execution
        except asyncio.CancelledError:
            if not (self._fenced or self._stopped_by_runner):
                raise
            message = "The runner was shut down in the middle of the run."
            return self._own_report(Outcome(Verdict.ERRORED, Blame.RUNNER, "STOPPED_BY_RUNNER", message))
        except Exception as error:  # supervisor of executors: a defect is an outcome of this one run
            log.exception("run.executor_failed")
            message = f"The runner failed: {type(error).__name__}. Its log says more."
            return self._own_report(Outcome(Verdict.ERRORED, Blame.RUNNER, "RUNNER_FAULT", message))

    def _own_report(self, outcome: Outcome) -> Report:
        progress = self._recorder.progress if self._recorder else None
        if progress:
            progress.interrupt_open_tests()
        return Report(
            run_id=self.job.run_id,
            token=self.token,
            outcome=outcome,
            started_at=self._started_at,
            stopped_at=self._shop.clock(),
            response_time_ms=None,
            tests=progress.counts() if progress and progress.tests else None,
            errors=(outcome.message,) if outcome.message else (),
        )

    # --- telling about it ---------------------------------------------------------------------

    async def _keep_events(self, report: Report, context: RunContext) -> Report:
        """Upload the events file, now or as late evidence, unless the run is not recorded."""
        if not self.job.record or any(kept.name == EVENTS_FILE for kept in report.artifacts):
            return report
        limit_s = CANCELLED_EVENTS_UPLOAD_S if self._cancel.is_set else EVENTS_UPLOAD_S
        try:
            async with asyncio.timeout(limit_s):
                artifact = await _upload_events(context)
        except (TransferFailed, TimeoutError) as error:
            log.info("run.events_late", reason=str(error) or f"not uploaded within {limit_s:g} s")
            context.late_evidence = self._with_events(context, context.late_evidence)
            return report.model_copy(update={"evidence_complete": False})
        return report.model_copy(update={"artifacts": (*report.artifacts, artifact)})

    def _with_events(self, context: RunContext, collect: LateEvidence | None) -> LateEvidence:
        async def collect_both() -> Evidence:
            nothing = Evidence(run_id=self.job.run_id, token=self.token, artifacts=())
            evidence = await collect() if collect else nothing
            artifact = await _upload_events(context)
            return evidence.model_copy(update={"artifacts": (*evidence.artifacts, artifact)})

        return collect_both

    async def _report(self, report: Report, context: RunContext) -> None:
        self.processes_left = report.processes_left
        try:
            reply = await self._link.report(report)
        except NoAnswer as error:
            log.warning("run.report_lost", error=str(error))
            return
        finally:
            self._reported = True
        verdict = str(report.outcome.verdict)
        if not reply.accepted:
            log.warning("run.report_refused", verdict=verdict, reason=reply.reason)
            return
        log.info("run.reported", verdict=verdict, code=report.outcome.code)
        if context.late_evidence:
            await self._send_late_evidence(context.late_evidence)

    async def _send_late_evidence(self, collect: LateEvidence) -> None:
        try:
            async with asyncio.timeout(self._shop.evidence_s):
                evidence = await collect()
                await self._link.evidence(evidence)
        except (TransferFailed, NoAnswer, TimeoutError) as error:
            log.warning("run.evidence_lost", error=str(error) or "took too long")


async def _upload_events(context: RunContext) -> Artifact:
    artifact = await asyncio.to_thread(_describe_events, context.events.path)
    await context.upload(context.events.path, artifact)
    return artifact


def _describe_events(path: Path) -> Artifact:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Artifact(
        name=EVENTS_FILE,
        type="log",
        content_type="application/x-ndjson",
        size_bytes=path.stat().st_size,
        sha256=digest,
    )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
