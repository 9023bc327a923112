"""Insert a row where another may have its key: one statement, so that two at once do not fail."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def upsert(
    connection: AsyncConnection,
    table: Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    at_first: Mapping[str, Any] | None = None,
) -> None:
    """``key``: the columns of the primary key; ``values``: all others, but those ``at_first`` are kept."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**key, **values, **(at_first or {}))
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(values)))


async def insert_if_new(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row. False: another has its key, or another value that must be unique."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    done = await connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return done.rowcount == 1
