"""Private locations and their keys in SQL. A key is kept only as its SHA-256."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.private_locations import PrivateLocation, Wait
from bellrock.domain.runs import RunState
from bellrock.store.columns import Instant
from bellrock.store.config_tables import private_location_keys as keys
from bellrock.store.config_tables import private_locations as locations
from bellrock.store.tables import checks, runs
from bellrock.store.upsert import insert_if_new

_NAMES = [column.name for column in locations.c]
_CHANGEABLE = ("name", "icon", "proxy_url", "project_id", "logical_id", "updated_at")


@dataclass(frozen=True, slots=True)
class StoredLocationKey:
    """A key's row."""

    id: UUID
    location_id: UUID
    hash: bytes
    hint: str
    created_at: datetime


async def insert_location(connection: AsyncConnection, location: PrivateLocation) -> bool:
    """Insert a location. False: its slug is taken, by whichever account."""
    return await insert_if_new(connection, locations, {name: getattr(location, name) for name in _NAMES})


async def update_location(connection: AsyncConnection, location: PrivateLocation) -> None:
    """Write a location over the one with its id."""
    values = {name: getattr(location, name) for name in _CHANGEABLE}
    await connection.execute(update(locations).where(locations.c.id == location.id).values(values))


async def load_location(
    connection: AsyncConnection, account_id: UUID, location_id: UUID, *, to_change: bool = False
) -> PrivateLocation | None:
    """A location of the account, or None. ``to_change`` locks it until the transaction is over."""
    query = select(locations).where(locations.c.account_id == account_id, locations.c.id == location_id)
    row = (await connection.execute(query.with_for_update() if to_change else query)).one_or_none()
    return None if row is None else PrivateLocation(**row._mapping)  # noqa: SLF001


async def locations_of(connection: AsyncConnection, account_id: UUID) -> list[PrivateLocation]:
    """The account's locations, by name."""
    query = select(locations).where(locations.c.account_id == account_id)
    found = await connection.execute(query.order_by(func.lower(locations.c.name), locations.c.id))
    return [PrivateLocation(**row._mapping) for row in found]  # noqa: SLF001


async def owners_of_slugs(connection: AsyncConnection) -> dict[str, UUID]:
    """The account of every private location there is, by slug."""
    found = await connection.execute(select(locations.c.slug, locations.c.account_id))
    return {row.slug: row.account_id for row in found}


async def is_used_by_others(connection: AsyncConnection, account_id: UUID, location: str) -> bool:
    """Whether another account runs anything at a location of this name, which is shared as yet."""
    of = (runs.c.account_id != account_id, runs.c.location == location, runs.c.state != RunState.FINAL)
    if await connection.scalar(select(runs.c.id).where(*of).limit(1)) is not None:
        return True
    query = select(checks.c.locations).where(checks.c.account_id != account_id)
    return any(location in named for named in await connection.scalars(query))


async def lock_slugs(connection: AsyncConnection, slugs: Collection[str]) -> None:
    """Let nobody delete these locations until the transaction is over, which is about to use them."""
    if slugs:
        query = select(locations.c.id).where(locations.c.slug.in_(slugs)).order_by(locations.c.id)
        await connection.execute(query.with_for_update(read=True))


async def delete_location(connection: AsyncConnection, location_id: UUID) -> None:
    """Delete a location and its keys."""
    await connection.execute(delete(locations).where(locations.c.id == location_id))


async def insert_key(connection: AsyncConnection, key: StoredLocationKey) -> None:
    """Insert a key."""
    await connection.execute(
        insert(keys).values({column.name: getattr(key, column.name) for column in keys.c})
    )


async def keys_of(
    connection: AsyncConnection, location_ids: Collection[UUID]
) -> dict[UUID, list[StoredLocationKey]]:
    """The keys of each location, oldest first."""
    found: dict[UUID, list[StoredLocationKey]] = {location_id: [] for location_id in location_ids}
    query = select(keys).where(keys.c.location_id.in_(location_ids)).order_by(keys.c.created_at, keys.c.id)
    for row in await connection.execute(query):
        found[row.location_id].append(StoredLocationKey(**row._mapping))  # noqa: SLF001
    return found


async def find_key(
    connection: AsyncConnection, key_hash: bytes
) -> tuple[StoredLocationKey, PrivateLocation] | None:
    """The key with this SHA-256 and its location, or None."""
    row = (await connection.execute(select(keys).where(keys.c.hash == key_hash))).one_or_none()
    if row is None:
        return None
    key = StoredLocationKey(**row._mapping)  # noqa: SLF001
    query = select(locations).where(locations.c.id == key.location_id)
    location = (await connection.execute(query)).one()
    return key, PrivateLocation(**location._mapping)  # noqa: SLF001


async def delete_key(connection: AsyncConnection, location_id: UUID, key_id: UUID) -> bool:
    """Delete a key of a location. False: there was none."""
    of = (keys.c.location_id == location_id, keys.c.id == key_id)
    return (await connection.execute(delete(keys).where(*of))).rowcount == 1


async def waits_at(
    connection: AsyncConnection, location: PrivateLocation, *, start: datetime, end: datetime
) -> list[Wait]:
    """When runs of the location waited for their first runner, of those that waited between the two."""
    until = func.coalesce(runs.c.started_at, runs.c.stopped_at, type_=Instant())
    query = select(runs.c.queued_at, until).where(
        runs.c.account_id == location.account_id,
        runs.c.location == location.slug,
        runs.c.queued_at <= end,
        or_(until.is_(None), until > start),
    )
    return [Wait(*row) for row in await connection.execute(query)]
