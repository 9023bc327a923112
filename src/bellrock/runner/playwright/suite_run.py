"""The suite's process from its start to its end: by itself, by its time cap, or by a cancel."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bellrock.domain.receipts import CancelStep
from bellrock.runner.playwright.watch import Watch
from bellrock.runner.recorder import CancelToken
from bellrock.runner.supervisor import CancelTrace, Exit, SuiteProcess


class StoppedBy(StrEnum):
    """Who ended a suite that did not end by itself."""

    PERSON = "person"
    TIME_CAP = "time cap"


@dataclass(frozen=True, slots=True)
class SuiteEnd:
    """How the suite's process ended. ``trace`` is there where it was stopped."""

    exit: Exit
    stopped_by: StoppedBy | None = None
    trace: CancelTrace | None = None


async def run_to_the_end(
    process: SuiteProcess,
    watch: Watch,
    cancelled: CancelToken,
    *,
    timeout_s: float,
    on_stop: Callable[[StoppedBy], None],
    on_step: Callable[[CancelStep], None],
) -> SuiteEnd:
    """Watch a suite to its end, or stop it.

    A suite whose main process was gone before the first signal ended by itself: its verdict is
    genuine, whatever was asked. When this task is cancelled, every process is dead before it ends.
    """

    def note(step: CancelStep) -> None:
        watch.catch_up()  # what ended before the step did not end because of it
        on_step(step)

    following = asyncio.create_task(watch.follow())
    ending = asyncio.create_task(process.wait())
    asked = asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait({ending, asked}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            return SuiteEnd(ending.result())
        stopped_by = StoppedBy.PERSON if asked.done() else StoppedBy.TIME_CAP
        watch.catch_up()
        on_stop(stopped_by)
        # Before the first test there is nothing to be saved by asking politely.
        trace = await process.cancel(graceful=watch.facts.first_test_begun, on_step=note)
        ended = await ending
        return SuiteEnd(ended, None if trace.already_exited else stopped_by, trace)
    except asyncio.CancelledError:
        await asyncio.shield(process.cancel(graceful=False))
        raise
    finally:
        for task in (following, ending, asked):
            task.cancel()
        await asyncio.gather(following, ending, asked, return_exceptions=True)
        watch.finish()
