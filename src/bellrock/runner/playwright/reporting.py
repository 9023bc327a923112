"""The run's report: what it says, and when it goes out without waiting for the evidence.

A person who cancels wants to see it done: a cancelled run is reported within a fixed time of the
request, and what is not uploaded by then follows. A genuine verdict that a cancel finds uploading
goes out at once as well.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import structlog

from bellrock.domain.live import CancelProgress, Progress, Stage
from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import CancelStep, RunnerReceipt
from bellrock.runner.playwright.evidence import Evidence
from bellrock.runner.playwright.failures import shortened
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.playwright.stages import StageClock
from bellrock.runner.playwright.suite_run import SuiteEnd
from bellrock.runner.recorder import EVENTS_FILE, RunContext
from bellrock.runner.supervisor import CancelTrace
from bellrock.wire.messages import Evidence as LateEvidence
from bellrock.wire.messages import JobSpec, Report, ReportedTest

_MARGIN_S = 0.15
_MOST_ERRORS = 50
_NOTHING_RAN = "no process of this run had been started"

log = structlog.get_logger(__name__)


class Reporting:
    """Gathers what a report needs while the run goes on, and makes it.

    ``details`` are the executor's own; they may be filled until the report is made.
    """

    def __init__(self, job: JobSpec, context: RunContext, evidence: Evidence) -> None:
        self.stages = StageClock(context.events, context.clock)
        self.details: dict[str, object] = {}
        self._job = job
        self._context = context
        self._evidence = evidence
        self._started_at = context.clock()
        self._end: SuiteEnd | None = None
        self._trace: CancelTrace | None = None
        self._stopped_in: Stage | None = None

    # --- while the run goes on ----------------------------------------------------------------

    def stopping(self) -> None:
        """A person's cancel is being carried out."""
        if self._stopped_in is None:
            self._stopped_in = self.stages.current
            self.stages.enter(Stage.CANCELLING)

    def on_step(self, step: CancelStep) -> None:
        """A step of the cancel ladder was taken."""
        self._context.events.emit(
            lambda seq, at_ms: CancelProgress(seq, at_ms, str(step.action), step.processes)
        )

    def stopped(self, trace: CancelTrace) -> None:
        """A process before the suite's own was stopped."""
        self._trace = trace
        for step in trace.steps:
            self.on_step(step)

    def suite_ended(self, end: SuiteEnd) -> None:
        """The suite's process is gone."""
        self._end = end
        self._trace = end.trace

    # --- afterwards ---------------------------------------------------------------------------

    async def report(
        self, outcome: Outcome, collecting: Coroutine[Any, Any, None], *, options: PlaywrightOptions
    ) -> Report:
        """Wait for the evidence as long as that is right, and make the report."""
        stopped_at = self._context.clock()
        evidence = asyncio.create_task(self._collect(collecting, options.evidence_s))
        try:
            await self._wait(evidence, outcome, options.cancel_report_s)
        except asyncio.CancelledError:
            await _drop(evidence)
            raise
        complete = evidence.done()
        if not complete:
            self._context.late_evidence = lambda: self._late(evidence, outcome)
            self._context.drop_evidence = lambda: _drop(evidence)
        return self._report(outcome, stopped_at=stopped_at, complete=complete)

    async def _collect(self, collecting: Coroutine[Any, Any, None], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await collecting
        except TimeoutError:
            self._evidence.notes.append(f"Evidence that was not uploaded within {timeout_s:g} s is lost.")
        except OSError as error:
            log.warning("evidence.lost", error=str(error))
            self._evidence.notes.append(f"Evidence could not be collected: {error.strerror or error}.")

    async def _wait(self, evidence: "asyncio.Task[None]", outcome: Outcome, cancel_report_s: float) -> None:
        if outcome.is_cancelled:
            asked_at = self._context.cancelled.requested_at or self._context.clock()
            spent_s = (self._context.clock() - asked_at).total_seconds()
            await asyncio.wait({evidence}, timeout=max(0.0, cancel_report_s - _MARGIN_S - spent_s))
            return
        asked = asyncio.create_task(self._context.cancelled.wait())
        try:
            await asyncio.wait({evidence, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()

    async def _late(self, evidence: "asyncio.Task[None]", outcome: Outcome) -> LateEvidence:
        try:
            await evidence
        except asyncio.CancelledError:
            await _drop(evidence)
            raise
        return LateEvidence(
            run_id=self._job.run_id,
            token=self._context.token,
            artifacts=tuple(self._evidence.artifacts),
            receipt=self._receipt(outcome, complete=True),
        )

    def _report(self, outcome: Outcome, *, stopped_at: datetime, complete: bool) -> Report:
        progress = self._context.events.progress
        end = self._end.exit if self._end else None
        return Report(
            run_id=self._job.run_id,
            token=self._context.token,
            outcome=self._scrubbed(outcome),
            started_at=self._started_at,
            stopped_at=stopped_at,
            response_time_ms=self._evidence.facts.duration_ms,
            tests=progress.counts() if self._evidence.facts.began else None,
            test_list=tuple(_reported_tests(progress)),
            errors=tuple(self._errors(outcome, progress))[:_MOST_ERRORS],
            timings=self.stages.timings(),
            artifacts=tuple(self._evidence.artifacts) if complete else (),
            evidence_complete=complete,
            receipt=self._receipt(outcome, complete=complete),
            processes_left=end.processes_left if end else 0,
            peak_memory_bytes=end.peak_memory_bytes if end else None,
            details=self._details(),
        )

    def _scrubbed(self, outcome: Outcome) -> Outcome:
        if outcome.message is None:
            return outcome
        return replace(outcome, message=self._context.scrubber.text(outcome.message))

    def _errors(self, outcome: Outcome, progress: Progress) -> Iterator[str]:
        if outcome.message is not None:
            yield self._context.scrubber.text(outcome.message)
        for error in progress.errors:
            yield shortened(error.message)

    def _details(self) -> dict[str, object]:
        facts = self._evidence.facts
        details: dict[str, object] = {"notes": list(map(self._context.scrubber.text, self._evidence.notes))}
        if facts.playwright_version:
            details["playwrightVersion"] = facts.playwright_version
        if self._end is not None:
            details["exitCode"] = self._end.exit.code
        return details | self.details

    def _receipt(self, outcome: Outcome, *, complete: bool) -> RunnerReceipt | None:
        if not outcome.is_cancelled:
            return None
        trace = self._trace
        received_at = self._context.cancelled.requested_at or self._context.clock()
        names = [artifact.name for artifact in self._evidence.artifacts] if complete else []
        return RunnerReceipt(
            stage=str(self._stopped_in or Stage.PREPARING),
            isolation=self._context.isolation.name,
            received_at=trace.received_at if trace else received_at,
            steps=trace.steps if trace else (),
            last_process_gone_at=trace.last_process_gone_at if trace else received_at,
            processes_left=trace.processes_left if trace else 0,
            proof=trace.proof if trace else _NOTHING_RAN,
            tests=self._context.events.progress.counts(),
            artifacts_kept=(*names, EVENTS_FILE) if self._job.record else (),
            evidence_complete=complete,
            notes=tuple(map(self._context.scrubber.text, self._evidence.notes)),
        )


async def _drop(evidence: "asyncio.Task[None]") -> None:
    evidence.cancel()
    await asyncio.wait({evidence})


def _reported_tests(progress: Progress) -> Iterator[ReportedTest]:
    for test in progress.tests.values():
        yield ReportedTest(
            id=test.ref.id,
            project=test.ref.project,
            file=test.ref.file,
            line=test.ref.line,
            title=test.ref.title,
            tags=test.ref.tags,
            status=str(test.status),
            retry=test.retry,
            duration_ms=test.duration_ms,
            errors=tuple(asdict(error) for error in test.errors),
        )
