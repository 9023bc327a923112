"""All that becomes of one test session, as messages: states from the database, logs as they are printed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from uuid import UUID

from bellrock.api.mqtt.results import Message, Told, log_message
from bellrock.domain.access import Principal
from bellrock.services import suites
from bellrock.services.platform import Platform
from bellrock.wire.messages import LiveBatch

_LOOK_AGAIN_S = 2.0  # an announcement can be lost
_LAST_LOGS_S = 3.0

Queue = asyncio.Queue[Message | None]


async def session_messages(
    platform: Platform, principal: Principal, session_id: UUID
) -> AsyncIterator[Message]:
    """From the session's start, whenever that was, until the last run is final."""
    queue: Queue = asyncio.Queue()
    logs = _Logs(platform, session_id, queue)
    tasks = [asyncio.create_task(_tell_states(platform, principal, session_id, queue, logs))]
    if (await suites.read_session(platform, session_id)).session.streams_logs:
        tasks.append(asyncio.create_task(logs.tell()))
    try:
        while (message := await queue.get()) is not None:
            yield message
        await tasks[0]  # raises what ended it early
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_states(
    platform: Platform, principal: Principal, session_id: UUID, queue: Queue, logs: "_Logs"
) -> None:
    told = Told()
    try:
        with platform.live.watch(session_id) as changed:
            while True:
                # Cleared before the look: a change during the look must not be slept through.
                changed.clear()
                view = await suites.read_session(platform, session_id)
                if view.session.streams_logs and any(run.run.is_final for run in view.runs):
                    await logs.caught_up()
                for run in view.runs:
                    untold = [one for one in run.results if one.id not in told.results]
                    lines = {one.id: await suites.printed_lines(platform, principal, one) for one in untold}
                    for message in told.news(run, lines):
                        queue.put_nowait(message)
                if view.is_final:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_AGAIN_S)
    finally:
        queue.put_nowait(None)


class _Logs:
    """What the session's runs print, if whoever started it wants to read along."""

    def __init__(self, platform: Platform, session_id: UUID, queue: Queue) -> None:
        self._platform = platform
        self._session_id = session_id
        self._queue = queue
        self._heard: dict[UUID, int] = {}
        self._heard_more = asyncio.Event()

    async def tell(self) -> None:
        async with aclosing(self._platform.live.follow(self._session_id, {})) as frames:
            async for frame in frames:
                if not isinstance(frame, LiveBatch):
                    continue
                printed = log_message(frame.run_id, frame.events)
                if printed is not None:
                    self._queue.put_nowait(printed)
                self._heard[frame.run_id] = frame.events[-1].seq
                self._heard_more.set()

    async def caught_up(self) -> None:
        """Wait until all that was printed so far is told; not for long, since it may be lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOGS_S):
                known = await self._platform.live.snapshot(self._session_id)
                while any(self._heard.get(run_id, 0) < each.last_seq for run_id, each in known.items()):
                    self._heard_more.clear()
                    await self._heard_more.wait()
