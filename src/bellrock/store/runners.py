"""Runners in SQL: who said hello for which location, and when they were last heard of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.tables import runners
from bellrock.store.upsert import upsert
from bellrock.wire.messages import Hello

_FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StoredRunner:
    """A runner at one location."""

    runner_id: str
    location: str
    version: str
    slots: int
    busy_slots: int
    leftover_processes: int
    isolation: str
    guarantees: str
    orphans_swept: int
    started_at: datetime
    seen_at: datetime


async def save_hello(connection: AsyncConnection, hello: Hello, at: datetime) -> None:
    """Remember a runner, or what is new about it, and forget those of its location long gone.

    Only where another takes their place: a location stays known, and runners with new names at each
    start do not fill the table.
    """
    said = {
        "version": hello.version,
        "slots": hello.slots,
        "orphans_swept": hello.orphans_swept,
        "isolation": hello.isolation,
        "guarantees": hello.guarantees,
        "started_at": hello.started_at,
        "seen_at": at,
    }
    key = {"runner_id": hello.runner_id, "location": hello.location}
    # A second hello follows a silence of the same runner: what its heartbeats said still stands.
    await upsert(connection, runners, key, said, at_first={"busy_slots": 0, "leftover_processes": 0})
    gone = (runners.c.location == hello.location, runners.c.seen_at < at - _FORGOTTEN_AFTER)
    await connection.execute(delete(runners).where(*gone))


async def save_seen(
    connection: AsyncConnection,
    runner_id: str,
    location: str,
    *,
    busy_slots: int,
    leftover_processes: int,
    at: datetime,
) -> None:
    """Note that a runner was heard of."""
    await connection.execute(
        update(runners)
        .where(runners.c.runner_id == runner_id, runners.c.location == location)
        .values(busy_slots=busy_slots, leftover_processes=leftover_processes, seen_at=at)
    )


async def all_runners(connection: AsyncConnection) -> list[StoredRunner]:
    """Every runner that ever said hello, by location."""
    query = select(runners).order_by(runners.c.location, runners.c.runner_id)
    return [StoredRunner(**row._mapping) for row in await connection.execute(query)]  # noqa: SLF001


async def locations_seen(connection: AsyncConnection, since: datetime | None = None) -> set[str]:
    """Locations that a runner served, ever or since a time."""
    query = select(runners.c.location).distinct()
    if since is not None:
        query = query.where(runners.c.seen_at >= since)
    return set(await connection.scalars(query))
