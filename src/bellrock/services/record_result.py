"""A runner reports how an attempt ended; exactly one report makes the run final."""

from dataclasses import replace
from datetime import timedelta

import structlog

from bellrock.domain.outcomes import Outcome
from bellrock.domain.runs import Announce, Refused, Reported, Run, outcome_that_counts
from bellrock.services.platform import Platform
from bellrock.services.result_rows import arrived
from bellrock.services.work import Work, advance, unit_of_work
from bellrock.store.records import StoredResult
from bellrock.store.results import add_evidence, result_of_report, uploads_of
from bellrock.store.runs import load_run
from bellrock.wire.messages import Artifact, Evidence, Report, ReportReply

log = structlog.get_logger(__name__)


async def record_report(platform: Platform, report: Report) -> ReportReply:
    """Store the attempt's result. The same report twice is accepted twice; any other is refused."""
    async with unit_of_work(platform) as work:
        stored = await load_run(work.connection, report.run_id)
        if stored is None:
            return ReportReply(accepted=False, reason="there is no such run")
        kept = await _arrived(work, stored.run, report.artifacts)
        event = Reported(report.token, report.outcome)
        kept_report = report.model_copy(update={"artifacts": kept})
        decision = await advance(work, report.run_id, event, stored=stored, report=kept_report)
        refusal = decision.facts[0] if decision else Refused("there is no such run")
        if not isinstance(refusal, Refused):
            return ReportReply(accepted=True)
        earlier = await result_of_report(work.connection, report.run_id, report.token)
    if earlier is not None and _says_the_same(earlier, report.outcome):
        return ReportReply(accepted=True)  # its first answer was lost
    log.warning("report.refused", run_id=str(report.run_id), reason=refusal.reason)
    return ReportReply(accepted=False, reason=refusal.reason)


async def record_evidence(platform: Platform, evidence: Evidence) -> ReportReply:
    """Add artifacts that were ready only after the report of the same token.

    Refused 120 s after the final, for a run that the server ended by itself, and without a report.
    """
    async with unit_of_work(platform) as work:
        stored = await load_run(work.connection, evidence.run_id)
        result = await result_of_report(work.connection, evidence.run_id, evidence.token)
        if stored is None or result is None:
            return ReportReply(accepted=False, reason="there is no report with this token")
        if not takes_late_evidence(platform, stored.run):
            return ReportReply(accepted=False, reason="the time for late evidence is over")
        files = {each.name: each for each in result.artifacts}
        files |= {each.name: each for each in await _arrived(work, stored.run, evidence.artifacts)}
        receipt = result.receipt
        if receipt is not None and evidence.receipt is not None:
            receipt = replace(receipt, runner=evidence.receipt)
        await add_evidence(work.connection, result.id, files=tuple(files.values()), receipt=receipt)
        run = stored.run
        await work.order(Announce(run.account_id, run.session_id, run.id, "evidence"))
    return ReportReply(accepted=True)


def takes_late_evidence(platform: Platform, run: Run) -> bool:
    """Whether a final run may still get artifacts from the runner that ended it."""
    if run.fenced or run.stopped_at is None:
        return False
    return platform.clock() <= run.stopped_at + timedelta(seconds=platform.settings.late_evidence_s)


async def _arrived(work: Work, run: Run, listed: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    if not listed:
        return ()
    kept = arrived(listed, await uploads_of(work.connection, run.id, run.attempt))
    for missing in sorted({each.name for each in listed} - {each.name for each in kept}):
        work.platform.measures.recovery.artifacts_missing.inc()
        log.warning("artifact.missing", run_id=str(run.id), name=missing)
    return kept


def _says_the_same(earlier: StoredResult, outcome: Outcome) -> bool:
    """Whether the earlier report said this too. What was stored may be what it counted for."""
    counted = (outcome_that_counts(outcome, cancel_asked=asked) for asked in (False, True))
    stored = earlier.outcome
    return any((stored.verdict, stored.code) == (each.verdict, each.code) for each in (outcome, *counted))
