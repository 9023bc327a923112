"""Insert a row, or update the one that has its key: one statement, so that two at once both succeed."""

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
