"""Snippets in SQL."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.snippets import Snippet
from bellrock.store.config_tables import snippets


async def insert_snippet(
    connection: AsyncConnection, account_id: UUID, *, name: str, script: str, at: datetime
) -> Snippet:
    """Insert a snippet; it comes back with its id."""
    values = {"account_id": account_id, "name": name, "script": script, "created_at": at}
    made = await connection.execute(insert(snippets).values(values).returning(snippets.c.id))
    return Snippet(made.scalar_one(), account_id, name, script, at)


async def update_snippet(connection: AsyncConnection, snippet: Snippet) -> None:
    """Write a snippet over the one with its id."""
    values = {"name": snippet.name, "script": snippet.script, "updated_at": snippet.updated_at}
    await connection.execute(update(snippets).where(snippets.c.id == snippet.id).values(values))


async def load_snippets(
    connection: AsyncConnection, account_id: UUID, snippet_ids: Collection[int]
) -> dict[int, Snippet]:
    """Those of the account's snippets that exist, by id."""
    of = (snippets.c.account_id == account_id, snippets.c.id.in_(snippet_ids))
    found = await connection.execute(select(snippets).where(*of))
    return {row.id: Snippet(**row._mapping) for row in found}  # noqa: SLF001


async def page_of_snippets(
    connection: AsyncConnection, account_id: UUID, *, offset: int, limit: int
) -> list[Snippet]:
    """Some snippets of the account, in the order they were made."""
    query = select(snippets).where(snippets.c.account_id == account_id).order_by(snippets.c.id)
    found = await connection.execute(query.offset(offset).limit(limit))
    return [Snippet(**row._mapping) for row in found]  # noqa: SLF001


async def delete_snippet(connection: AsyncConnection, account_id: UUID, snippet_id: int) -> bool:
    """Delete a snippet. False: there was none."""
    of = (snippets.c.account_id == account_id, snippets.c.id == snippet_id)
    return (await connection.execute(delete(snippets).where(*of))).rowcount == 1
