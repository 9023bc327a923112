"""What decisions about runs add to the measures. Called after the commit: only what is true is counted."""

from collections import Counter
from collections.abc import Iterable

from bellrock.domain.cancellation import Via
from bellrock.domain.heartbeats import PingState
from bellrock.domain.outcomes import Verdict
from bellrock.domain.runs import Decision, LeaseExpired, RequeueReason, Run, RunFinished, RunRequeued
from bellrock.domain.schedule import Missed
from bellrock.domain.sessions import SessionKind
from bellrock.measures import Measures, RunMeasures
from bellrock.wire.messages import Report

_ENDED_BY = ("queued", "runner", "forced_by_server", "suite")


def new_measures() -> Measures:
    """Measures that are all 0. What never happened is shown as 0 too, so that its first time is seen."""
    measures = Measures()
    known = (
        (measures.runs.sessions_started, SessionKind),
        (measures.runs.finished, Verdict),
        (measures.runs.cancels_asked, Via),
        (measures.runs.cancels_final, _ENDED_BY),
        (measures.recovery.runs_requeued, RequeueReason),
        (measures.heartbeats.events, PingState),
        (measures.schedule.ticks_missed, Missed),
    )
    for counter, values in known:
        for value in values:
            counter.labels(value)
    return measures


def measure_decisions(measures: Measures, decisions: Iterable[tuple[Decision, Report | None]]) -> None:
    """Count the facts of decisions. With each, what it was decided on, if a runner sent it."""
    finished: Counter[Verdict] = Counter()
    for decision, report in decisions:
        for fact in decision.facts:
            match fact:
                case LeaseExpired():
                    measures.recovery.leases_expired.inc()
                case RunRequeued():
                    measures.recovery.runs_requeued.labels(fact.reason).inc()
                case RunFinished():
                    finished[fact.outcome.verdict] += 1
                    if fact.outcome.verdict is Verdict.LOST:
                        measures.recovery.runs_given_up.labels(fact.outcome.code).inc()
                    _measure_cancel(measures.runs, decision.run, report)
                case _:
                    pass
    for verdict, number in finished.items():
        measures.runs.finished.labels(verdict).inc(number)


def who_ended(run: Run) -> str:
    """Who ended a run that was asked to stop: queued, runner, forced_by_server or suite."""
    if run.outcome is None or not run.outcome.is_cancelled:
        return "suite"
    if run.fenced:
        return "forced_by_server"
    return "runner" if run.lease else "queued"


def _measure_cancel(measures: RunMeasures, run: Run, report: Report | None) -> None:
    if run.cancel is None or run.stopped_at is None:
        return
    measures.cancels_final.labels(who_ended(run)).inc()
    asked_at = run.cancel.at
    measures.cancel_to_final_s.observe((run.stopped_at - asked_at).total_seconds())
    gone_at = report.receipt.last_process_gone_at if report and report.receipt else None
    if gone_at is not None:
        # Two clocks: that of a runner may be behind ours.
        measures.cancel_to_last_process_s.observe(max(0.0, (gone_at - asked_at).total_seconds()))
