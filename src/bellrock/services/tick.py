"""Ticks that fell due become runs, many of them in one transaction, and each at most once.

The scheduler's lease moves on in that transaction, by compare-and-set: of two schedulers that think they
lead, one has moved time on, and the other has done nothing. Beyond that a tick's ids are those of its
moment, so that a scheduler that goes over a stretch of time once more finds its runs there.

What is done with a tick depends on its lane: a suite gets its run in the queue when it is due
(`queue_suites`), a monitor is handed out with others ahead of its time (`services/tick_batches.py`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import RunSource
from bellrock.domain.schedule import MONITORS, Missed, Tick, Ticks, places_of, plan, schedule_of
from bellrock.domain.sessions import Session
from bellrock.domain.specs import CheckType
from bellrock.services.due_index import Batch
from bellrock.services.grouping import in_their_groups
from bellrock.services.platform import Platform
from bellrock.services.queue_runs import Job, queue_sessions
from bellrock.services.start_session import check_job, check_session
from bellrock.services.work import Work, unit_of_work
from bellrock.store.checks import StoredCheck, load_checks
from bellrock.store.leases import Lease, keep_lease
from bellrock.store.runners import locations_seen
from bellrock.store.schedules import StoredSchedule, add_missed, checks_in_progress, known_sessions

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """Somebody else schedules now: nothing was written."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A tick that is run, and where."""

    tick: Tick
    stored: StoredCheck
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """Something to tell the runners of a location once it is committed."""

    location: str
    batch_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """Which of many ticks are dealt with already, by session, and which of their checks are in progress."""

    known: set[UUID]
    in_progress: set[UUID]


@dataclass(frozen=True, slots=True)
class Lane:
    """Checks whose ticks are treated alike, and who leads for them (the name of the lease).

    Ticks are looked at ``ahead_s`` before they are due, in steps of at least ``pause_s``.
    """

    name: str
    types: frozenset[CheckType]
    ahead_s: float
    pause_s: float
    hand_out: Callable[[Work, Sequence[Accepted]], Awaitable[list[Offered]]]
    look: Callable[[AsyncConnection, Sequence[Tick]], Awaitable[Found]]


@dataclass(slots=True)
class Ticked:
    """What became of a batch. ``changed``: checks that are no longer scheduled as the batch has it.

    Ticks until ``since`` were dealt with before, but for those of checks that were just changed: these are
    looked at again, and known by their ids if they were run. If they were missed, nobody knows: they are
    not written down again.
    """

    lease: Lease
    since: datetime
    run: list[Tick] = field(default_factory=list)
    missed: list[tuple[Ticks, Missed]] = field(default_factory=list)
    changed: list[StoredSchedule] = field(default_factory=list)
    offered: list[Offered] = field(default_factory=list)

    def miss(self, tick: Tick, reason: Missed) -> None:
        """Note that the tick is not run."""
        if tick.is_first or tick.due_at > self.since:
            self.missed.append((one(tick), reason))


async def run_ticks(platform: Platform, lane: Lane, lease: Lease, batch: Batch) -> Ticked:
    """Have the ticks of a batch run, and move the lease on to its end.

    Raises LeaseLost.
    """
    async with unit_of_work(platform) as work:
        ticked = Ticked(await move_on(work, lease, batch.until), since=lease.done_until)
        due = _due(ticked, batch, at=work.at, late_s=platform.settings.tick_late_s)
        accepted = await _accept(work, lane, ticked, batch=batch, due=due)
        if accepted:
            ticked.offered = await lane.hand_out(work, accepted)
        await add_missed(work.connection, ticked.missed)
    tell(platform, ticked)
    return ticked


def _due(ticked: Ticked, batch: Batch, *, at: datetime, late_s: float) -> list[Tick]:
    """The ticks that are to be run; those that are too late, or followed by another, are missed."""
    due = []
    for each in batch.due:
        its = plan(
            each.schedule,
            after=each.done_until,
            until=batch.until,
            late_before=at - timedelta(seconds=late_s),
        )
        if its.run is not None:
            due.append(its.run)
        if its.missed is not None:
            missed = each.schedule.ticks(max(each.done_until, ticked.since), its.missed.last_at)
            ticked.missed += [(missed, Missed.NOT_SCHEDULED)] if missed else []
    return due


async def miss_ticks(platform: Platform, lease: Lease, missed: Sequence[Ticks], *, until: datetime) -> Ticked:
    """Write down ticks that came and went while nobody scheduled. Raises LeaseLost."""
    async with unit_of_work(platform) as work:
        ticked = Ticked(await move_on(work, lease, until), since=lease.done_until)
        ticked.missed = [(each, Missed.NOT_SCHEDULED) for each in missed]
        await add_missed(work.connection, ticked.missed)
    tell(platform, ticked)
    return ticked


async def move_on(work: Work, lease: Lease, done_until: datetime) -> Lease:
    """Hold the lease from now on, and move time. Raises LeaseLost."""
    until = work.at + timedelta(seconds=work.platform.settings.scheduler_lease_s)
    if not await keep_lease(work.connection, lease, until=until, done_until=done_until):
        raise LeaseLost
    return replace(lease, until=until, done_until=done_until)


async def _accept(
    work: Work, lane: Lane, ticked: Ticked, *, batch: Batch, due: Sequence[Tick]
) -> list[Accepted]:
    """The ticks that can be run; why the others cannot is noted."""
    if not due:
        return []
    connection = work.connection
    checks = await in_their_groups(connection, await load_checks(connection, [tick.check_id for tick in due]))
    found = await lane.look(connection, due)
    gone_before = work.at - timedelta(seconds=work.platform.settings.location_gone_s)
    served = await locations_seen(connection, gone_before)
    expected = {each.schedule.check_id: each.schedule for each in batch.due}
    accepted = []
    for tick in due:
        stored = checks.get(tick.check_id)
        if stored is None or schedule_of(stored.check) != expected[tick.check_id]:
            ticked.changed.append(_as_stored(tick, stored))
        elif tick.session_id in found.known:
            continue
        elif tick.check_id in found.in_progress:
            if not tick.is_first:  # a deploy has its own first run
                ticked.miss(tick, Missed.OVERLAP)
        else:
            accepted += _where_it_can(ticked, tick, stored, served=served)
    return accepted


def _where_it_can(ticked: Ticked, tick: Tick, stored: StoredCheck, *, served: set[str]) -> list[Accepted]:
    """The tick at the locations that have a runner; nothing without any."""
    places = places_of(tick, stored.check.places, parallel=stored.check.run_parallel)
    reached = tuple(each for each in places if each in served)
    if reached != places:
        ticked.miss(tick, Missed.NO_RUNNER)
    if not reached:
        return []
    ticked.run.append(tick)
    return [Accepted(tick, stored, reached)]


async def look_at_runs(connection: AsyncConnection, due: Sequence[Tick]) -> Found:
    """What sessions and runs say about ticks that are due."""
    return Found(
        await known_sessions(connection, [tick.session_id for tick in due]),
        await checks_in_progress(connection, [tick.check_id for tick in due]),
    )


async def queue_suites(work: Work, accepted: Sequence[Accepted]) -> list[Offered]:
    """Put the runs of ticks into the queue, as a person's are."""
    await queue_sessions(work, [(tick_session(each, at=work.at), _jobs(each)) for each in accepted])
    observe = work.platform.measures.schedule.lateness_s.observe
    for each in accepted:
        observe(max(0.0, (work.at - each.tick.due_at).total_seconds()))
    return []


def tick_session(
    accepted: Accepted, *, at: datetime, stopped_at: datetime | None = None, status: str | None = None
) -> Session:
    """The session of a tick, as it begins, or as it has ended."""
    return check_session(
        accepted.stored,
        RunSource.SCHEDULER,
        at=at,
        session_id=accepted.tick.session_id,
        locations=accepted.places,
        stopped_at=stopped_at,
        status=status,
    )


def _jobs(accepted: Accepted) -> list[Job]:
    tick = accepted.tick
    return [
        replace(check_job(accepted.stored, each), run_id=tick.run_id(each), result_id=tick.result_id(each))
        for each in accepted.places
    ]


def one(tick: Tick) -> Ticks:
    """A tick that was missed."""
    return Ticks(tick.check_id, tick.due_at, tick.due_at, 1)


def _as_stored(tick: Tick, stored: StoredCheck | None) -> StoredSchedule:
    if stored is None:
        return StoredSchedule(tick.check_id, None, tick.due_at)
    check = stored.check
    return StoredSchedule(check.id, schedule_of(check), check.updated_at or check.created_at)


def tell(platform: Platform, ticked: Ticked) -> None:
    """Count what became of ticks, and log what is not as usual."""
    platform.measures.schedule.ticks_run.inc(len(ticked.run))
    tell_missed(platform, ticked.missed)


def tell_missed(platform: Platform, missed: Sequence[tuple[Ticks, Missed]]) -> None:
    """Count and log ticks that were missed."""
    for reason in Missed:
        number = sum(ticks.number for ticks, why in missed if why is reason)
        if number:
            platform.measures.schedule.ticks_missed.labels(reason).inc(number)
            checks = {ticks.check_id for ticks, why in missed if why is reason}
            log.warning("scheduler.ticks_missed", reason=str(reason), ticks=number, checks=len(checks))


SUITES = Lane(
    name="scheduler",
    types=frozenset(CheckType) - MONITORS - {CheckType.HEARTBEAT},
    ahead_s=0,
    pause_s=0.02,  # ticks that fall due meanwhile share a transaction
    hand_out=queue_suites,
    look=look_at_runs,
)
