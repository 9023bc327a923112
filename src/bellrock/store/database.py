"""One database, SQLite or PostgreSQL: connections, transactions, migrations.

On SQLite every writer takes the write lock with its first statement (BEGIN IMMEDIATE): a transaction that
reads first and writes later would otherwise fail at its first write, when somebody else wrote in between.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bellrock.store.columns import json_text
from bellrock.store.sqlite_driver import SqliteConnection

_READERS = 8
_WRITERS_OF_POSTGRESQL = 8
_WAIT_FOR_CONNECTION_S = 30
_PRAGMAS = (
    "busy_timeout = 10000",
    "journal_mode = WAL",
    "synchronous = FULL",  # a cancel that was answered must survive a power cut
    "foreign_keys = ON",
)
_MIGRATION_LOCK = 4_217_001  # PostgreSQL advisory lock: replicas that start together migrate in turn


class Database:
    """Connections to read and to write with. Open with `open_database`."""

    def __init__(self, *, readers: AsyncEngine, writers: AsyncEngine) -> None:
        self._readers = readers
        self._writers = writers

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writers.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with: one snapshot of the data on SQLite, statement by statement else."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with self._writers.begin() as connection:
            yield connection

    async def is_working(self) -> bool:
        """Whether a query gets an answer."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self._readers.dispose()
        await self._writers.dispose()


async def open_database(url: str) -> Database:
    """Connect and migrate to the newest schema.

    ``url``: `sqlite:////absolute/path.sqlite` or `postgresql://user@host/name`. Raises ValueError for
    anything else, SQLAlchemyError or OSError when the database cannot be reached.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        database = _open_sqlite(Path(parsed.database or ""))
    elif backend == "postgresql":
        database = _open_postgresql(parsed.set(drivername="postgresql+asyncpg"))
    else:
        raise ValueError(f"database URL: {backend} is not supported, use sqlite:// or postgresql://")
    try:
        await migrate(database)
    except BaseException:
        await database.close()
        raise
    return database


async def migrate(database: Database) -> None:
    """Upgrade to the newest schema. Several processes may do this at once."""
    async with database.write() as connection:
        if database.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration; the scripts are found beside this module, installed or not."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(migration_config(connection), "head")


def _open_sqlite(path: Path) -> Database:
    if not path.is_absolute():
        raise ValueError(f"database URL: the path {str(path)!r} must be absolute (sqlite:////path)")

    def engine(size: int, begin: str, *, most_more: int) -> AsyncEngine:
        async def connect() -> SqliteConnection:
            connection = SqliteConnection(path, begin=begin, pragmas=_PRAGMAS)
            await connection
            return connection

        made = create_async_engine(
            f"sqlite+aiosqlite:///{path}",
            async_creator=connect,
            json_serializer=json_text,
            pool_size=size,
            max_overflow=most_more,
            pool_timeout=_WAIT_FOR_CONNECTION_S,
        )
        event.listen(made.sync_engine, "begin", _begin)
        return made

    return Database(
        readers=engine(_READERS, "BEGIN", most_more=_READERS),
        writers=engine(1, "BEGIN IMMEDIATE", most_more=0),
    )


def _begin(connection: Connection) -> None:
    driver: SqliteConnection = connection.connection.driver_connection  # type: ignore[assignment]  # `connect` made it
    driver.begin()


def _open_postgresql(url: Any) -> Database:  # noqa: ANN401
    def engine(size: int) -> AsyncEngine:
        return create_async_engine(
            url,
            json_serializer=json_text,
            pool_size=size,
            pool_timeout=_WAIT_FOR_CONNECTION_S,
            pool_pre_ping=True,
        )

    return Database(readers=engine(_READERS), writers=engine(_WRITERS_OF_POSTGRESQL))
