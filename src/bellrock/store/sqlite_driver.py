"""SQLite below SQLAlchemy's asyncio, without a hop to a thread for every little thing.

SQLAlchemy speaks to aiosqlite, which hands over to a thread four times per query: cursor, statement,
rows, end. A hop costs more than most of our statements take, and hops were most of what a session cost.
Here a reader's query is one hop with all its rows, for it may be long. A writer's statements are short
and done at once, for they touch rows by their keys; what may wait for the disk or for another process,
the begin and the end of a transaction, is a hop.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class SqliteConnection:
    """What SQLAlchemy expects of an aiosqlite connection. Open with `connect`.

    Transactions begin where they are told to: the module's own idea of that is off.
    """

    def __init__(self, raw: sqlite3.Connection, threads: Executor, *, is_writer: bool) -> None:
        self._connection: sqlite3.Connection | None = raw  # SQLAlchemy looks whether there is one
        self._threads = threads
        self.is_writer = is_writer

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself.

        :raises ValueError: it is closed.
        """
        if self._connection is None:
            raise ValueError("no active connection")  # SQLAlchemy knows it by these words
        return self._connection

    def cursor(self) -> "SqliteCursor":
        """A cursor."""
        return SqliteCursor(self, self.raw.cursor())

    async def in_thread(self, action: Callable[[], Result]) -> Result:
        """Do something that may take a while. It is never left half-way."""
        work = asyncio.get_running_loop().run_in_executor(self._threads, action)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise

    async def create_function(self, name: str, arguments: int, function: Any, **options: Any) -> None:  # noqa: ANN401
        """Add a function to SQL."""
        self.raw.create_function(name, arguments, function, **options)

    async def commit(self) -> None:
        """End the transaction. A writer's is on the disk afterwards."""
        if self.is_writer:
            await self.in_thread(self.raw.commit)
        else:
            self.raw.commit()

    async def rollback(self) -> None:
        """Undo the transaction."""
        self.raw.rollback()

    async def close(self) -> None:
        """Close it. Twice is harmless."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self.in_thread(connection.close)

    def stop(self) -> None:
        """Close it where nothing can be awaited any more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteCursor:
    """What SQLAlchemy expects of an aiosqlite cursor."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection, raw: sqlite3.Cursor) -> None:
        self._connection = connection
        self._raw = raw
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401
        """The columns of a query, else None."""
        return self._raw.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that was inserted last."""
        return self._raw.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Carry out a statement; the rows of a query are here afterwards."""

        def run() -> None:
            self._raw.execute(statement, parameters)
            self._rows = self._raw.fetchall() if self._raw.description else []

        begins = statement.startswith("BEGIN")
        if begins is self._connection.is_writer:
            await self._connection.in_thread(run)
        else:
            run()

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement once per row of parameters."""
        await self._connection.in_thread(lambda: self._raw.executemany(statement, parameters))

    async def fetchall(self) -> list[Any]:
        """The rows of the query."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Give the statement back."""
        self._raw.close()


async def connect(
    path: Path, threads: Executor, *, is_writer: bool, pragmas: Iterable[str]
) -> SqliteConnection:
    """Open a database file."""

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    raw = await asyncio.get_running_loop().run_in_executor(threads, open_file)
    return SqliteConnection(raw, threads, is_writer=is_writer)
