"""What the scheduler reads and writes beside runs: schedules of checks, checks in progress, missed ticks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.schedule import Missed, Schedule, Ticks, interval_s
from bellrock.domain.sessions import SessionKind
from bellrock.domain.specs import CheckType
from bellrock.store.many import one_of
from bellrock.store.tables import checks, missed_ticks, runs, sessions

_SLIM = select(
    checks.c.id,
    checks.c.activated,
    checks.c.frequency_min,
    checks.c.frequency_offset_s,
    checks.c.created_at,
    checks.c.updated_at,
    checks.c.activated_at,
).where(checks.c.type.in_(bindparam("types", expanding=True)))
_NEXT_PAGE = _SLIM.where(checks.c.id > bindparam("after_id", type_=checks.c.id.type)).order_by(checks.c.id)
_FIRST_PAGE = _SLIM.order_by(checks.c.id)
_CHANGED = _SLIM.where(
    or_(
        checks.c.created_at >= bindparam("since", type_=checks.c.created_at.type),
        checks.c.updated_at >= bindparam("since", type_=checks.c.updated_at.type),
    )
)
# The condition is spelled out as the index has it: a database must see that it may use that.
_IN_PROGRESS = (
    select(runs.c.check_id)
    .distinct()
    .join(sessions, sessions.c.id == runs.c.session_id)
    .where(
        one_of(runs.c.check_id, "check_ids"),
        text("runs.state != 'final'"),
        sessions.c.kind == SessionKind.CHECK,
    )
)
_KNOWN_SESSIONS = select(sessions.c.id).where(one_of(sessions.c.id, "ids"))


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A check's schedule, None where it has none, and when the check was changed last."""

    check_id: UUID
    schedule: Schedule | None
    changed_at: datetime


async def schedules_page(
    connection: AsyncConnection, types: Collection[CheckType], *, after_id: UUID | None, limit: int
) -> list[StoredSchedule]:
    """Schedules of all checks of some types, in the order of their ids, from after one of them."""
    values = {"types": list(types)}
    if after_id is None:
        return [_schedule(row) for row in await connection.execute(_FIRST_PAGE.limit(limit), values)]
    found = await connection.execute(_NEXT_PAGE.limit(limit), values | {"after_id": after_id})
    return [_schedule(row) for row in found]


async def schedules_changed(
    connection: AsyncConnection, types: Collection[CheckType], since: datetime
) -> list[StoredSchedule]:
    """Schedules of checks of some types that were created or changed since then."""
    found = await connection.execute(_CHANGED, {"types": list(types), "since": since})
    return [_schedule(row) for row in found]


async def checks_in_progress(connection: AsyncConnection, check_ids: Collection[UUID]) -> set[UUID]:
    """Those of the checks that have an open run, whoever started it. Runs of test sessions do not count."""
    return set(await connection.scalars(_IN_PROGRESS, {"check_ids": check_ids})) if check_ids else set()


async def known_sessions(connection: AsyncConnection, ids: Collection[UUID]) -> set[UUID]:
    """Those of the sessions that exist."""
    return set(await connection.scalars(_KNOWN_SESSIONS, {"ids": ids})) if ids else set()


async def add_missed(connection: AsyncConnection, missed: Sequence[tuple[Ticks, Missed]]) -> None:
    """Add missed ticks to what is known of their checks: one row per check and reason, however many."""
    if not missed:
        return
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(missed_ticks)
    statement = new.on_conflict_do_update(
        index_elements=["check_id", "reason"],
        set_={
            "last_at": new.excluded.last_at,
            "number": missed_ticks.c.number + new.excluded.number,
        },
    )
    rows = [
        {
            "check_id": ticks.check_id,
            "reason": reason,
            "first_at": ticks.first_at,
            "last_at": ticks.last_at,
            "number": ticks.number,
        }
        for ticks, reason in missed
    ]
    await connection.execute(statement, rows)


async def missed_of(connection: AsyncConnection, check_id: UUID) -> dict[Missed, Ticks]:
    """The ticks that a check missed, by reason."""
    found = await connection.execute(select(missed_ticks).where(missed_ticks.c.check_id == check_id))
    return {row.reason: Ticks(row.check_id, row.first_at, row.last_at, row.number) for row in found}


async def count_missed(connection: AsyncConnection) -> int:
    """How many ticks were missed in all."""
    query = select(func.coalesce(func.sum(missed_ticks.c.number), 0))
    return int((await connection.execute(query)).scalar_one())


def _schedule(row: Row[*tuple[Any, ...]]) -> StoredSchedule:
    check_id, activated, frequency_min, offset_s, created_at, updated_at, activated_at = row
    schedule = None
    if activated:
        schedule = Schedule(check_id, interval_s(frequency_min, offset_s), created_at, activated_at)
    return StoredSchedule(check_id, schedule, updated_at or created_at)
