"""Rows become views: statuses folded, live counts added, and why a run can or cannot be cancelled."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import why_not_cancellable
from bellrock.domain.runs import Run, RunState
from bellrock.domain.sessions import CheckSessionStatus, Session, SessionKind, TestSessionStatus, status_of
from bellrock.services.platform import Platform
from bellrock.services.views import ResultView, RunView, SessionView
from bellrock.store.records import StoredResult, StoredRun
from bellrock.store.results import results_of_runs
from bellrock.store.runners import locations_seen
from bellrock.store.runs import runs_of_sessions
from bellrock.store.sessions import load_sessions


async def view_sessions(platform: Platform, session_ids: Sequence[UUID]) -> tuple[SessionView, ...]:
    """The sessions named, in that order; one that does not exist is left out."""
    async with platform.database.read() as connection:
        return await views_in(platform, connection, session_ids)


async def views_in(
    platform: Platform, connection: AsyncConnection, session_ids: Sequence[UUID]
) -> tuple[SessionView, ...]:
    """As `view_sessions`, on an open connection."""
    sessions = await load_sessions(connection, session_ids)
    stored = await runs_of_sessions(connection, list(sessions))
    run_ids = [each.run.id for group in stored.values() for each in group]
    results = await results_of_runs(connection, run_ids)
    at = platform.clock()
    served = await served_locations(platform, connection, at)
    return tuple(
        session_view(
            sessions[session_id],
            [run_view(platform, each, results[each.run.id], served=served) for each in stored[session_id]],
            at=at,
        )
        for session_id in session_ids
        if session_id in sessions
    )


async def served_locations(platform: Platform, connection: AsyncConnection, at: datetime) -> Collection[str]:
    """Locations that a connected runner serves."""
    since = at - timedelta(seconds=platform.settings.runner_seen_s)
    return await locations_seen(connection, since)


def session_view(session: Session, runs: Sequence[RunView], *, at: datetime) -> SessionView:
    """A session with its runs. The status is the frozen one, or the fold of the moment."""
    stopped_at = session.stopped_at
    elapsed = (stopped_at or at) - session.started_at
    return SessionView(
        session=session,
        status=_frozen_status(session) or status_of(session.kind, [each.run for each in runs]),
        runs=tuple(runs),
        stopped_at=stopped_at,
        time_elapsed_ms=max(0, round(elapsed.total_seconds() * 1_000)),
    )


def run_view(
    platform: Platform,
    stored: StoredRun,
    results: Sequence[StoredResult],
    *,
    served: Collection[str],
) -> RunView:
    """A run with its results, and with what is going on in it."""
    run = stored.run
    shown = tuple(result_view(each) for each in results)
    final = next((each for each in shown if each.result_type == "FINAL"), None)
    reason = _why_not_now(run)
    at_runner = run.state is RunState.RUNNING
    return RunView(
        run=run,
        check_name=stored.check_name,
        results=shown,
        counts=final.tests if final else platform.live.counts(run.id),
        stage=(platform.live.stage(run.id) or stored.stage) if at_runner else None,
        waiting_for_runner=run.state is RunState.QUEUED and run.location not in served,
        cancellable=reason is None,
        why_not_cancellable=reason,
        logical_id=stored.logical_id,
    )


def result_view(stored: StoredResult) -> ResultView:
    """A stored result as it is shown."""
    return ResultView(
        id=stored.id,
        run_id=stored.run_id,
        attempt=stored.attempt,
        result_type=stored.result_type,
        location=stored.location,
        outcome=stored.outcome,
        response_time_ms=stored.response_time_ms,
        started_at=stored.started_at,
        stopped_at=stored.stopped_at,
        tests=stored.tests,
        test_list=stored.test_list,
        errors=stored.errors,
        timings=stored.timings,
        artifacts=() if stored.files_removed_at else stored.artifacts,
        receipt=stored.receipt,
        details=stored.details or {},
        evidence_complete=stored.evidence_complete,
        created_at=stored.created_at,
        files_removed_at=stored.files_removed_at if stored.artifacts else None,
    )


def _frozen_status(session: Session) -> CheckSessionStatus | TestSessionStatus | None:
    if session.status is None:
        return None
    if session.kind is SessionKind.CHECK:
        return CheckSessionStatus(session.status)
    return TestSessionStatus(session.status)


def _why_not_now(run: Run) -> str | None:
    never = why_not_cancellable(run.check_type, run.source)
    if never is not None:
        return never
    if run.is_final:
        return "This run is over."
    if run.cancel is not None:
        return f"{run.cancel.by} asked to cancel this run already: it is being stopped."
    return None
