"""An account's variables in SQL. Values are sealed by the caller: this module never sees them in clear."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.config_tables import variables
from bellrock.store.upsert import insert_if_new

_NAMES = [column.name for column in variables.c]
_ALL = select(variables).where(variables.c.account_id == bindparam("account")).order_by(variables.c.key)


@dataclass(frozen=True, slots=True)
class StoredVariable:
    """A variable's row."""

    account_id: UUID
    key: str
    sealed_value: str
    locked: bool
    secret: bool
    created_at: datetime
    updated_at: datetime | None = None


async def insert_variable(connection: AsyncConnection, variable: StoredVariable) -> bool:
    """Insert a variable. False: the account has one with this key."""
    return await insert_if_new(connection, variables, {name: getattr(variable, name) for name in _NAMES})


async def update_variable(connection: AsyncConnection, variable: StoredVariable) -> None:
    """Write a variable over the one with its key."""
    values = {name: getattr(variable, name) for name in _NAMES if name not in ("account_id", "key")}
    of = (variables.c.account_id == variable.account_id, variables.c.key == variable.key)
    await connection.execute(update(variables).where(*of).values(values))


async def load_variable(
    connection: AsyncConnection, account_id: UUID, key: str, *, to_change: bool = False
) -> StoredVariable | None:
    """A variable of the account, or None. ``to_change`` locks it until the transaction is over."""
    query = select(variables).where(variables.c.account_id == account_id, variables.c.key == key)
    row = (await connection.execute(query.with_for_update() if to_change else query)).one_or_none()
    return None if row is None else StoredVariable(**row._mapping)  # noqa: SLF001


async def all_variables(connection: AsyncConnection, account_id: UUID) -> list[StoredVariable]:
    """All variables of the account, by key."""
    found = await connection.execute(_ALL, {"account": account_id})
    return [StoredVariable(**row._mapping) for row in found]  # noqa: SLF001


async def page_of_variables(
    connection: AsyncConnection, account_id: UUID, *, offset: int, limit: int
) -> list[StoredVariable]:
    """Some variables of the account, by key."""
    found = await connection.execute(_ALL.offset(offset).limit(limit), {"account": account_id})
    return [StoredVariable(**row._mapping) for row in found]  # noqa: SLF001


async def delete_variable(connection: AsyncConnection, account_id: UUID, key: str) -> bool:
    """Delete a variable. False: there was none."""
    of = (variables.c.account_id == account_id, variables.c.key == key)
    return (await connection.execute(delete(variables).where(*of))).rowcount == 1
