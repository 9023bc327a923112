"""Ticks of monitors, handed out together and ahead of their time, and their results taken in together.

A monitor is one question to a target. What a suite's run costs the platform (an order, an offer, a claim, a
report, each with a transaction) would cost it many times what it does. So a monitor has no row before it
was run: a batch of ticks is offered, claimed and reported as one; the runner, which has it a second before,
begins each tick in its moment. A result is then written with its run and session, final from the start.

A batch that nobody takes is offered again, and so is what is left of one whose runner fell silent, while
its ticks are not too late; after that they are missed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import RunSource
from bellrock.domain.retries import policy_of_run
from bellrock.domain.runs import Claimed, Decision, Reported, Run, decide
from bellrock.domain.schedule import MONITORS, Missed, Tick, interval_s
from bellrock.domain.sessions import Session, SessionKind, status_at_end
from bellrock.engine.port import BusError
from bellrock.services.claim_run import job_of
from bellrock.services.environment import unseal
from bellrock.services.grouping import (
    RunConfiguration,
    configured,
    in_their_groups,
    load_configurations,
)
from bellrock.services.ids import new_id
from bellrock.services.measuring import measure_decision
from bellrock.services.platform import Platform
from bellrock.services.result_rows import result_rows
from bellrock.services.tick import (
    Accepted,
    Found,
    Lane,
    Offered,
    look_at_runs,
    one,
    queue_suites,
    tell_missed,
    tick_session,
)
from bellrock.services.work import Work, unit_of_work
from bellrock.store.checks import StoredCheck, load_checks
from bellrock.store.records import NewRun, RunMaterial
from bellrock.store.results import insert_results
from bellrock.store.runs import insert_runs
from bellrock.store.schedules import add_missed, known_sessions
from bellrock.store.sessions import insert_sessions
from bellrock.store.tick_batches import (
    TickBatch,
    delete_batch,
    extend_batch,
    idle_batches,
    insert_batches,
    lock_batch,
    offer_batch_again,
    take_batch,
    ticks_on_their_way,
)
from bellrock.wire import subjects
from bellrock.wire.messages import (
    Report,
    ReportReply,
    TicksClaim,
    TicksClaimReply,
    TicksOffer,
    TicksReport,
    TimedJob,
)

log = structlog.get_logger(__name__)

_MOST_TICKS = 100
_MOST_SEALED_CHARS = 256 * 1024  # a batch with its variables must fit one message
_OFFER_AGAIN_AFTER = timedelta(seconds=2)
_TENDED_AT_ONCE = 10  # a location without a runner leaves many, and nobody gains by haste
_LEASE_S = 5.0


async def hand_out_monitors(work: Work, accepted: Sequence[Accepted]) -> list[Offered]:
    """Put ticks into batches. Those that run in several places get a session of queued runs at once."""
    together = [each for each in accepted if len(each.places) > 1]
    if together:
        await queue_suites(work, together)
    alone = [each for each in accepted if len(each.places) == 1]
    batches = [
        TickBatch(new_id(), location, ticks, offered_at=work.at) for location, ticks in _batches(alone)
    ]
    if batches:
        await insert_batches(work.connection, batches)
    return [Offered(each.location, each.id) for each in batches]


def _batches(accepted: Sequence[Accepted]) -> Iterator[tuple[str, tuple[Tick, ...]]]:
    for location in sorted({each.places[0] for each in accepted}):
        ticks: list[Tick] = []
        sealed_chars = 0
        for each in (each for each in accepted if each.places[0] == location):
            chars = len(each.stored.sealed_environment or "")
            if ticks and (len(ticks) == _MOST_TICKS or sealed_chars + chars > _MOST_SEALED_CHARS):
                yield location, tuple(ticks)
                ticks, sealed_chars = [], 0
            ticks.append(each.tick)
            sealed_chars += chars
        yield location, tuple(ticks)


async def look_at_monitors(connection: AsyncConnection, due: Sequence[Tick]) -> Found:
    """Beside runs and sessions: ticks that were handed out, of which those without a result go on."""
    sent = await ticks_on_their_way(connection, [tick.check_id for tick in due])
    ended = await known_sessions(connection, [tick.session_id for tick in sent])
    found = await look_at_runs(connection, due)
    return Found(
        found.known | {tick.session_id for tick in sent},
        found.in_progress | {tick.check_id for tick in sent if tick.session_id not in ended},
    )


async def offer_batches(platform: Platform, offered: Sequence[Offered]) -> None:
    """Tell runners about batches. What is not heard is told again, by `tend_batches`."""
    try:
        for each in offered:
            body = TicksOffer(batch_id=each.batch_id).encode()
            await platform.bus.publish(subjects.ticks(each.location), body)
    except BusError as error:
        log.warning("ticks.not_offered", batches=len(offered), error=str(error))


# --- what runners ask -------------------------------------------------------------------------


async def claim_ticks(platform: Platform, location: str, request: TicksClaim) -> TicksClaimReply:
    """Give a batch to the runner that asks, with all its jobs. Asking twice is harmless."""
    at = platform.clock()
    async with platform.database.write() as connection:
        taken = await take_batch(
            connection,
            request.batch_id,
            location,
            token=request.token,
            runner_id=request.runner_id,
            until=at + timedelta(seconds=_LEASE_S),
        )
        batch = await lock_batch(connection, request.batch_id) if taken else None
        if batch is None:
            return TicksClaimReply(granted=False)
        known = await load_checks(connection, [tick.check_id for tick in batch.ticks])
        checks = await in_their_groups(connection, known)
        added = await load_configurations(connection, platform.vault, checks.values())
    jobs = tuple(
        _timed_job(platform, tick, checks[tick.check_id], location, added=added[tick.check_id])
        for tick in batch.ticks
        if tick.check_id in checks and checks[tick.check_id].check.activated
    )
    return TicksClaimReply(granted=True, jobs=jobs, lease_s=_LEASE_S)


def _timed_job(
    platform: Platform, tick: Tick, stored: StoredCheck, location: str, *, added: RunConfiguration
) -> TimedJob:
    own = unseal(platform.vault, stored.sealed_environment)
    job = job_of(
        platform,
        stored.check.name,
        run=_run_of(tick, stored, location, queued_at=tick.due_at),
        material=RunMaterial(stored.check.spec),
        complete=configured(platform.vault, added, stored.check.spec, own),
        added=added,
    )
    return TimedJob(due_at=tick.due_at, job=job)


async def record_ticks(platform: Platform, request: TicksReport) -> ReportReply:
    """Write down results of a batch. Refused where the batch is another's by now, or over."""
    async with unit_of_work(platform) as work:
        batch = await lock_batch(work.connection, request.batch_id)
        if batch is None or batch.token != request.token:
            return ReportReply(accepted=False, reason="the batch is over, or another runner has it")
        ends = await _record(work, batch, request.reports)
        if request.is_last:
            await delete_batch(work.connection, batch.id)
        else:
            await extend_batch(work.connection, batch.id, work.at + timedelta(seconds=_LEASE_S))
    for tick, decision, report in ends:
        measure_decision(platform.measures, decision, report)
        lateness_s = (report.started_at - tick.due_at).total_seconds()
        platform.measures.schedule.lateness_s.observe(max(0.0, lateness_s))
    platform.measures.runs.sessions_started.labels(SessionKind.CHECK).inc(len(ends))
    return ReportReply(accepted=True)


async def _record(
    work: Work, batch: TickBatch, reports: Sequence[Report]
) -> list[tuple[Tick, Decision, Report]]:
    """Sessions, runs and results of those ticks that have none yet, and whose checks are still there."""
    by_run = {tick.run_id(batch.location): tick for tick in batch.ticks}
    said = {by_run[report.run_id]: report for report in reports if report.run_id in by_run}
    known = await known_sessions(work.connection, [tick.session_id for tick in said])
    found = await load_checks(work.connection, [tick.check_id for tick in said])
    checks = await in_their_groups(work.connection, found)
    new = [tick for tick in said if tick.session_id not in known and tick.check_id in checks]
    ends = [(tick, _end(batch, tick, checks[tick.check_id], said[tick], at=work.at)) for tick in new]
    if new:
        sessions = [_session(batch, tick, checks, decision, said[tick]) for tick, decision in ends]
        rows = [row for tick, decision in ends for row in result_rows(decision, said[tick], at=work.at)]
        await insert_sessions(work.connection, sessions)
        await insert_runs(work.connection, [_row(checks[tick.check_id], each.run) for tick, each in ends])
        await insert_results(work.connection, rows)
        # Of those that are tried again: a run of a batch is over with it, and goes on as a queued one.
        await work.order(*(order for _, each in ends if not each.run.is_final for order in each.orders))
    return [(tick, decision, said[tick]) for tick, decision in ends]


def _end(batch: TickBatch, tick: Tick, stored: StoredCheck, report: Report, *, at: datetime) -> Decision:
    """The run's whole life, decided at its end."""
    queued = _run_of(tick, stored, batch.location, queued_at=min(report.started_at, at))
    claimed = Claimed(report.token, batch.runner_id or "", _LEASE_S)
    running = decide(queued, claimed, at=queued.queued_at).run
    return decide(running, Reported(report.token, report.outcome), at=at)


def _run_of(tick: Tick, stored: StoredCheck, location: str, *, queued_at: datetime) -> Run:
    check = stored.check
    return Run(
        id=tick.run_id(location),
        session_id=tick.session_id,
        account_id=check.account_id,
        check_id=check.id,
        check_type=check.type,
        source=RunSource.SCHEDULER,
        location=location,
        result_id=tick.result_id(location),
        queued_at=queued_at,
        retry=check.policy.retry and policy_of_run(check.policy.retry, location, check.places),
    )


def _session(
    batch: TickBatch, tick: Tick, checks: Mapping[UUID, StoredCheck], decision: Decision, report: Report
) -> Session:
    accepted = Accepted(tick, checks[tick.check_id], (batch.location,))
    run = decision.run
    if run.outcome is None:
        return tick_session(accepted, at=report.started_at)  # it is tried again
    status = status_at_end(SessionKind.CHECK, {run.outcome.verdict})
    return tick_session(accepted, at=report.started_at, stopped_at=run.stopped_at, status=str(status))


def _row(stored: StoredCheck, run: Run) -> NewRun:
    check = stored.check
    material = RunMaterial(check.spec)
    return NewRun(run, 0, check.name, check.logical_id, material, stored.sealed_environment)


# --- what becomes of those that are not reported ----------------------------------------------


async def tend_batches(platform: Platform) -> int:
    """Offer batches again that nobody has, and give up ticks that are too late; how many it looked at."""
    at = platform.clock()
    async with platform.database.read() as connection:
        idle = await idle_batches(
            connection, at, offered_before=at - _OFFER_AGAIN_AFTER, limit=_TENDED_AT_ONCE
        )
    for batch_id in idle:
        await _tend(platform, batch_id)
    return len(idle)


async def _tend(platform: Platform, batch_id: UUID) -> None:
    missed = []
    async with unit_of_work(platform) as work:
        batch = await lock_batch(work.connection, batch_id)
        if batch is None or (batch.lease_until is not None and batch.lease_until > work.at):
            return
        known = await known_sessions(work.connection, [tick.session_id for tick in batch.ticks])
        checks = await load_checks(work.connection, [tick.check_id for tick in batch.ticks])
        left = [t for t in batch.ticks if t.session_id not in known and t.check_id in checks]
        late = {t for t in left if work.at - t.due_at > _longest_wait(platform, checks[t.check_id])}
        again = [tick for tick in left if tick not in late]
        reason = Missed.NO_RUNNER if batch.token is None else Missed.RUNNER_LOST
        missed = [(one(tick), reason) for tick in left if tick in late]
        await add_missed(work.connection, missed)
        if again:
            await offer_batch_again(work.connection, batch.id, again, work.at)
        else:
            await delete_batch(work.connection, batch.id)
    tell_missed(platform, missed)
    if again:
        log.info("ticks.offered_again", batch_id=str(batch.id), location=batch.location, ticks=len(again))
        await offer_batches(platform, [Offered(batch.location, batch.id)])


def _longest_wait(platform: Platform, stored: StoredCheck) -> timedelta:
    """A tick waits for a runner until the next one is due, but not for ever, and not for a moment only."""
    settings, check = platform.settings, stored.check
    every_s = interval_s(check.frequency_min, check.frequency_offset_s)
    return timedelta(seconds=min(max(every_s, settings.tick_late_s), settings.tick_queue_ttl_s))


MONITOR_TICKS = Lane(
    name="monitors",
    types=MONITORS,
    ahead_s=2.0,
    pause_s=1.0,
    hand_out=hand_out_monitors,
    look=look_at_monitors,
)
