"""Sessions in SQL. Their status is written once, by whoever ends their last run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.sessions import Session, SessionKind
from bellrock.store.new_rows import NewRows
from bellrock.store.tables import sessions

_COLUMNS = [column for column in sessions.c if column.name != "branch"]
_NAMES = [column.name for column in _COLUMNS]
_values = attrgetter(*_NAMES)
_NEW = NewRows(sessions, [*_NAMES, "branch"])

# Built once: SQLAlchemy takes longer to build such a statement than the database to carry it out.
_BY_ID = select(*_COLUMNS).where(sessions.c.id == bindparam("of_session"))
_BY_IDS = select(*_COLUMNS).where(sessions.c.id.in_(bindparam("session_ids", expanding=True)))
_LOCK = select(sessions.c.kind).where(sessions.c.id == bindparam("of_session")).with_for_update()
_FREEZE = (
    update(sessions)
    .where(sessions.c.id == bindparam("of_session"), sessions.c.status.is_(None))
    .values(
        status=bindparam("new_status", type_=sessions.c.status.type),
        stopped_at=bindparam("new_stopped_at", type_=sessions.c.stopped_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions. ``statuses`` are frozen ones; ``open`` adds those without. ``before``: a cursor."""

    account_id: UUID
    kind: SessionKind | None = None
    statuses: tuple[str, ...] = ()
    open: bool = False
    branches: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    no_users: bool = False
    providers: tuple[str, ...] = ()
    text: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    check_id: UUID | None = None
    session_ids: frozenset[UUID] | None = None
    before: tuple[datetime, UUID] | None = None


async def insert_sessions(connection: AsyncConnection, new: Sequence[Session]) -> None:
    """Insert sessions. Their runs follow in the same transaction."""
    await _NEW.insert(connection, [(*_values(each), each.git.branch_name) for each in new])


async def load_session(connection: AsyncConnection, session_id: UUID) -> Session | None:
    """A session, or None."""
    row = (await connection.execute(_BY_ID, {"of_session": session_id})).one_or_none()
    return None if row is None else _session(row)


async def load_sessions(connection: AsyncConnection, session_ids: Collection[UUID]) -> dict[UUID, Session]:
    """The sessions that exist of those named."""
    found = await connection.execute(_BY_IDS, {"session_ids": list(session_ids)})
    return {row.id: _session(row) for row in found}


async def session_of_suite(connection: AsyncConnection, account_id: UUID, suite_id: str) -> UUID | None:
    """The newest session of the account that was started under this suite's id."""
    query = select(sessions.c.id).where(sessions.c.account_id == account_id, sessions.c.suite_id == suite_id)
    return await connection.scalar(query.order_by(sessions.c.started_at.desc()).limit(1))


async def lock_session(connection: AsyncConnection, session_id: UUID) -> SessionKind | None:
    """Keep others from ending runs of this session until the transaction is over; its kind.

    Two transactions that end the last two runs at once would each see the other's run open, and
    neither would write the session's status. On SQLite every writer is alone anyway.
    """
    return await connection.scalar(_LOCK, {"of_session": session_id})


async def freeze_session(
    connection: AsyncConnection, session_id: UUID, *, status: str, stopped_at: datetime
) -> bool:
    """Write the terminal status, unless there is one."""
    values = {"of_session": session_id, "new_status": status, "new_stopped_at": stopped_at}
    return (await connection.execute(_FREEZE, values)).rowcount == 1


async def find_sessions(connection: AsyncConnection, wanted: SessionFilter, *, limit: int) -> list[Session]:
    """Recorded sessions, newest first."""
    query = (
        select(*_COLUMNS)
        .where(sessions.c.account_id == wanted.account_id, sessions.c.recorded, *_conditions(wanted))
        .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
        .limit(limit)
    )
    return [_session(row) for row in await connection.execute(query)]


def _conditions(wanted: SessionFilter) -> list[ColumnElement[bool]]:
    column = sessions.c
    pairs = [
        (wanted.kind, column.kind == wanted.kind),
        (wanted.branches, column.branch.in_(wanted.branches)),
        (wanted.users, column.started_by.in_(wanted.users)),
        (wanted.no_users, column.started_by.is_(None)),
        (wanted.providers, column.provider.in_(wanted.providers)),
        (wanted.text, column.name.icontains(wanted.text or "", autoescape=True)),
        (wanted.from_at, column.started_at >= wanted.from_at if wanted.from_at else None),
        (wanted.to_at, column.started_at <= wanted.to_at if wanted.to_at else None),
        (wanted.check_id, column.check_id == wanted.check_id),
    ]
    conditions = [condition for asked, condition in pairs if asked and condition is not None]
    if wanted.statuses or wanted.open:
        named = column.status.in_(wanted.statuses)
        conditions.append(or_(named, column.status.is_(None)) if wanted.open else named)
    if wanted.session_ids is not None:
        conditions.append(column.id.in_(wanted.session_ids))
    if wanted.before:
        started_at, session_id = wanted.before
        conditions.append(_older_than(started_at, session_id))
    return conditions


def _older_than(started_at: datetime, session_id: UUID) -> ColumnElement[bool]:
    column = sessions.c
    same_moment = and_(column.started_at == started_at, column.id < session_id)
    return or_(column.started_at < started_at, same_moment)


def _session(row: Row[Any]) -> Session:
    return Session(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
