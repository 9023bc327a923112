"""Accounts and their keys in SQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import KeyKind, Role
from bellrock.store.tables import accounts, api_keys

_BY_HASH = (
    select(api_keys, accounts.c.name.label("account_name"))
    .join(accounts, accounts.c.id == api_keys.c.account_id)
    .where(api_keys.c.hash == bindparam("key_hash"))
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key's row; the key itself is kept only as its SHA-256."""

    id: UUID
    account_id: UUID
    name: str
    kind: KeyKind
    role: Role
    hash: bytes
    hint: str
    created_at: datetime
    updated_at: datetime | None = None


async def insert_account(connection: AsyncConnection, account_id: UUID, *, name: str, at: datetime) -> None:
    """Insert an account."""
    await connection.execute(insert(accounts).values(id=account_id, name=name, created_at=at))


async def first_account(connection: AsyncConnection) -> UUID | None:
    """The oldest account."""
    query = select(accounts.c.id).order_by(accounts.c.created_at, accounts.c.id).limit(1)
    return await connection.scalar(query)


async def has_account(connection: AsyncConnection, account_id: UUID) -> bool:
    """Whether there is such an account."""
    query = select(accounts.c.id).where(accounts.c.id == account_id)
    return await connection.scalar(query) is not None


async def insert_key(connection: AsyncConnection, key: StoredKey) -> None:
    """Insert a key."""
    names = [column.name for column in api_keys.c]
    await connection.execute(insert(api_keys).values({name: getattr(key, name) for name in names}))


async def find_key(connection: AsyncConnection, key_hash: bytes) -> tuple[StoredKey, str] | None:
    """The key with this SHA-256, and its account's name."""
    row = (await connection.execute(_BY_HASH, {"key_hash": key_hash})).one_or_none()
    if row is None:
        return None
    fields = {column.name: row._mapping[column.name] for column in api_keys.c}  # noqa: SLF001
    return StoredKey(**fields), row.account_name


async def keys_of(connection: AsyncConnection, account_id: UUID) -> list[StoredKey]:
    """The account's keys, oldest first."""
    query = select(api_keys).where(api_keys.c.account_id == account_id)
    found = await connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.id))
    return [StoredKey(**row._mapping) for row in found]  # noqa: SLF001


async def change_role(connection: AsyncConnection, key_id: UUID, role: Role, at: datetime) -> None:
    """Give a key another role."""
    await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(role=role, updated_at=at))


async def delete_key(connection: AsyncConnection, key_id: UUID) -> None:
    """Delete a key."""
    await connection.execute(delete(api_keys).where(api_keys.c.id == key_id))
