"""Following a session: folds what the hub tells, and says when there is something new to draw.

Drawing is throttled to about four times a second. The session itself is read again when a run
changed its state, and now and then anyway: a runner that comes or goes announces nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import UUID

from bellrock.domain.live import LiveEvent, Progress
from bellrock.services.live import LiveHub
from bellrock.web.run_log import frames
from bellrock.wire.messages import LiveBatch

THROTTLE_S = 0.25
REFRESH_S = 3.0


class Follower:
    """What one open page knows of its session. ``progress`` is folded as events come."""

    def __init__(self, hub: LiveHub, session_id: UUID, *, progress: dict[UUID, Progress]) -> None:
        self.progress = progress
        self.ended = False
        self._hub = hub
        self._session_id = session_id
        self._news = asyncio.Event()
        self._stale = False
        self._events: dict[UUID, list[LiveEvent]] = {}
        self._read = {run_id: folded.last_seq for run_id, folded in progress.items()}

    def read_again_from(self, run_id: UUID, seq: int) -> None:
        """Ask for a run's events after ``seq`` although they are folded already. Before `running`."""
        self._read[run_id] = seq

    def take_events(self, run_id: UUID) -> tuple[LiveEvent, ...]:
        """The events of a run since this was asked last."""
        return tuple(self._events.pop(run_id, ()))

    async def wait(self) -> bool:
        """Until there is something to draw; True where the session should be read again first."""
        await asyncio.sleep(THROTTLE_S)
        try:
            async with asyncio.timeout(REFRESH_S):
                await self._news.wait()
        except TimeoutError:
            self._stale = True
        stale, self._stale = self._stale, False
        self._news.clear()
        return stale

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen to the hub for as long as this is open."""
        task = asyncio.create_task(self._listen(), name=f"follow-{self._session_id}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _listen(self) -> None:
        try:
            async with aclosing(frames(self._hub, self._session_id, dict(self._read))) as following:
                async for frame in following:
                    if isinstance(frame, LiveBatch):
                        self._fold(frame)
                    else:
                        self._stale = True
                    self._news.set()
        finally:
            self.ended = True  # the server stops, or the hub gave this reader up: the page reconnects
            self._news.set()

    def _fold(self, batch: LiveBatch) -> None:
        if batch.events and batch.events[0].seq <= self._read.get(batch.run_id, 0):
            self.progress[batch.run_id] = Progress()  # the run is executed again, from event 1
        folded = self.progress.setdefault(batch.run_id, Progress())
        for event in batch.events:
            folded.apply(event)
            self._read[batch.run_id] = event.seq
        self._events.setdefault(batch.run_id, []).extend(batch.events)
