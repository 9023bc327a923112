"""Heartbeat monitors in SQL: the timer of each, and what happened to it.

A timer is written only under its lock, so that pings, alerts and changes of a monitor come one by one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.heartbeats import HeartbeatEvent, PingState, Timer
from bellrock.store.columns import Instant
from bellrock.store.tables import heartbeat_events, heartbeats

_TIMER = ("period_s", "grace_s", "activated", "due_at", "failing", "last_ping_at")

# Built once: SQLAlchemy takes longer to build such a statement than the database to carry it out.
# In the order of their ids, as everybody locks them: else two transactions wait for each other.
_LOCK = select(heartbeats).order_by(heartbeats.c.check_id).with_for_update()
_LOCK_BY_TOKEN = _LOCK.where(heartbeats.c.token.in_(bindparam("tokens", expanding=True)))
_LOCK_BY_CHECK = _LOCK.where(heartbeats.c.check_id.in_(bindparam("check_ids", expanding=True)))
_KNOWN = select(heartbeats.c.token).where(heartbeats.c.token.in_(bindparam("tokens", expanding=True)))
_OVERDUE = (
    select(heartbeats.c.check_id)
    .where(heartbeats.c.mark_at <= bindparam("at", type_=Instant))
    .order_by(heartbeats.c.mark_at)
    .limit(bindparam("most"))
)
_SAVE = (
    update(heartbeats)
    .where(heartbeats.c.check_id == bindparam("of_check"))
    .values({name: bindparam(f"new_{name}", type_=heartbeats.c[name].type) for name in (*_TIMER, "mark_at")})
)
_ADD_EVENTS = insert(heartbeat_events)


@dataclass(frozen=True, slots=True)
class StoredHeartbeat:
    """The timer of a monitor, and the token of its ping URL."""

    check_id: UUID
    token: str
    timer: Timer


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many events there are of a time, and how many of them are missed pings."""

    total: int
    failing: int


async def insert_heartbeat(connection: AsyncConnection, stored: StoredHeartbeat) -> None:
    """Insert the timer of a new monitor."""
    values = {"check_id": stored.check_id, "token": stored.token, **_values(stored.timer)}
    await connection.execute(insert(heartbeats).values(values))


async def change_token(connection: AsyncConnection, check_id: UUID, token: str) -> None:
    """Give a monitor another ping URL."""
    of_check = heartbeats.c.check_id == check_id
    await connection.execute(update(heartbeats).where(of_check).values(token=token))


async def check_with_token(connection: AsyncConnection, token: str) -> UUID | None:
    """Whose ping URL has the token."""
    query = select(heartbeats.c.check_id).where(heartbeats.c.token == token)
    found: UUID | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def known_tokens(connection: AsyncConnection, tokens: Collection[str]) -> set[str]:
    """Those of the tokens that a monitor has."""
    return set((await connection.execute(_KNOWN, {"tokens": list(tokens)})).scalars())


async def lock_by_token(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, StoredHeartbeat]:
    """The monitors that have the tokens. Nobody else writes their timers until the transaction is over."""
    found = await connection.execute(_LOCK_BY_TOKEN, {"tokens": list(tokens)})
    return {row.token: _stored(row) for row in found}


async def lock_by_check(connection: AsyncConnection, check_ids: Collection[UUID]) -> list[StoredHeartbeat]:
    """The monitors with these ids, locked in the same way."""
    found = await connection.execute(_LOCK_BY_CHECK, {"check_ids": list(check_ids)})
    return [_stored(row) for row in found]


async def overdue_heartbeats(connection: AsyncConnection, at: datetime, *, limit: int) -> list[UUID]:
    """Monitors whose ping is missed by now, the longest missed first."""
    return list((await connection.execute(_OVERDUE, {"at": at, "most": limit})).scalars())


async def save_timers(connection: AsyncConnection, changed: Sequence[StoredHeartbeat]) -> None:
    """Write timers that this transaction has locked."""
    if not changed:
        return
    rows = [
        {f"new_{name}": value for name, value in _values(each.timer).items()} | {"of_check": each.check_id}
        for each in changed
    ]
    await connection.execute(_SAVE, rows)


async def insert_events(connection: AsyncConnection, events: Sequence[HeartbeatEvent]) -> None:
    """Insert events."""
    if not events:
        return
    names = heartbeat_events.c.keys()
    await connection.execute(_ADD_EVENTS, [{name: getattr(each, name) for name in names} for each in events])


async def find_events(
    connection: AsyncConnection,
    check_id: UUID,
    *,
    from_at: datetime | None,
    to_at: datetime | None,
    limit: int,
) -> list[HeartbeatEvent]:
    """Events of a monitor, newest first."""
    column = heartbeat_events.c
    conditions: list[ColumnElement[bool]] = [column.check_id == check_id]
    if from_at is not None:
        conditions.append(column.at >= from_at)
    if to_at is not None:
        conditions.append(column.at <= to_at)
    query = select(heartbeat_events).where(*conditions).order_by(column.at.desc(), column.id.desc())
    return [HeartbeatEvent(**row._mapping) for row in await connection.execute(query.limit(limit))]  # noqa: SLF001


async def load_event(connection: AsyncConnection, event_id: UUID) -> HeartbeatEvent | None:
    """An event, or None."""
    query = select(heartbeat_events).where(heartbeat_events.c.id == event_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else HeartbeatEvent(**row._mapping)  # noqa: SLF001


async def count_events(
    connection: AsyncConnection, check_id: UUID, *, from_at: datetime, to_at: datetime
) -> EventCount:
    """How many events a monitor has after one moment and until another."""
    column = heartbeat_events.c
    failing = func.sum(case((column.state == PingState.FAILING, 1), else_=0))
    query = select(func.count(), func.coalesce(failing, 0)).where(
        column.check_id == check_id, column.at > from_at, column.at <= to_at
    )
    total, missed = (await connection.execute(query)).one()
    return EventCount(total, missed)


async def count_events_by_state(
    connection: AsyncConnection, check_id: UUID, *, from_at: datetime, to_at: datetime
) -> dict[PingState, int]:
    """How many events of each kind a monitor has after one moment and until another."""
    column = heartbeat_events.c
    query = select(column.state, func.count().label("number")).where(
        column.check_id == check_id, column.at > from_at, column.at <= to_at
    )
    found = await connection.execute(query.group_by(column.state))
    return {row.state: row.number for row in found}


async def count_events_of_many(
    connection: AsyncConnection, check_ids: Collection[UUID], *, from_at: datetime, to_at: datetime
) -> dict[UUID, EventCount]:
    """The same for many monitors, by monitor; nothing of those without events."""
    column = heartbeat_events.c
    failing = func.sum(case((column.state == PingState.FAILING, 1), else_=0))
    query = (
        select(column.check_id, func.count(), failing)
        .where(column.check_id.in_(check_ids), column.at > from_at, column.at <= to_at)
        .group_by(column.check_id)
    )
    return {
        check_id: EventCount(total, missed) for check_id, total, missed in await connection.execute(query)
    }


async def forget_events(connection: AsyncConnection, before: datetime, *, limit: int) -> int:
    """Remove events of before a moment, at most ``limit`` of them; how many that were."""
    column = heartbeat_events.c
    # Ids sort by time. No index on the time alone: every ping would have to write it.
    oldest = select(column.id, column.at).order_by(column.id).limit(limit).subquery()
    old = select(oldest.c.id).where(oldest.c.at < before)
    return (await connection.execute(delete(heartbeat_events).where(column.id.in_(old)))).rowcount


def _values(timer: Timer) -> dict[str, Any]:
    return {name: getattr(timer, name) for name in _TIMER} | {"mark_at": timer.mark_at}


def _stored(row: Row[Any]) -> StoredHeartbeat:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    timer = Timer(**{name: of[name] for name in _TIMER})
    return StoredHeartbeat(of["check_id"], of["token"], timer)
