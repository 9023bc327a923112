"""Blocking work beside the event loop, where the shared pool of threads will not do."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T]) -> T:
    """The result of blocking work, or its error, from a thread that lives for it alone.

    For what may hang where nobody can interrupt it (the C library's resolver): it takes no place in the
    shared pool, and a process that ends does not wait for it. Cancelling ends the waiting, not the work.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not done.done():
            set_outcome()

    def run() -> None:
        outcome: Callable[[], None]
        try:
            outcome = partial(done.set_result, work())
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting task gets it
            outcome = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="own-thread", daemon=True).start()
    return await done
