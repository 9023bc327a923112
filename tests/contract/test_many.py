"""One parameter for many values: the same rows as with one each, by an index, on both databases."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text
from sqlalchemy.dialects import sqlite

from bellrock.store.database import Database
from bellrock.store.many import one_of
from bellrock.store.tables import accounts

QUERY = select(accounts.c.id).where(one_of(accounts.c.id, "ids"))


async def found(database: Database, ids: list[UUID]) -> set[UUID]:
    async with database.read() as connection:
        return set(await connection.scalars(QUERY, {"ids": ids}))


async def test_the_rows_are_those_that_are_named_and_there(database: Database) -> None:
    there = [uuid4() for _ in range(300)]
    async with database.write() as connection:
        rows = [{"id": each, "name": "Shop", "created_at": datetime.now(UTC)} for each in there]
        await connection.execute(insert(accounts), rows)
    assert await found(database, []) == set()
    assert await found(database, there[:1]) == set(there[:1])
    assert await found(database, [*there[50:250], uuid4()]) == set(there[50:250])


async def test_sqlite_finds_them_by_the_index(database: Database) -> None:
    if database.dialect != "sqlite":
        return  # what PostgreSQL does of few rows says nothing about many
    statement = str(QUERY.compile(dialect=sqlite.dialect())).replace("?", ":ids")
    async with database.read() as connection:
        steps = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), {"ids": "[]"})
        plan = [row.detail for row in steps]
    assert any(detail.startswith("SEARCH accounts USING") for detail in plan), plan
