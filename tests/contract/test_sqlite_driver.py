"""What SQLite's connection promises where a transaction begins late and is given up early."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bellrock.store.database import Database, open_database
from bellrock.store.sqlite_driver import SqliteConnection

WRITE = text("UPDATE numbers SET n = n + 1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bellrock.sqlite"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{file}")
    async with opened.write() as connection:
        await connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
        await connection.execute(text("INSERT INTO numbers VALUES (0)"))
    yield opened
    await opened.close()


@pytest.fixture
def other(file: Path, database: Database) -> Iterator[sqlite3.Connection]:
    """Another process, as it were."""
    connection = sqlite3.connect(file, isolation_level=None)
    yield connection
    connection.close()


def number(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT n FROM numbers").fetchone()[0])


async def hurry(database: Database) -> None:
    """Have writers wait for nobody."""
    async with database.write() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 0"))


async def test_a_write_is_seen_by_others_when_it_is_committed(
    database: Database, other: sqlite3.Connection
) -> None:
    async with database.write() as connection:
        await connection.execute(WRITE)
        assert number(other) == 0
    assert number(other) == 1


async def test_a_write_that_raises_leaves_nothing(database: Database, other: sqlite3.Connection) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(WRITE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert number(other) == 0
    other.execute("BEGIN IMMEDIATE")  # nobody holds the lock


async def test_a_writer_holds_the_lock_from_its_first_statement_on(
    database: Database, other: sqlite3.Connection
) -> None:
    other.execute("PRAGMA busy_timeout = 0")
    async with database.write() as connection:
        await connection.execute(text("SELECT n FROM numbers"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_a_writer_whose_begin_was_refused_writes_nothing_outside_a_transaction(
    database: Database, other: sqlite3.Connection
) -> None:
    await hurry(database)
    other.execute("BEGIN IMMEDIATE")

    async def try_twice_and_fail() -> None:
        async with database.write() as connection:
            with pytest.raises(OperationalError, match="locked"):
                await connection.execute(WRITE)
            other.execute("COMMIT")
            await connection.execute(WRITE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await try_twice_and_fail()
    assert number(other) == 0


async def test_a_writer_cancelled_while_it_waits_for_the_lock_does_not_keep_it(
    database: Database, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    at_the_database = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            at_the_database.set()
            await connection.execute(WRITE)

    writing = asyncio.create_task(write())
    await at_the_database.wait()
    await asyncio.sleep(0)  # the statement is with the thread
    writing.cancel()
    await asyncio.sleep(0)
    other.execute("COMMIT")
    with pytest.raises(asyncio.CancelledError):
        await writing
    other.execute("BEGIN IMMEDIATE")
    assert number(other) == 0
    other.execute("COMMIT")
    async with database.write() as connection:
        await connection.execute(WRITE)
    assert number(other) == 1


async def test_a_reader_sees_one_state_however_long_it_reads(
    database: Database, other: sqlite3.Connection
) -> None:
    async with database.read() as connection:
        query = text("SELECT n FROM numbers")
        before = (await connection.execute(query)).scalar_one()
        other.execute("UPDATE numbers SET n = 7")
        assert (await connection.execute(query)).scalar_one() == before
    async with database.read() as connection:
        assert (await connection.execute(query)).scalar_one() == 7


async def test_a_reader_given_back_holds_no_old_state(database: Database, other: sqlite3.Connection) -> None:
    for n in range(50):
        other.execute("UPDATE numbers SET n = ?", (n,))
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT n FROM numbers"))).scalar_one() == n


async def test_a_connection_that_did_nothing_begins_nothing(file: Path, database: Database) -> None:
    connection = SqliteConnection(file, begin="BEGIN IMMEDIATE", pragmas=())
    await connection
    connection.begin()
    await connection.commit()
    assert not connection.in_transaction
    await connection.close()
