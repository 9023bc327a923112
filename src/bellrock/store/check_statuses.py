"""The newest results of checks in SQL: what their status is made of.

Nothing is kept for this: each check costs one step into the index of its results, at its newest end. Only
results that do not count (cancelled ones, those of test sessions) are stepped over. A row per check, kept by
whoever writes results, would be cheaper to read; but results are written far more often than statuses are
read.
"""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, case, func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.check_status import Finding
from bellrock.domain.outcomes import Verdict
from bellrock.domain.sessions import SessionKind
from bellrock.domain.specs import CheckType
from bellrock.store.tables import checks, heartbeat_events, heartbeats, results, sessions

_MOST_AT_ONCE = 500
_KIND = select(sessions.c.kind).where(sessions.c.id == results.c.session_id).scalar_subquery()
IS_FINAL = and_(results.c.result_type == "FINAL", results.c.verdict != Verdict.CANCELLED)
COUNTS = and_(IS_FINAL, _KIND == SessionKind.CHECK)
"""Whether a result says something about its check: the end of a run of the check's own, not cancelled."""


@dataclass(frozen=True, slots=True)
class NewestFinding:
    """A check with its newest result. The session of that result has ``locations``, and may be open yet."""

    check_id: UUID
    name: str
    check_created_at: datetime
    finding: Finding
    ssl_days: float | None
    session_id: UUID
    locations: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class HeartbeatNow:
    """A heartbeat monitor that was pinged before, and when something last happened to it."""

    check_id: UUID
    name: str
    check_created_at: datetime
    failing: bool
    at: datetime


def _newest_id(*conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    newest = select(results.c.id).where(results.c.check_id == checks.c.id, COUNTS, *conditions)
    by_age = newest.order_by(results.c.created_at.desc(), results.c.id.desc()).limit(1)
    return by_age.correlate(checks).scalar_subquery()


_DAYS = case((checks.c.type == CheckType.SSL, results.c.details["daysUntilExpiry"]), else_=null())
_FINDING = [
    results.c[name] for name in ("run_id", "attempt", "location", "verdict", "response_time_ms", "created_at")
]


async def newest_findings(
    connection: AsyncConnection, account_id: UUID, check_ids: Collection[UUID] | None = None
) -> list[NewestFinding]:
    """The checks of the account (of those named) that have a result, by name, with the newest of each."""
    query = (
        select(
            checks.c.name,
            checks.c.created_at.label("check_created_at"),
            *_FINDING,
            results.c.check_id,
            results.c.session_id,
            sessions.c.locations,
            sessions.c.stopped_at,
            _DAYS.label("ssl_days"),
        )
        .select_from(checks)
        .join(results, results.c.id == _newest_id())
        .join(sessions, sessions.c.id == results.c.session_id)
        .where(checks.c.account_id == account_id)
        .order_by(checks.c.name, checks.c.id)
    )
    newest: list[NewestFinding] = []
    found = await connection.execute(_of(query, check_ids))
    for part in found.mappings().partitions(_MOST_AT_ONCE):
        newest += map(_newest, part)
        await asyncio.sleep(0)  # rows of ten thousand checks take a while: others get their turn
    return newest


async def findings_of_sessions(
    connection: AsyncConnection, session_ids: Collection[UUID]
) -> dict[UUID, list[Finding]]:
    """What the ended runs of sessions found, by session. Nothing for a session without any."""
    found: dict[UUID, list[Finding]] = {}
    for chunk in _chunks(session_ids):
        query = select(*_FINDING, results.c.session_id).where(results.c.session_id.in_(chunk), IS_FINAL)
        for row in (await connection.execute(query)).mappings():
            found.setdefault(row["session_id"], []).append(_finding(row))
    return found


async def sessions_before(connection: AsyncConnection, newest: Collection[NewestFinding]) -> dict[UUID, UUID]:
    """By check, the session with a result that came before the session of the newest one."""
    before: dict[UUID, UUID] = {}
    sessions_of = {each.check_id: each.session_id for each in newest}
    for chunk in _chunks(sessions_of):
        others = results.c.session_id.not_in([sessions_of[check_id] for check_id in chunk])
        query = (
            select(results.c.check_id, results.c.session_id)
            .select_from(checks)
            .join(results, results.c.id == _newest_id(others))
            .where(checks.c.id.in_(chunk))
        )
        before |= {row.check_id: row.session_id for row in await connection.execute(query)}
    return before


async def heartbeats_now(
    connection: AsyncConnection, account_id: UUID, check_ids: Collection[UUID] | None = None
) -> list[HeartbeatNow]:
    """The heartbeat monitors of the account (of those named) that know a ping, by name."""
    last = (
        select(func.max(heartbeat_events.c.at))
        .where(heartbeat_events.c.check_id == heartbeats.c.check_id)
        .correlate(heartbeats)
        .scalar_subquery()
    )
    query = (
        select(
            heartbeats.c.check_id,
            checks.c.name,
            checks.c.created_at.label("check_created_at"),
            heartbeats.c.failing,
            func.coalesce(last, heartbeats.c.last_ping_at, type_=heartbeat_events.c.at.type).label("at"),
        )
        .join(checks, checks.c.id == heartbeats.c.check_id)
        .where(checks.c.account_id == account_id, heartbeats.c.last_ping_at.is_not(None))
        .order_by(checks.c.name, checks.c.id)
    )
    return [HeartbeatNow(**row._mapping) for row in await connection.execute(_of(query, check_ids))]  # noqa: SLF001


def _of(query: Select[Any], check_ids: Collection[UUID] | None) -> Select[Any]:
    return query if check_ids is None else query.where(checks.c.id.in_(check_ids))


def _chunks(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    listed = list(ids)
    for start in range(0, len(listed), _MOST_AT_ONCE):
        yield listed[start : start + _MOST_AT_ONCE]


def _finding(of: RowMapping) -> Finding:
    return Finding(**{column.name: of[column.name] for column in _FINDING})


def _newest(of: RowMapping) -> NewestFinding:
    days = of["ssl_days"]
    return NewestFinding(
        of["check_id"],
        of["name"],
        of["check_created_at"],
        finding=_finding(of),
        ssl_days=days if isinstance(days, int | float) else None,
        session_id=of["session_id"],
        locations=of["locations"],
        is_open=of["stopped_at"] is None,
    )
