"""Leases in SQL: which of many servers does some work alone, and how far it is done.

A lease is taken when nobody's is running. Whoever has it moves ``done_until`` on by compare-and-set, in the
transaction that did the work: a holder that was away and comes back finds it moved, and has done nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.tables import leases

_LONGEST = timedelta(minutes=1)
_BY_NAME = select(leases).where(leases.c.name == bindparam("of_name"))
_KEEP = (
    update(leases)
    .where(
        leases.c.name == bindparam("of_name"),
        leases.c.holder == bindparam("by"),
        leases.c.done_until == bindparam("seen", type_=leases.c.done_until.type),
    )
    .values(
        until=bindparam("new_until", type_=leases.c.until.type),
        done_until=bindparam("new_done_until", type_=leases.c.done_until.type),
    )
)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has the work, until when, and until when it is done."""

    name: str
    holder: str
    until: datetime
    done_until: datetime

    def is_over(self, at: datetime) -> bool:
        """Whether it can be taken. An end further ahead than any lease is long was set by a wrong clock."""
        return self.until <= at or self.until > at + _LONGEST


async def load_lease(connection: AsyncConnection, name: str) -> Lease | None:
    """The lease, None where nobody ever had it."""
    row = (await connection.execute(_BY_NAME, {"of_name": name})).one_or_none()
    return None if row is None else Lease(**row._mapping)  # noqa: SLF001 - its public name


async def take_lease(
    connection: AsyncConnection, name: str, holder: str, *, at: datetime, lease_s: float
) -> Lease | None:
    """Take the lease if it is over. Taken for the first time ever, the work is done until now."""
    until = at + timedelta(seconds=lease_s)
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(leases).values(name=name, holder=holder, until=until, done_until=at)
    await connection.execute(first.on_conflict_do_nothing())
    can_be_taken = or_(leases.c.until <= at, leases.c.until > at + _LONGEST, leases.c.holder == holder)
    taken = update(leases).where(leases.c.name == name, can_be_taken).values(holder=holder, until=until)
    if (await connection.execute(taken)).rowcount != 1:
        return None
    return await load_lease(connection, name)


async def keep_lease(
    connection: AsyncConnection, lease: Lease, *, until: datetime, done_until: datetime
) -> bool:
    """Hold the lease longer and say how far the work is done now. False: it is somebody else's."""
    values = {"of_name": lease.name, "by": lease.holder, "seen": lease.done_until}
    values |= {"new_until": until, "new_done_until": done_until}
    return (await connection.execute(_KEEP, values)).rowcount == 1
