"""Runs that nobody hears of before they have ended, as monitors' are: a whole life in one step."""

from dataclasses import replace
from datetime import datetime, timedelta

from bellrock.domain.runs import (
    Announce,
    Claimed,
    Decision,
    Lease,
    Reported,
    Run,
    RunFinished,
    RunState,
    decide,
    outcome_that_counts,
)


def decide_whole(queued: Run, claimed: Claimed, reported: Reported, *, at: datetime) -> Decision:
    """What `decide` makes of a fresh run's claim, when it was queued, and then of its report."""
    outcome = outcome_that_counts(reported.outcome, cancel_asked=False)
    if outcome.has_failures and queued.retry is not None:
        running = decide(queued, claimed, at=queued.queued_at).run
        return decide(running, reported, at=at)
    final = replace(
        queued,
        state=RunState.FINAL,
        version=queued.version + 2,
        executions=1,
        lease=Lease(claimed.token, claimed.runner_id, queued.queued_at + timedelta(seconds=claimed.lease_s)),
        started_at=queued.queued_at,
        stopped_at=at,
        outcome=outcome,
    )
    told = Announce(final.account_id, final.session_id, final.id, "final")
    return Decision(final, (RunFinished(outcome),), (told,))
