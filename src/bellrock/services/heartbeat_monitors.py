"""Heartbeat monitors: their timers follow their checks, missed pings are found, events are read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import Check
from bellrock.domain.errors import Conflict, Invalid, NotFound
from bellrock.domain.heartbeats import HeartbeatEvent, Saved, Timer, TimeRanOut
from bellrock.domain.specs import CheckType, Heartbeat
from bellrock.services.heartbeat_timers import Timers
from bellrock.services.platform import Platform
from bellrock.store import heartbeats as store
from bellrock.store.checks import load_check
from bellrock.store.heartbeats import EventCount, StoredHeartbeat

log = structlog.get_logger(__name__)

_MARKS_A_STEP = 500
_FORGOTTEN_A_STEP = 10_000
_MOST_EVENTS = 10
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Availability:
    """How often a ping came, in percent of the pings that came or were missed; None without any.

    The previous period is as long as the current one and ends where that begins.
    """

    current_percent: float | None
    previous_percent: float | None
    events: int


@dataclass(frozen=True, slots=True)
class HeartbeatStats:
    """The availability of a monitor until now."""

    last_24_hours: Availability
    last_7_days: Availability


async def follow_check(connection: AsyncConnection, check: Check, *, at: datetime) -> None:
    """Have the timer of a heartbeat monitor follow its check, just written in the same transaction.

    Nothing happens for checks of other types. Raises Conflict for a token that another monitor has.
    """
    spec = check.spec
    if not isinstance(spec, Heartbeat):
        return
    token = spec.ping_token.lower()
    if await store.check_with_token(connection, token) not in (None, check.id):
        said = "heartbeat.pingToken: another monitor has this token. Leave it out, and one is made."
        raise Conflict(said, code="PING_TOKEN_TAKEN")
    saved = Saved(spec.period_s, spec.grace_s, check.activated)
    locked = await store.lock_by_check(connection, [check.id])
    if not locked:
        timer = Timer(saved.period_s, saved.grace_s, activated=saved.activated)
        await store.insert_heartbeat(connection, StoredHeartbeat(check.id, token, timer))
        return
    timers = Timers(locked)
    timers.apply(check.id, saved, at=at)
    await timers.save(connection)
    if locked[0].token != token:
        await store.change_token(connection, check.id, token)


async def mark_missed(platform: Platform) -> int:
    """Mark the monitors whose ping is missed as failing; how many were looked at. Else nothing is written."""
    async with platform.database.read() as connection:
        overdue = await store.overdue_heartbeats(connection, platform.clock(), limit=_MARKS_A_STEP)
    if not overdue:
        return 0
    async with platform.database.write() as connection:
        timers = Timers(locked := await store.lock_by_check(connection, overdue))
        at = platform.clock()
        for each in locked:
            timers.apply(each.check_id, TimeRanOut(), at=at)
        await timers.save(connection)
    timers.tell(platform.measures)
    return len(overdue)


async def forget_old_events(platform: Platform) -> int:
    """Remove a bounded lot of the events that are too old to be asked for; how many those were."""
    before = platform.clock() - timedelta(days=platform.settings.heartbeat_event_days)
    async with platform.database.write() as connection:
        forgotten = await store.forget_events(connection, before, limit=_FORGOTTEN_A_STEP)
    if forgotten:
        log.info("heartbeat.events_forgotten", events=forgotten)
    return forgotten


async def list_events(
    platform: Platform,
    principal: Principal,
    check_id: UUID,
    *,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    limit: int = _MOST_EVENTS,
) -> tuple[tuple[HeartbeatEvent, ...], HeartbeatStats]:
    """Events of a monitor, newest first, at most 10, and how it did until now. Raises NotFound, Invalid."""
    if not 1 <= limit <= _MOST_EVENTS:
        raise Invalid(f"limit is 1 to {_MOST_EVENTS}.")
    _refuse_bad_span(from_at, to_at)
    async with platform.database.read() as connection:
        await _refuse_unknown(connection, principal, check_id)
        found = await store.find_events(connection, check_id, from_at=from_at, to_at=to_at, limit=limit)
        return tuple(found), await _stats(connection, check_id, platform.clock())


async def get_event(
    platform: Platform, principal: Principal, check_id: UUID, *, event_id: UUID
) -> tuple[HeartbeatEvent, HeartbeatStats]:
    """One event of a monitor, and how it did until now. Raises NotFound."""
    async with platform.database.read() as connection:
        await _refuse_unknown(connection, principal, check_id)
        event = await store.load_event(connection, event_id)
        if event is None or event.check_id != check_id:
            raise NotFound(f"The heartbeat monitor {check_id} has no event {event_id}.")
        return event, await _stats(connection, check_id, platform.clock())


async def get_availability(
    platform: Platform,
    principal: Principal,
    check_id: UUID,
    *,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> Availability:
    """The availability of a time: of the 24 hours until now, unless said. Raises NotFound, Invalid."""
    _refuse_bad_span(from_at, to_at)
    until = to_at or platform.clock()
    since = from_at or max(_EPOCH, until - _DAY)
    _refuse_bad_span(since, until)
    async with platform.database.read() as connection:
        await _refuse_unknown(connection, principal, check_id)
        return await _availability(connection, check_id, since, until)


def _refuse_bad_span(from_at: datetime | None, to_at: datetime | None) -> None:
    for name, moment in (("startTime", from_at), ("endTime", to_at)):
        if moment is not None and moment < _EPOCH:
            raise Invalid(f"{name} (query) is not right: it lies before 1970.")
    if from_at and to_at and from_at > to_at:
        raise Invalid("startTime (query) is not right: it lies after endTime.")


async def _refuse_unknown(connection: AsyncConnection, principal: Principal, check_id: UUID) -> None:
    principal.must(Right.VIEW)
    stored = await load_check(connection, principal.account_id, check_id)
    if stored is None or stored.check.type is not CheckType.HEARTBEAT:
        raise NotFound(f"There is no heartbeat monitor {check_id}.")


async def _stats(connection: AsyncConnection, check_id: UUID, at: datetime) -> HeartbeatStats:
    return HeartbeatStats(
        last_24_hours=await _availability(connection, check_id, at - _DAY, at),
        last_7_days=await _availability(connection, check_id, at - 7 * _DAY, at),
    )


async def _availability(
    connection: AsyncConnection, check_id: UUID, since: datetime, until: datetime
) -> Availability:
    length = until - since
    before = since - length if length < since - _EPOCH else _EPOCH
    now = await store.count_events(connection, check_id, from_at=since, to_at=until)
    then = await store.count_events(connection, check_id, from_at=before, to_at=since)
    return Availability(_percent(now), _percent(then), now.total)


def _percent(count: EventCount) -> float | None:
    return round(100 * (count.total - count.failing) / count.total, 3) if count.total else None
