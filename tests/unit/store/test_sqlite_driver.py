"""SQLite with few threads: nobody is held up, and a transaction is whole or nothing, whoever is cancelled."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from bellrock.store.database import Database, open_database

# Some hundred milliseconds of work for SQLite.
LONG_QUERY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bellrock.sqlite"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{file}")
    async with opened.write() as connection:
        await connection.execute(text("CREATE TABLE pairs (half INTEGER)"))
    yield opened
    await opened.close()


async def count(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM pairs"))).scalar_one())


async def write_a_pair(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO pairs VALUES (1)"))
        await connection.execute(text("INSERT INTO pairs VALUES (2)"))


async def test_a_writer_that_is_cancelled_anywhere_leaves_all_or_nothing_and_the_next_one_can_write(
    database: Database,
) -> None:
    ends = set()
    for turns in range(60):
        before = await count(database)
        writing = asyncio.create_task(write_a_pair(database))
        for _ in range(turns):
            await asyncio.sleep(0)
        ends.add(writing.done())
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        written = await count(database) - before
        assert written in (0, 2)
        async with asyncio.timeout(5):
            await write_a_pair(database)
        assert await count(database) == before + written + 2
    assert False in ends


async def test_a_writer_that_fails_leaves_nothing(database: Database) -> None:
    async def fail_half_way() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO pairs VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    assert await count(database) == 0


async def test_a_long_query_holds_up_nobody(database: Database) -> None:
    async def query() -> int:
        async with database.read() as connection:
            return int((await connection.execute(text(LONG_QUERY))).scalar_one())

    querying = asyncio.create_task(query())
    others = 0
    while not querying.done():
        await write_a_pair(database)
        others += 1
    assert querying.result() == 3_000_000
    assert others > 3


async def test_a_writer_that_waits_for_another_process_holds_up_no_reader(
    database: Database, file: Path
) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(write_a_pair(database))
    async with asyncio.timeout(5):
        for _ in range(20):
            assert await count(database) == 0
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(10):
        await writing
    assert await count(database) == 2


async def test_what_is_read_is_of_one_moment(database: Database) -> None:
    async with database.read() as connection:
        before = (await connection.execute(text("SELECT count(*) FROM pairs"))).scalar_one()
        await write_a_pair(database)
        after = (await connection.execute(text("SELECT count(*) FROM pairs"))).scalar_one()
    assert (before, after) == (0, 0)
