"""The parts that every row about a run shares, and our additions to the contract's rows.

Additions: ``sequenceId`` from the start (or a single run could not be cancelled), who cancelled
and when, how far the tests are, whether a runner is there at all. ``cancelledAt`` on a run that
is not final yet means that its cancel is under way; a run whose genuine verdict came first (its
suite had ended before the signal) does not carry it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.api.bodies.base import Answer, Instant
from bellrock.domain.cancellation import CancelRequest, Via
from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import CancelAction, Receipt, RunnerReceipt, TestCounts
from bellrock.domain.runs import Run
from bellrock.services.views import ResultView, RunView


class CancelledBy(Answer):
    """Who asked, and through what."""

    name: str
    via: Via


class Tests(Answer):
    """Tests of a suite by how they ended. Flaky ones are counted in ``passed`` too."""

    total: int
    passed: int
    failed: int
    flaky: int
    skipped: int
    interrupted: int
    running: int
    not_started: int

    @classmethod
    def of(cls, counts: TestCounts) -> "Tests":
        """From the domain's counts."""
        return cls(
            total=counts.total,
            passed=counts.passed,
            failed=counts.failed,
            flaky=counts.flaky,
            skipped=counts.skipped,
            interrupted=counts.interrupted,
            running=counts.running,
            not_started=counts.not_started,
        )


class ProgressBody(Answer):
    """How far a run is: the runner's stage (null before a runner has it) and its tests."""

    stage: str | None
    tests: Tests | None


class ReceiptStep(Answer):
    """One step of the ladder that ended the run."""

    action: CancelAction
    signal: str
    at: Instant
    offset_ms: int
    processes: int


class ReceiptBody(Answer):
    """The receipt of a cancelled run. What only a runner knows is null where none had the run."""

    requested_at: Instant
    requested_by: CancelledBy
    final_at: Instant
    never_started: bool
    forced_by_server: bool
    stage: str | None = None
    isolation: str | None = None
    received_at: Instant | None = None
    steps: tuple[ReceiptStep, ...] = ()
    last_process_gone_at: Instant | None = None
    processes_left: int | None = None
    proof: str | None = None
    tests: Tests | None = None
    artifacts_kept: tuple[str, ...] = ()
    evidence_complete: bool = True
    notes: tuple[str, ...] = ()


def receipt_body(receipt: Receipt | None) -> ReceiptBody | None:
    """The receipt as the API says it."""
    if receipt is None:
        return None
    asked = CancelledBy(name=receipt.requested_by, via=receipt.requested_via)
    if receipt.runner is None:
        return ReceiptBody(
            requested_at=receipt.requested_at,
            requested_by=asked,
            final_at=receipt.final_at,
            never_started=receipt.never_started,
            forced_by_server=receipt.forced_by_server,
        )
    return _with_runner(receipt, receipt.runner, asked)


def _with_runner(receipt: Receipt, runner: RunnerReceipt, asked: CancelledBy) -> ReceiptBody:
    steps = (
        ReceiptStep(
            action=step.action,
            signal=step.signal,
            at=step.at,
            offset_ms=step.offset_ms,
            processes=step.processes,
        )
        for step in runner.steps
    )
    return ReceiptBody(
        requested_at=receipt.requested_at,
        requested_by=asked,
        final_at=receipt.final_at,
        never_started=receipt.never_started,
        forced_by_server=receipt.forced_by_server,
        stage=runner.stage,
        isolation=runner.isolation,
        received_at=runner.received_at,
        steps=tuple(steps),
        last_process_gone_at=runner.last_process_gone_at,
        processes_left=runner.processes_left,
        proof=runner.proof,
        tests=Tests.of(runner.tests),
        artifacts_kept=runner.artifacts_kept,
        evidence_complete=runner.evidence_complete,
        notes=runner.notes,
    )


@dataclass(frozen=True, slots=True)
class Flags:
    """The contract's five booleans about a result. All false while there is no outcome."""

    has_errors: bool
    has_failures: bool
    is_degraded: bool
    aborted: bool
    is_cancelled: bool

    @classmethod
    def of(cls, outcome: Outcome | None) -> "Flags":
        """Of an outcome; None is a run that goes on."""
        if outcome is None:
            return cls(
                has_errors=False,
                has_failures=False,
                is_degraded=False,
                aborted=False,
                is_cancelled=False,
            )
        return cls(
            has_errors=outcome.has_errors,
            has_failures=outcome.has_failures,
            is_degraded=outcome.is_degraded,
            aborted=outcome.aborted,
            is_cancelled=outcome.is_cancelled,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line about a run: an attempt that failed, its final result, or (``result`` None) no end yet."""

    run: Run
    view: RunView
    result: ResultView | None

    @property
    def result_id(self) -> UUID:
        """The id of this result; a run's final result has its id from the start."""
        return self.result.id if self.result else self.run.result_id

    @property
    def is_attempt(self) -> bool:
        """Whether this is an earlier attempt."""
        return self.result is not None and self.result.result_type == "ATTEMPT"

    @property
    def location(self) -> str:
        """Where the attempt ran, or the run is."""
        return self.result.location if self.result else self.run.location

    @property
    def flags(self) -> Flags:
        """The five booleans."""
        return Flags.of(self.result.outcome if self.result else None)

    @property
    def started_at(self) -> datetime | None:
        """When the attempt, or the run, began."""
        return self.result.started_at if self.result else self.run.started_at

    @property
    def stopped_at(self) -> datetime | None:
        """When it ended; a cancelled run that never started ended when the cancel took effect."""
        if self.result is None:
            return None
        return self.result.stopped_at or (None if self.is_attempt else self.run.stopped_at)

    @property
    def response_time_ms(self) -> int | None:
        """Null while it goes on, and for a cancelled run: that says nothing about the target."""
        if self.result is None or self.flags.is_cancelled:
            return None
        return self.result.response_time_ms

    @property
    def cancel(self) -> CancelRequest | None:
        """The cancel under way, or the one that ended the run."""
        if self.is_attempt or (self.run.is_final and not self.flags.is_cancelled):
            return None
        return self.run.cancel

    @property
    def cancelled_by(self) -> CancelledBy | None:
        """Who asked for that cancel."""
        return CancelledBy(name=self.cancel.by, via=self.cancel.via) if self.cancel else None

    @property
    def progress(self) -> ProgressBody | None:
        """How far the run is or was; None for attempts, and where no suite has said anything."""
        if self.is_attempt or (self.view.counts is None and self.view.stage is None):
            return None
        counts = self.view.counts
        return ProgressBody(stage=self.view.stage, tests=Tests.of(counts) if counts else None)


def rows_of(view: RunView) -> tuple[Row, ...]:
    """The lines about one run: its failed attempts, then its final result or that there is none yet."""
    rows = tuple(Row(view.run, view, result) for result in view.results)
    if any(not row.is_attempt for row in rows):
        return rows
    return (*rows, Row(view.run, view, None))
