"""Rounds: batches of monitors, begun in their moments and reported together with others.

Batches take no slots: a monitor waits for its target most of the time, and must not wait for a suite.
A batch that this runner does not report on is taken by another, so nothing needs to be told at its end.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Literal
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from bellrock.domain.live import Stage
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.engine.port import Bus, BusError, Subscription
from bellrock.runner.control_link import ControlLink, NoAnswer
from bellrock.runner.recorder import CancelToken, EventRecorder, RunContext
from bellrock.runner.scrub import Scrubber
from bellrock.runner.work import Workshop
from bellrock.wire import subjects
from bellrock.wire.messages import (
    CheckJob,
    JobSpec,
    Report,
    TicksClaim,
    TicksClaimReply,
    TicksOffer,
    TicksReport,
    TimedJob,
)

log = structlog.get_logger(__name__)

AT_ONCE = 256
_PAUSE_AFTER_FAULT_S = 0.5
_MOST_KNOWN_JOBS = 16_384
_at = attrgetter("at")


class SilentRecorder(EventRecorder):
    """Nobody watches a monitor: its result says everything, and no file is kept of it."""

    def __init__(self) -> None:
        """Nothing is opened."""

    def stage(self, stage: Stage, note: str | None = None) -> None:
        """Not kept."""

    def output(
        self, stream: Literal["stdout", "stderr", "system"], text: str, *, test_id: str | None = None
    ) -> None:
        """Not kept."""


class _KnownJobs:
    """What the texts of jobs mean: read once, for most are those of the tick before.

    Secrets are not kept: a job with any is read each time.
    """

    def __init__(self) -> None:
        self._known: dict[str, CheckJob] = {}

    def of(self, timed: TimedJob) -> JobSpec:
        """The job of a tick.

        :raises ValidationError: it is none that this runner can read.
        """
        job = self._known.get(timed.job) or self._read(timed.job)
        return JobSpec(
            **job.__dict__,
            run_id=timed.run_id,
            session_id=timed.session_id,
            attempt=1,
            attempt_id=timed.attempt_id,
        )

    def _read(self, text: str) -> CheckJob:
        job = CheckJob.model_validate_json(text)
        if not job.has_secrets:
            while len(self._known) >= _MOST_KNOWN_JOBS:
                del self._known[next(iter(self._known))]
            self._known[text] = job
        return job


@dataclass(frozen=True, slots=True)
class _Due:
    """A job, and when it begins: at once, where that is over."""

    at: datetime
    job: JobSpec


@dataclass(slots=True)
class _Round:
    """A batch that is ours: what has ended and is not yet reported, and how many jobs have not ended."""

    batch_id: UUID
    token: UUID
    left: int
    ended: list[Report] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, report: Report) -> None:
        self.ended.append(report)
        self.left -= 1
        if not self.left:
            self.over.set()


class Rounds:
    """One location's batches."""

    def __init__(
        self, location: str, *, bus: Bus, link: ControlLink, runner_id: str, workshop: Workshop
    ) -> None:
        self._location = location
        self._bus = bus
        self._link = link
        self._runner_id = runner_id
        self._shop = workshop
        self._jobs = _KnownJobs()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Take batches until cancelled. What is under way then ends at once."""
        subscription = await self._subscribe()
        try:
            await asyncio.Event().wait()
        finally:
            await subscription.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _subscribe(self) -> Subscription:
        subject = subjects.ticks(self._location)
        while True:
            try:
                return await self._bus.subscribe(subject, self._on_offer, queue=subjects.RUNNERS_QUEUE)
            except BusError as error:
                log.warning("ticks.unavailable", location=self._location, error=str(error))
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)

    async def _on_offer(self, _subject: str, body: bytes) -> None:
        try:
            batch_id = TicksOffer.model_validate_json(body).batch_id
        except ValidationError:
            log.warning("ticks.unreadable", location=self._location)
            return
        token = uuid4()
        claim = TicksClaim(batch_id=batch_id, token=token, runner_id=self._runner_id)
        try:
            reply = await self._link.claim_ticks(claim)
        except NoAnswer as error:
            log.warning("ticks.no_answer", batch_id=str(batch_id), error=str(error))
            return
        if reply.granted:
            self._take(_Round(batch_id, token, len(reply.jobs)), reply)

    def _take(self, batch: _Round, reply: TicksClaimReply) -> None:
        try:
            jobs = [_Due(each.due_at, self._jobs.of(each)) for each in reply.jobs]
        except ValidationError as error:
            # Another runner, maybe of another version, has the batch when its lease is over.
            log.warning("ticks.unreadable_job", batch_id=str(batch.batch_id), errors=error.error_count())
            return
        if not jobs:
            batch.over.set()
        self._spawn(self._carry_out(batch, jobs, reply.lease_s))

    async def _carry_out(self, batch: _Round, jobs: Sequence[_Due], lease_s: float) -> None:
        """Begin every job in its moment, and report what has ended, well within the lease."""
        works: list[asyncio.Task[None]] = []
        works.append(asyncio.create_task(self._begin(batch, jobs, works)))
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(lease_s / 2):
                        await batch.over.wait()
                is_last = not batch.left
                if not await self._report(batch, is_last=is_last) or is_last:
                    return
        finally:
            for work in works:
                work.cancel()

    async def _report(self, batch: _Round, *, is_last: bool) -> bool:
        """Say what has ended since the last time; whether the batch is still ours."""
        ended, batch.ended = batch.ended, []
        report = TicksReport(
            batch_id=batch.batch_id, token=batch.token, reports=tuple(ended), is_last=is_last
        )
        try:
            reply = await self._link.report_ticks(report)
        except NoAnswer as error:
            log.warning("ticks.report_lost", batch_id=str(batch.batch_id), error=str(error))
            return False
        if not reply.accepted:
            log.warning("ticks.report_refused", batch_id=str(batch.batch_id), reason=reply.reason)
        return reply.accepted

    async def _begin(self, batch: _Round, jobs: Sequence[_Due], begun: list[asyncio.Task[None]]) -> None:
        """Begin the jobs in their moments, by the clock as it is when they come."""
        loop = asyncio.get_running_loop()
        now, start_s = self._shop.clock(), loop.time()
        for moment, due in groupby(sorted(jobs, key=_at), key=_at):
            wait_s = start_s + (moment - now).total_seconds() - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            begun += [asyncio.create_task(self._run(batch, each.job)) for each in due]

    async def _run(self, batch: _Round, job: JobSpec) -> None:
        async with self._room:
            batch.add(await self._execute(job, batch.token))

    async def _execute(self, job: JobSpec, token: UUID) -> Report:
        started_at = self._shop.clock()
        executor = self._shop.executors.get(job.spec.type)
        try:
            if executor is None:
                message = f"This runner cannot execute {job.spec.type} checks."
                outcome = Outcome(Verdict.ERRORED, Blame.RUNNER, "UNKNOWN_CHECK_TYPE", message)
            else:
                return await executor.execute(job, self._context(job, token))
        except Exception as error:  # supervisor of executors: a defect is an outcome of this one job
            log.exception("run.executor_failed", run_id=str(job.run_id))
            message = f"The runner failed: {type(error).__name__}. Its log says more."
            outcome = Outcome(Verdict.ERRORED, Blame.RUNNER, "RUNNER_FAULT", message)
        return Report(
            run_id=job.run_id,
            token=token,
            outcome=outcome,
            started_at=started_at,
            stopped_at=self._shop.clock(),
            response_time_ms=None,
            errors=(outcome.message,) if outcome.message else (),
        )

    def _context(self, job: JobSpec, token: UUID) -> RunContext:
        files = self._shop.transfer.for_run(job, token)
        return RunContext(
            job=job,
            token=token,
            folder=self._shop.folder,
            cache_folder=self._shop.cache_folder,
            events=SilentRecorder(),
            cancelled=CancelToken(),
            bundles=files,
            upload=files.upload,
            scrubber=Scrubber(each.value for each in job.environment if each.secret),
            isolation=self._shop.isolation,
            clock=self._shop.clock,
        )

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
