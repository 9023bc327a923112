"""A session as a stream of server-sent events, each with JSON as its data.

    session   the session with its results: first of all, and again whenever a run changed
    progress  one run with all its tests: once per run at the start, not after a resume
    live      {"sequenceId", "events": [...]}: what a run's tests did since, in order, without gaps
    run       {"sequenceId", "what"}: a run is queued, running, cancelling, retry_wait or final;
              queued again or in retry_wait, it begins anew and counts its events from 1 again
    end       {"status"}: the session is final and everything was said; the stream closes

The ``id`` of a frame is the last ``seq`` that was sent of every run, in the order of the session's
runs. A client that comes back with it as ``Last-Event-ID`` gets what followed, and nothing twice.
Events are in the form in which runners write them (`bellrock.domain.live`).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from bellrock.api.bodies.base import Answer
from bellrock.api.bodies.progress import run_progress
from bellrock.domain.live import LiveEvent, Progress
from bellrock.services.live import LiveFrame, LiveHub
from bellrock.services.views import SessionView
from bellrock.wire.messages import Announcement, LiveBatch

_VERSION = "1"
_QUEUED_FRAMES = 256
_DRAIN_S = 3.0
_BEGINS_ANEW = frozenset({"queued", "retry_wait"})
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class LiveBody(Answer):
    """What a run's tests did."""

    sequence_id: UUID
    events: tuple[LiveEvent, ...]


class RunChanged(Answer):
    """A run changed its state."""

    sequence_id: UUID
    what: str


class Ended(Answer):
    """The session's last word."""

    status: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The session that is watched: how it is read, and how it is said."""

    session_id: UUID
    read: Callable[[], Awaitable[SessionView]]
    say: Callable[[SessionView], Answer]


def resume_id(order: Sequence[UUID], sent: Mapping[UUID, int]) -> str:
    """Where a reader stands, as one word."""
    return ".".join([_VERSION, *(str(sent.get(run_id, 0)) for run_id in order)])


def resume_point(order: Sequence[UUID], last_event_id: str | None) -> dict[UUID, int]:
    """Where a reader stood: nowhere, for a new one (or a word that is none of ours)."""
    version, *numbers = (last_event_id or "").split(".")
    if version != _VERSION or len(numbers) != len(order):
        return {}
    if not all(number.isascii() and number.isdigit() and len(number) < 16 for number in numbers):  # noqa: PLR2004
        return {}
    return dict(zip(order, map(int, numbers), strict=True))


async def session_events(
    watched: Watched, live: LiveHub, *, last_event_id: str | None, keep_alive_s: float
) -> StreamingResponse:
    """The stream as a response. Reads the session first, so that an unknown one is a plain 404."""
    first = await watched.read()
    stream = _Stream(watched, live, keep_alive_s)
    frames = stream.frames(first, last_event_id)
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


@dataclass(slots=True)
class _Stream:
    watched: Watched
    live: LiveHub
    keep_alive_s: float
    order: tuple[UUID, ...] = ()
    sent: dict[UUID, int] = field(default_factory=dict)

    async def frames(self, first: SessionView, last_event_id: str | None) -> AsyncIterator[bytes]:
        self.order = tuple(run.run.id for run in first.runs)
        resumed = resume_point(self.order, last_event_id)
        snapshot = await self.live.snapshot(self.watched.session_id)
        # A run behind the point of resume has begun anew meanwhile: it is told from its start.
        told = {run_id: seq for run_id, seq in resumed.items() if seq <= _last_seq(snapshot, run_id)}
        untold = {run_id: progress for run_id, progress in snapshot.items() if run_id not in told}
        self.sent = {**told, **{run_id: progress.last_seq for run_id, progress in untold.items()}}
        queue: asyncio.Queue[LiveFrame | None] = asyncio.Queue(_QUEUED_FRAMES)
        pump = asyncio.create_task(self._pump(queue))
        try:
            # Read again now that the pump listens: what happened in between is in this picture.
            view = await self.watched.read()
            yield self._frame("session", self.watched.say(view))
            for run_id, progress in untold.items():
                yield self._frame("progress", run_progress(run_id, progress))
            async for frame in self._follow(view, queue, pump):
                yield frame
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _pump(self, queue: asyncio.Queue[LiveFrame | None]) -> None:
        async for frame in self.live.follow(self.watched.session_id, dict(self.sent)):
            await queue.put(frame)
        await queue.put(None)

    async def _follow(
        self, view: SessionView, queue: asyncio.Queue[LiveFrame | None], pump: asyncio.Task[None]
    ) -> AsyncIterator[bytes]:
        is_stale = False
        while not view.is_final:
            try:
                news = await asyncio.wait_for(queue.get(), self.keep_alive_s)
            except TimeoutError:
                if pump.done():
                    return
                # Announcements can be lost with the bus; a look at the truth now and then heals that.
                is_stale = True
                yield KEEPALIVE_COMMENT
            else:
                if news is None:
                    return  # this server is stopping: the client comes back with its id
                is_stale = is_stale or isinstance(news, Announcement)
                for frame in self._said(news):
                    yield frame
            if is_stale and queue.empty():
                is_stale, seen = False, view
                view = await self.watched.read()
                if view.runs != seen.runs:
                    yield self._frame("session", self.watched.say(view))
        async for frame in self._drain(queue):
            yield frame
        yield self._frame("session", self.watched.say(await self.watched.read()))
        yield self._frame("end", Ended(status=view.status))

    async def _drain(self, queue: asyncio.Queue[LiveFrame | None]) -> AsyncIterator[bytes]:
        """Events may still be on their way when the last run is final: wait for them, not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                known = await self.live.snapshot(self.watched.session_id)
                while any(self.sent.get(run_id, 0) < run.last_seq for run_id, run in known.items()):
                    news = await queue.get()
                    if news is None:
                        break
                    for frame in self._said(news):
                        yield frame

    def _said(self, news: LiveFrame) -> tuple[bytes, ...]:
        if isinstance(news, Announcement):
            if news.what in _BEGINS_ANEW:
                self.sent.pop(news.run_id, None)
            return (self._frame("run", RunChanged(sequence_id=news.run_id, what=news.what)),)
        return self._live(news)

    def _live(self, batch: LiveBatch) -> tuple[bytes, ...]:
        known = self.sent.get(batch.run_id, 0)
        fresh = tuple(event for event in batch.events if event.seq > known)
        if not fresh:
            return ()
        self.sent[batch.run_id] = fresh[-1].seq
        return (self._frame("live", LiveBody(sequence_id=batch.run_id, events=fresh)),)

    def _frame(self, event: str, body: Answer) -> bytes:
        return format_sse_event(
            data_str=body.model_dump_json(), event=event, id=resume_id(self.order, self.sent)
        )


def _last_seq(snapshot: Mapping[UUID, Progress], run_id: UUID) -> int:
    return snapshot[run_id].last_seq if run_id in snapshot else 0
