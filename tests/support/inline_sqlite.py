"""SQLite without the driver's threads: statements run where they are awaited, so tests repeat exactly."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import event

from bellrock.store.database import Database

Result = TypeVar("Result")


async def run_inline(database: Database) -> None:
    """Have an open database, from here on, run its statements inline and wait for no disk.

    What a transaction is stays as it was: tests end processes, not machines.
    """
    assert database._threads is not None
    database._threads.submit = _at_once  # type: ignore[method-assign, assignment]  # in place of the threads
    for engine in (database._readers, database._writers):
        event.listen(engine.sync_engine, "connect", _wait_for_no_disk)
        await engine.dispose()


def _at_once(function: Callable[..., Result], *arguments: Any) -> Future[Result]:
    done: Future[Result] = Future()
    try:
        done.set_result(function(*arguments))
    except BaseException as problem:  # noqa: BLE001 - it is raised where the future is awaited
        done.set_exception(problem)
    return done


def _wait_for_no_disk(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()
