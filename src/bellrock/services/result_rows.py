"""Which results a decision about a run brings, and the receipt of a cancelled one. Pure."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import Receipt, RunnerReceipt
from bellrock.domain.runs import AttemptFailed, Decision, Run, RunFinished
from bellrock.services.ids import attempt_id
from bellrock.store.records import ResultType, StoredResult
from bellrock.store.results import UploadedFile
from bellrock.wire.messages import Artifact, Report


def result_rows(decision: Decision, report: Report | None, *, at: datetime) -> list[StoredResult]:
    """The rows to insert: an ATTEMPT for a failed attempt, the FINAL for the end of the run.

    A report belongs to the attempt it is about. A run that is cancelled by a report of a failed attempt
    (no retry follows any more) has both rows, and the FINAL one then has no tests of its own.
    """
    rows = []
    run = decision.run
    for fact in decision.facts:
        if isinstance(fact, AttemptFailed) and report is not None:
            rows.append(_attempt_row(run, fact, report, at=at))
        elif isinstance(fact, RunFinished):
            its_own = None if rows else report
            rows.append(_final_row(run, fact.outcome, its_own, at=at))
    return rows


def receipt_of(run: Run, runner: RunnerReceipt | None) -> Receipt | None:
    """The receipt of a final run: None unless it was cancelled."""
    cancelled = run.outcome is not None and run.outcome.is_cancelled
    if not cancelled or run.cancel is None or run.stopped_at is None:
        return None
    return Receipt(
        requested_at=run.cancel.at,
        requested_by=run.cancel.by,
        requested_via=run.cancel.via,
        final_at=run.stopped_at,
        never_started=run.started_at is None,
        forced_by_server=run.fenced,
        runner=runner,
    )


def arrived(listed: tuple[Artifact, ...], uploads: Mapping[str, UploadedFile]) -> tuple[Artifact, ...]:
    """Of the files a runner lists, those that it has uploaded, unchanged."""
    return tuple(
        artifact
        for artifact in listed
        if artifact.name in uploads and uploads[artifact.name].sha256 == artifact.sha256
    )


def _attempt_row(run: Run, fact: AttemptFailed, report: Report, *, at: datetime) -> StoredResult:
    return _with_report(
        report,
        run,
        at=at,
        result_id=attempt_id(run.id, fact.attempt),
        attempt=fact.attempt,
        result_type="ATTEMPT",
        location=fact.location,
        outcome=fact.outcome,
    )


def _final_row(run: Run, outcome: Outcome, report: Report | None, *, at: datetime) -> StoredResult:
    receipt = receipt_of(run, report.receipt if report else None)
    if report is None:
        return _without_report(run, outcome, receipt, at=at)
    return _with_report(
        report,
        run,
        at=at,
        result_id=run.result_id,
        attempt=run.attempt,
        result_type="FINAL",
        location=run.location,
        outcome=outcome,
        receipt=receipt,
    )


def _with_report(
    report: Report,
    run: Run,
    *,
    at: datetime,
    result_id: UUID,
    attempt: int,
    result_type: ResultType,
    location: str,
    outcome: Outcome,
    receipt: Receipt | None = None,
) -> StoredResult:
    return StoredResult(
        id=result_id,
        run_id=run.id,
        session_id=run.session_id,
        check_id=run.check_id,
        attempt=attempt,
        result_type=result_type,
        location=location,
        outcome=outcome,
        created_at=at,
        token=report.token,
        response_time_ms=report.response_time_ms,
        started_at=report.started_at,
        stopped_at=report.stopped_at,
        tests=report.tests,
        test_list=report.test_list,
        errors=report.errors or _errors_of(outcome),
        timings=report.timings,
        artifacts=report.artifacts,
        receipt=receipt,
        details=report.details,
        evidence_complete=report.evidence_complete,
    )


def _without_report(run: Run, outcome: Outcome, receipt: Receipt | None, *, at: datetime) -> StoredResult:
    elapsed_ms = None
    if run.started_at and run.stopped_at:
        elapsed_ms = round((run.stopped_at - run.started_at).total_seconds() * 1_000)
    return StoredResult(
        id=run.result_id,
        run_id=run.id,
        session_id=run.session_id,
        check_id=run.check_id,
        attempt=run.attempt,
        result_type="FINAL",
        location=run.location,
        outcome=outcome,
        created_at=at,
        response_time_ms=elapsed_ms,
        started_at=run.started_at,
        stopped_at=run.stopped_at,
        errors=_errors_of(outcome),
        receipt=receipt,
    )


def _errors_of(outcome: Outcome) -> tuple[str, ...]:
    return (outcome.message,) if outcome.message else ()
