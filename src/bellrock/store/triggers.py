"""Triggers in SQL, found by a hash of their token, which is sealed by the caller and never seen here."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.triggers import Subject
from bellrock.store.config_tables import triggers


@dataclass(frozen=True, slots=True)
class StoredTrigger:
    """A trigger without its token, and the token sealed."""

    id: int
    account_id: UUID
    check_id: UUID | None
    group_id: int | None
    token_hash: bytes
    sealed_token: str
    created_at: datetime
    called_at: datetime | None


async def insert_trigger(
    connection: AsyncConnection,
    account_id: UUID,
    subject: Subject,
    *,
    token_hash: bytes,
    sealed_token: str,
    at: datetime,
) -> None:
    """Insert a trigger of a subject that has none."""
    of = {"check_id": subject} if isinstance(subject, UUID) else {"group_id": subject}
    token = {"token_hash": token_hash, "sealed_token": sealed_token}
    await connection.execute(
        insert(triggers).values({"account_id": account_id, "created_at": at, **token, **of})
    )


async def load_trigger(
    connection: AsyncConnection,
    subject: Subject,
    *,
    account_id: UUID | None = None,
    token_hash: bytes | None = None,
) -> StoredTrigger | None:
    """The trigger of a subject, where it is the account's, or has the token."""
    query = select(triggers).where(_of(subject))
    if account_id is not None:
        query = query.where(triggers.c.account_id == account_id)
    if token_hash is not None:
        query = query.where(triggers.c.token_hash == token_hash)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else StoredTrigger(**row._asdict())


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
