"""SQLite without the driver's thread: statements run where they are awaited, so that tests repeat exactly."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiosqlite
from sqlalchemy import event

from bellrock.store.database import Database

Job = tuple[asyncio.Future[Any] | None, Callable[[], Any]]


class _AtOnce:
    """In place of the queue to the thread."""

    def put_nowait(self, job: Job) -> None:
        future, function = job
        try:
            result = function()
        except BaseException as problem:  # noqa: BLE001 - it is raised where the future is awaited
            if future is not None:
                future.set_exception(problem)
        else:
            if future is not None:
                future.set_result(result)


class _NoThread:
    """In place of the thread."""

    daemon = True

    def start(self) -> None:
        """There is nothing to start."""


def _connect(*args: Any, **kwargs: Any) -> aiosqlite.Connection:
    connection = aiosqlite.connect(*args, **kwargs)
    connection._tx = _AtOnce()  # type: ignore[assignment]
    connection._thread = _NoThread()  # type: ignore[assignment]
    return connection


async def run_inline(database: Database) -> None:
    """Have an open database, from here on, run its statements inline and wait for no disk.

    What a transaction is stays as it was: tests end processes, not machines.
    """
    await database.close()
    for engine in (database._readers, database._writers):
        event.listen(engine.sync_engine, "do_connect", _inline)
        event.listen(engine.sync_engine, "connect", _wait_for_no_disk)


def _inline(_dialect: object, _record: object, _args: object, kwargs: dict[str, Any]) -> None:
    kwargs["async_creator_fn"] = _connect


def _wait_for_no_disk(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()
