"""Ticks of monitors on their way: handed out together, and gone from here once all are reported."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.schedule import Tick, tick_at
from bellrock.store.columns import Instant
from bellrock.store.tables import tick_batches

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BY_ID = select(tick_batches).where(tick_batches.c.id == bindparam("batch_id")).with_for_update()
_TAKE = (
    update(tick_batches)
    .where(
        tick_batches.c.id == bindparam("batch_id"),
        tick_batches.c.location == bindparam("at_location"),
        or_(
            tick_batches.c.token.is_(None),
            tick_batches.c.token == bindparam("by", type_=tick_batches.c.token.type),
        ),
    )
    .values(
        token=bindparam("by", type_=tick_batches.c.token.type),
        runner_id=bindparam("by_runner"),
        lease_until=bindparam("until", type_=tick_batches.c.lease_until.type),
    )
)

_UNTAKEN = and_(
    tick_batches.c.token.is_(None), tick_batches.c.offered_at <= bindparam("offered_before", type_=Instant())
)
_IDLE = (
    select(tick_batches.c.id)
    .where(or_(_UNTAKEN, tick_batches.c.lease_until <= bindparam("at", type_=Instant())))
    .order_by(tick_batches.c.offered_at)
    .limit(bindparam("most", type_=Integer()))
)


@dataclass(frozen=True, slots=True)
class TickBatch:
    """Ticks that go to one runner of a location. ``token`` is that of the runner that has them."""

    id: UUID
    location: str
    ticks: tuple[Tick, ...]
    offered_at: datetime
    token: UUID | None = None
    runner_id: str | None = None
    lease_until: datetime | None = None


async def insert_batches(connection: AsyncConnection, new: Sequence[TickBatch]) -> None:
    """Insert batches that nobody has."""
    rows = [
        {
            "id": each.id,
            "location": each.location,
            "ticks": _as_json(each.ticks),
            "offered_at": each.offered_at,
        }
        for each in new
    ]
    await connection.execute(insert(tick_batches), rows)


async def lock_batch(connection: AsyncConnection, batch_id: UUID) -> TickBatch | None:
    """A batch, kept from others until the transaction is over. None where it is gone."""
    row = (await connection.execute(_BY_ID, {"batch_id": batch_id})).one_or_none()
    return None if row is None else _batch(row)


async def take_batch(
    connection: AsyncConnection,
    batch_id: UUID,
    location: str,
    *,
    token: UUID,
    runner_id: str,
    until: datetime,
) -> bool:
    """Give a batch to a runner, unless another has it."""
    values = {"batch_id": batch_id, "at_location": location, "by": token, "by_runner": runner_id}
    return (await connection.execute(_TAKE, values | {"until": until})).rowcount == 1


async def keep_ticks(connection: AsyncConnection, batch_id: UUID, ticks: Sequence[Tick]) -> None:
    """Leave only these in the batch. Under its lock."""
    await connection.execute(
        update(tick_batches).where(tick_batches.c.id == batch_id).values(ticks=_as_json(ticks))
    )


async def extend_batch(connection: AsyncConnection, batch_id: UUID, until: datetime) -> None:
    """The runner keeps the batch. Under its lock."""
    await connection.execute(
        update(tick_batches).where(tick_batches.c.id == batch_id).values(lease_until=until)
    )


async def offer_batch_again(
    connection: AsyncConnection, batch_id: UUID, ticks: Sequence[Tick], at: datetime
) -> None:
    """Take the batch, with what is left of it, from whoever had it. Under its lock."""
    values = {"ticks": _as_json(ticks), "offered_at": at, "token": None, "runner_id": None}
    await connection.execute(
        update(tick_batches).where(tick_batches.c.id == batch_id).values(values | {"lease_until": None})
    )


async def delete_batch(connection: AsyncConnection, batch_id: UUID) -> None:
    """All is reported, or given up."""
    await connection.execute(delete(tick_batches).where(tick_batches.c.id == batch_id))


async def idle_batches(
    connection: AsyncConnection, at: datetime, *, offered_before: datetime, limit: int
) -> list[UUID]:
    """Batches that nobody took since then, and those whose runner is silent; the longest untold first."""
    values = {"at": at, "offered_before": offered_before, "most": limit}
    return list(await connection.scalars(_IDLE, values))


async def ticks_on_their_way(connection: AsyncConnection, check_ids: Collection[UUID]) -> list[Tick]:
    """Ticks of the checks that were handed out and are not all reported yet."""
    wanted = {check_id.hex for check_id in check_ids}
    found = await connection.scalars(select(tick_batches.c.ticks))
    return [tick for ticks in found for tick in _from_json([each for each in ticks if each[0] in wanted])]


def _as_json(ticks: Sequence[Tick]) -> list[list[Any]]:
    return [[tick.check_id.hex, (tick.due_at - _EPOCH) // _MICROSECOND] for tick in ticks]


def _from_json(ticks: list[list[Any]]) -> tuple[Tick, ...]:
    return tuple(tick_at(check_id, due_us) for check_id, due_us in ticks)


def _batch(row: Row[Any]) -> TickBatch:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return TickBatch(**{**of, "ticks": _from_json(of["ticks"])})
