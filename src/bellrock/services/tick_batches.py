"""Ticks of monitors, handed out together and ahead of their time, and their results taken in together.

A monitor is one question to a target. What a suite's run costs the platform (an order, an offer, a claim, a
report, each with a transaction) would cost it many times what it does. So a monitor has no row before it
was run: a batch of ticks is offered, claimed and reported as one; the runner, which has it a second before,
begins each tick in its moment. A result is then written with its run and session, final from the start.

A batch that nobody takes is offered again, and so is what is left of one whose runner fell silent, while
its ticks are not too late; after that they are missed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import RunSource
from bellrock.domain.retries import policy_of_run
from bellrock.domain.runs import Claimed, Decision, Reported, Run
from bellrock.domain.schedule import MONITORS, Missed, Tick, interval_s
from bellrock.domain.sessions import Session, SessionKind, status_at_end
from bellrock.domain.whole_runs import decide_whole
from bellrock.engine.port import BusError
from bellrock.services.claim_run import job_of
from bellrock.services.environment import unseal
from bellrock.services.grouping import (
    RunConfiguration,
    configured,
    in_their_groups,
    load_configurations,
)
from bellrock.services.ids import attempt_id, new_id
from bellrock.services.measuring import measure_decisions
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
    keep_ticks,
    lock_batch,
    offer_batch_again,
    take_batch,
    ticks_on_their_way,
)
from bellrock.wire import subjects
from bellrock.wire.messages import (
    MOST_TOGETHER_BYTES,
    JobSpec,
    Report,
    ReportReply,
    TicksClaim,
    TicksClaimReply,
    TicksOffer,
    TicksReport,
    TimedJob,
)

log = structlog.get_logger(__name__)

_MOST_TICKS = 250
_BESIDE_JOB_BYTES = 400  # what the message has of a tick but the text of its job
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
        ticks = [each.tick for each in accepted if each.places[0] == location]
        for start in range(0, len(ticks), _MOST_TICKS):
            yield location, tuple(ticks[start : start + _MOST_TICKS])


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
    """Give a batch to the runner that asks, with all its jobs. Asking twice is harmless.

    What does not fit one message becomes a batch of its own, which is offered at once.
    """
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
    jobs = [
        (tick, _timed_job(platform, tick, checks[tick.check_id], location, added=added[tick.check_id]))
        for tick in batch.ticks
        if tick.check_id in checks and checks[tick.check_id].check.activated
    ]
    fits = _how_many_fit(jobs, min(platform.bus.most_bytes, MOST_TOGETHER_BYTES))
    if fits < len(jobs):
        kept, rest = [tick for tick, _ in jobs[:fits]], [tick for tick, _ in jobs[fits:]]
        if not await _put_off(platform, batch, kept=kept, rest=rest):
            return TicksClaimReply(granted=False)
    return TicksClaimReply(granted=True, jobs=tuple(job for _, job in jobs[:fits]), lease_s=_LEASE_S)


async def _put_off(
    platform: Platform, batch: TickBatch, *, kept: Sequence[Tick], rest: Sequence[Tick]
) -> bool:
    """Make of the rest of a batch one that is offered at once. False where it is another's now, or over."""
    async with unit_of_work(platform) as work:
        now = await lock_batch(work.connection, batch.id)
        if now is None or now.token != batch.token:
            return False
        new = TickBatch(new_id(), batch.location, tuple(rest), offered_at=work.at)
        await keep_ticks(work.connection, batch.id, kept)
        await insert_batches(work.connection, [new])
    await offer_batches(platform, [Offered(new.location, new.id)])
    return True


def _how_many_fit(jobs: Sequence[tuple[Tick, TimedJob]], most_bytes: int) -> int:
    """How many of the jobs, from the first and at least that, are surely no larger together."""
    left_bytes = most_bytes
    for number, (_, timed) in enumerate(jobs):
        # In a text within JSON each quotation mark is two characters.
        left_bytes -= 2 * len(timed.job.encode()) + _BESIDE_JOB_BYTES
        if left_bytes < 0:
            return max(number, 1)
    return len(jobs)


def _timed_job(
    platform: Platform, tick: Tick, stored: StoredCheck, location: str, *, added: RunConfiguration
) -> TimedJob:
    def make() -> JobSpec:
        own = unseal(platform.vault, stored.sealed_environment)
        return job_of(
            platform,
            stored.check.name,
            run=_run_of(tick, stored, location, queued_at=tick.due_at),
            material=RunMaterial(stored.check.spec),
            complete=configured(platform.vault, added, stored.check.spec, own),
            added=added,
        )

    run_id = tick.run_id(location)
    return TimedJob(
        due_at=tick.due_at,
        run_id=run_id,
        session_id=tick.session_id,
        attempt_id=attempt_id(run_id, 1),
        job=platform.prepared_jobs.text(stored.check.id, location, (stored, added), make),
    )


async def record_ticks(platform: Platform, request: TicksReport) -> ReportReply:
    """Write down results of a batch. Refused where the batch is another's by now, or over."""
    async with unit_of_work(platform) as work:
        batch = await lock_batch(work.connection, request.batch_id)
        if batch is None or batch.token != request.token:
            return ReportReply(accepted=False, reason="the batch is over, or another runner has it")
        ended = await _record(work, batch, request.reports)
        if request.is_last:
            await delete_batch(work.connection, batch.id)
        else:
            await extend_batch(work.connection, batch.id, work.at + timedelta(seconds=_LEASE_S))
    measure_decisions(platform.measures, [(each.decision, each.report) for each in ended])
    for each in ended:
        lateness_s = (each.report.started_at - each.accepted.tick.due_at).total_seconds()
        platform.measures.schedule.lateness_s.observe(max(0.0, lateness_s))
    platform.measures.runs.sessions_started.labels(SessionKind.CHECK).inc(len(ended))
    return ReportReply(accepted=True)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A tick that was run, and what became of it."""

    accepted: Accepted
    report: Report
    decision: Decision


async def _record(work: Work, batch: TickBatch, reports: Sequence[Report]) -> list[_Ended]:
    """Sessions, runs and results of those ticks that have none yet, and whose checks are still there."""
    by_run = {tick.run_id(batch.location): tick for tick in batch.ticks}
    said = {report.run_id: report for report in reports if report.run_id in by_run}
    known = await known_sessions(work.connection, [by_run[run_id].session_id for run_id in said])
    found = await load_checks(work.connection, [by_run[run_id].check_id for run_id in said])
    checks = await in_their_groups(work.connection, found)
    here = (batch.location,)
    ended = [
        _end(batch, Accepted(tick, checks[tick.check_id], here), report, at=work.at)
        for tick, report in ((by_run[run_id], report) for run_id, report in said.items())
        if tick.session_id not in known and tick.check_id in checks
    ]
    if ended:
        rows = [row for each in ended for row in result_rows(each.decision, each.report, at=work.at)]
        await insert_sessions(work.connection, [_session(each) for each in ended])
        await insert_runs(work.connection, [_row(each) for each in ended])
        await insert_results(work.connection, rows)
        # Of those that are tried again: a run of a batch is over with it, and goes on as a queued one.
        again = (each.decision for each in ended if not each.decision.run.is_final)
        await work.order(*(order for decision in again for order in decision.orders))
    return ended


def _end(batch: TickBatch, accepted: Accepted, report: Report, *, at: datetime) -> _Ended:
    """The run's whole life, decided at its end."""
    queued_at = min(report.started_at, at)
    queued = _run_of(accepted.tick, accepted.stored, batch.location, queued_at=queued_at)
    claimed = Claimed(report.token, batch.runner_id or "", _LEASE_S)
    decision = decide_whole(queued, claimed, Reported(report.token, report.outcome), at=at)
    return _Ended(accepted, report, decision)


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


def _session(ended: _Ended) -> Session:
    run, began_at = ended.decision.run, ended.report.started_at
    if run.outcome is None:
        return tick_session(ended.accepted, at=began_at)  # it is tried again
    status = status_at_end(SessionKind.CHECK, {run.outcome.verdict})
    return tick_session(ended.accepted, at=began_at, stopped_at=run.stopped_at, status=str(status))


def _row(ended: _Ended) -> NewRun:
    stored = ended.accepted.stored
    check, material = stored.check, RunMaterial(stored.check.spec)
    return NewRun(ended.decision.run, 0, check.name, check.logical_id, material, stored.sealed_environment)


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
