"""SQLite without the driver's thread: statements run where they are awaited, so that tests repeat exactly."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiosqlite.core import _STOP_RUNNING_SENTINEL
from sqlalchemy import event

from bellrock.store.database import Database
from bellrock.store.sqlite_driver import SqliteConnection

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


async def run_inline(database: Database) -> None:
    """Have an open database, from here on, run its statements inline and wait for no disk.

    What a transaction is stays as it was: tests end processes, not machines.
    """
    await database.close()
    for engine in (database._readers, database._writers):
        event.listen(engine.sync_engine, "connect", _run_inline)


def _run_inline(connection: Any, _record: object) -> None:
    driver: SqliteConnection = connection.driver_connection
    driver._tx.put_nowait((None, lambda: _STOP_RUNNING_SENTINEL))
    driver._thread.join()
    driver._tx = _AtOnce()  # type: ignore[assignment]
    driver._conn.execute("PRAGMA synchronous = OFF")
