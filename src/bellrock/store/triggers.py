"""Triggers in SQL: who knows the token of one may start a check, or the checks of a group."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.triggers import Subject, Trigger
from bellrock.store.config_tables import triggers


async def insert_trigger(
    connection: AsyncConnection, account_id: UUID, subject: Subject, *, token: str, at: datetime
) -> None:
    """Insert a trigger of a subject that has none."""
    of = {"check_id": subject} if isinstance(subject, UUID) else {"group_id": subject}
    values = {"account_id": account_id, "token": token, "created_at": at, **of}
    await connection.execute(insert(triggers).values(values))


async def load_trigger(
    connection: AsyncConnection, subject: Subject, *, account_id: UUID | None = None, token: str | None = None
) -> Trigger | None:
    """The trigger of a subject, where it is the account's, or has the token."""
    query = select(triggers).where(_of(subject))
    if account_id is not None:
        query = query.where(triggers.c.account_id == account_id)
    if token is not None:
        query = query.where(triggers.c.token == token)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _stored(row)


async def note_call(connection: AsyncConnection, trigger_id: int, at: datetime) -> None:
    """Somebody used a trigger."""
    await connection.execute(update(triggers).where(triggers.c.id == trigger_id).values(called_at=at))


async def delete_trigger(connection: AsyncConnection, account_id: UUID, subject: Subject) -> bool:
    """Delete a trigger. False: there was none."""
    statement = delete(triggers).where(_of(subject), triggers.c.account_id == account_id)
    return (await connection.execute(statement)).rowcount == 1


def _of(subject: Subject) -> ColumnElement[bool]:
    column = triggers.c
    return column.check_id == subject if isinstance(subject, UUID) else column.group_id == subject


def _stored(row: Row[Any]) -> Trigger:
    return Trigger(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
