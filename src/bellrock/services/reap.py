"""Time passes: leases end, retries fall due, nobody takes a run. Each run in a transaction of its own."""

from datetime import timedelta
from uuid import UUID

import structlog

from bellrock.domain.cancellation import RunSource
from bellrock.domain.runs import (
    Dispatch,
    LeaseRanOut,
    QueueTimeRanOut,
    RetryDue,
    Run,
    RunState,
    SignalRunner,
)
from bellrock.services.platform import ControlSettings, Platform
from bellrock.services.work import advance, unit_of_work
from bellrock.store.runs import (
    cancels_in_flight,
    load_run,
    mark_offered,
    runs_queued_since,
    runs_whose_time_is_up,
)

log = structlog.get_logger(__name__)

_BATCH = 200


async def reap(platform: Platform) -> int:
    """End or requeue runs whose lease is over, and queue those whose retry is due; how many it looked at."""
    at = platform.clock()
    async with platform.database.read() as connection:
        found = await runs_whose_time_is_up(connection, at, limit=_BATCH)
    for run_id, state in found:
        async with unit_of_work(platform) as work:
            await advance(work, run_id, RetryDue() if state is RunState.RETRY_WAIT else LeaseRanOut())
    return len(found)


async def sweep(platform: Platform) -> int:
    """Offer runs once more that nobody claimed for a while: their message may be gone.

    Runs queued longer than the queue's time are given up (LOST). How many it looked at.
    """
    settings = platform.settings
    before = platform.clock() - timedelta(seconds=settings.reoffer_after_s)
    async with platform.database.read() as connection:
        waiting = await runs_queued_since(connection, before, limit=_BATCH)
    for run_id in waiting:
        await _sweep_one(platform, run_id)
    return len(waiting)


async def _sweep_one(platform: Platform, run_id: UUID) -> None:
    async with unit_of_work(platform) as work:
        stored = await load_run(work.connection, run_id)
        if stored is None or stored.run.state is not RunState.QUEUED:
            return
        waited_s = (work.at - stored.run.waiting_since).total_seconds()
        if waited_s >= _queue_ttl_s(work.platform.settings, stored.run):
            await advance(work, run_id, QueueTimeRanOut(waited_s))
            return
        await mark_offered(work.connection, run_id, work.at)
        await work.order(Dispatch(run_id, stored.run.location))
    platform.measures.recovery.runs_offered_again.inc()
    log.info("run.offered_again", run_id=str(run_id), waited_s=round(waited_s))


def _queue_ttl_s(settings: ControlSettings, run: Run) -> float:
    """A tick's run is worth nothing once the next ones are due; a person waits for theirs."""
    if run.source is RunSource.SCHEDULER:
        return min(settings.tick_queue_ttl_s, settings.queue_ttl_s)
    return settings.queue_ttl_s


async def resend_cancel_signals(platform: Platform) -> int:
    """Signal every running run again that somebody asked to stop: after a restart, after a reconnect."""
    async with unit_of_work(platform) as work:
        stopping = await cancels_in_flight(work.connection)
        await work.order(*(SignalRunner(each.run.id, each.run.location) for each in stopping))
    if stopping:
        log.info("cancel.signals_resent", runs=len(stopping))
    return len(stopping)
