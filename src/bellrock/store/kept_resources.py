"""Kept things in SQL. Secret parts of bodies are sealed by the caller: here they are never seen in clear."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.store.config_tables import kept_resources as kept

_NAMES = [column.name for column in kept.c if column.name != "sealed_body"]


@dataclass(frozen=True, slots=True)
class StoredKept:
    """A kept thing without the secret parts of its body, and those sealed."""

    resource: KeptResource
    sealed_body: str | None


async def insert_kept(connection: AsyncConnection, stored: StoredKept) -> StoredKept:
    """Insert a thing; it comes back with its number, whatever it had."""
    values = {name: value for name, value in _values(stored).items() if name != "number"}
    made = await connection.execute(insert(kept).values(values).returning(kept.c.number))
    return replace(stored, resource=replace(stored.resource, number=made.scalar_one()))


async def update_kept(connection: AsyncConnection, stored: StoredKept) -> None:
    """Write a thing over the one with its id."""
    await connection.execute(update(kept).where(kept.c.id == stored.resource.id).values(_values(stored)))


async def load_kept(
    connection: AsyncConnection,
    account_id: UUID,
    kind: KeptKind,
    key: UUID | int,
    *,
    to_change: bool = False,
) -> StoredKept | None:
    """A thing of the account by its id or number, or None. ``to_change`` locks it in this transaction."""
    column = kept.c.number if isinstance(key, int) else kept.c.id
    query = select(kept).where(kept.c.account_id == account_id, kept.c.kind == kind, column == key)
    row = (await connection.execute(query.with_for_update() if to_change else query)).one_or_none()
    return None if row is None else _stored(row)


async def kept_of_kind(
    connection: AsyncConnection, kind: KeptKind, account_id: UUID | None = None
) -> list[StoredKept]:
    """All things of a kind in the order they were made: the account's, or everybody's."""
    query = select(kept).where(kept.c.kind == kind).order_by(kept.c.number)
    if account_id is not None:
        query = query.where(kept.c.account_id == account_id)
    return [_stored(row) for row in await connection.execute(query)]


async def kept_of_account(connection: AsyncConnection, account_id: UUID) -> list[StoredKept]:
    """All things of the account in the order they were made."""
    query = select(kept).where(kept.c.account_id == account_id).order_by(kept.c.number)
    return [_stored(row) for row in await connection.execute(query)]


async def kept_of_project(
    connection: AsyncConnection, account_id: UUID, project_id: str, *, kind: KeptKind
) -> dict[str, StoredKept]:
    """The project's things of a kind by logical id, in the order they were made."""
    query = select(kept).where(
        kept.c.account_id == account_id, kept.c.kind == kind, kept.c.project_id == project_id
    )
    found = [_stored(row) for row in await connection.execute(query.order_by(kept.c.number))]
    return {each.resource.logical_id or "": each for each in found}


async def delete_kept(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Delete things."""
    await connection.execute(delete(kept).where(kept.c.id.in_(ids)))


async def detach_kept(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Keep things without their project."""
    await connection.execute(update(kept).where(kept.c.id.in_(ids)).values(project_id=None, logical_id=None))


def _values(stored: StoredKept) -> dict[str, Any]:
    values = {name: getattr(stored.resource, name) for name in _NAMES}
    return values | {"sealed_body": stored.sealed_body}


def _stored(row: Row[Any]) -> StoredKept:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return StoredKept(KeptResource(**{name: of[name] for name in _NAMES}), of["sealed_body"])
