"""aiosqlite with fewer hops to its thread.

SQLAlchemy drives aiosqlite by four hops per statement (cursor, statement, rows, end) and by two more per
transaction. A hop costs more than most of our statements take: hops were most of what a session cost.
Here a statement is one hop with all its rows, the begin of a transaction goes with its first statement,
and nobody waits for the end of one that only read. Everything still happens in the one thread of its
connection, in the order in which it was asked for.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

_ROWS_AT_ONCE = 64


class SqliteConnection(aiosqlite.Connection):
    """An aiosqlite connection as SQLAlchemy's dialect of that name uses it.

    :param begin: the statement that begins a transaction. After a plain ``BEGIN`` it may only read.
    """

    def __init__(self, path: Path, *, begin: str, pragmas: Iterable[str]) -> None:
        super().__init__(partial(_open, path, tuple(pragmas)), _ROWS_AT_ONCE)
        self._thread.daemon = True  # as SQLAlchemy has it with connections of its own making
        self._begin = begin
        self._only_reads = begin == "BEGIN"
        self._transaction = _Transaction.NONE

    def begin(self) -> None:
        """Have a transaction begin with the next statement."""
        self._transaction = _Transaction.TO_BEGIN

    def cursor(self) -> "SqliteCursor":  # type: ignore[override]  # it has nothing to do in the thread
        """A cursor."""
        return SqliteCursor(self)

    async def perform(self, act: Callable[[sqlite3.Cursor], object]) -> "Done":
        """Do something with a cursor in the connection's thread."""
        begin = self._begin if self._transaction is _Transaction.TO_BEGIN else None
        if begin:
            # From here on, for the thread goes on with it where waiting for it is given up.
            self._transaction = _Transaction.OPEN
        try:
            # aiosqlite's own way into the thread has no types.
            done: Done = await self._execute(self._perform, act, begin)  # type: ignore[no-untyped-call]
        except sqlite3.Error:
            if begin and not self.in_transaction:
                self._transaction = _Transaction.TO_BEGIN
            raise
        return done

    def _perform(self, act: Callable[[sqlite3.Cursor], object], begin: str | None) -> "Done":
        if begin:
            self._conn.execute(begin)
        cursor = self._conn.cursor()
        try:
            act(cursor)
            rows = cursor.fetchall() if cursor.description else []
            return Done(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
        finally:
            cursor.close()

    async def commit(self) -> None:
        """End the transaction. What it wrote is on the disk afterwards."""
        if self._transaction is _Transaction.OPEN:
            await super().commit()
        self._transaction = _Transaction.NONE

    async def rollback(self) -> None:
        """Undo the transaction."""
        ended, self._transaction = self._transaction, _Transaction.NONE
        if ended is not _Transaction.OPEN:
            return
        if self._only_reads:
            self._tx.put_nowait((None, self._conn.rollback))
        else:
            await super().rollback()


class _Transaction(Enum):
    NONE = auto()
    TO_BEGIN = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Done:
    """What a statement brought, as the DB-API names it."""

    rows: list[Any]
    description: Any
    rowcount: int
    lastrowid: int | None


class SqliteCursor:
    """What SQLAlchemy expects of an aiosqlite cursor."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._done = Done([], None, -1, None)

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401
        """The columns of a query, else None."""
        return self._done.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that was inserted last."""
        return self._done.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Carry out a statement; the rows of a query are here afterwards."""
        self._done = await self._connection.perform(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement once per row of parameters."""
        self._done = await self._connection.perform(lambda cursor: cursor.executemany(statement, parameters))

    async def fetchall(self) -> list[Any]:
        """The rows of the query."""
        return self._done.rows

    async def close(self) -> None:
        """Nothing is held."""


def _open(path: Path, pragmas: Iterable[str]) -> sqlite3.Connection:
    # The module's own idea of when a transaction begins is off. Which thread it is may change; that it is
    # one at a time, aiosqlite sees to.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection
