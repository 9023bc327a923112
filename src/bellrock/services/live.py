"""What is going on right now: folds runners' live events, and lets readers follow without a gap.

Every replica of the control plane hears every event. Memory is bounded: the runs heard of last are
folded, all others are read from where they are kept. A run that is executed again (its runner vanished,
or an attempt failed) counts its events from 1 again: its fold begins anew.
"""

import asyncio
import copy
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from bellrock.artifacts.store import ArtifactStore
from bellrock.domain.live import Progress
from bellrock.domain.receipts import TestCounts
from bellrock.engine.port import Bus, Subscription
from bellrock.services.missed_events import MissedEvents
from bellrock.services.run_feed import RunFeed
from bellrock.store.database import Database
from bellrock.store.runs import runs_of_sessions
from bellrock.wire.messages import Announcement, LiveBatch

log = structlog.get_logger(__name__)

LiveFrame = LiveBatch | Announcement
Member = TypeVar("Member")

_MOST_RUNS_FOLDED = 256
_MOST_FRAMES_WAITING = 1_000
_BEGINS_ANEW = frozenset({"queued", "retry_wait"})
_MAY_HAVE_MISSED = frozenset({"final", "evidence"})


class _Folded:
    """One run as this process heard it."""

    def __init__(self) -> None:
        self.feed = RunFeed()
        self.progress = Progress()
        self.lock = asyncio.Lock()

    def begin_anew(self) -> None:
        self.feed = RunFeed()
        self.progress = Progress()


class _Reader:
    """Somebody who follows a session: frames wait here; what does not fit is fetched again later."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[LiveFrame | None] = asyncio.Queue(_MOST_FRAMES_WAITING)
        self.behind: set[UUID] = set()

    def offer(self, frame: LiveFrame) -> None:
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.behind.add(frame.run_id)

    def end(self) -> None:
        """Have the reader stop, whatever else waits for it."""
        while not self.frames.empty():
            self.frames.get_nowait()
        self.frames.put_nowait(None)


class LiveHub:
    """One per process. `start` subscribes, `close` ends every reader."""

    def __init__(self, bus: Bus, *, database: Database, artifacts: ArtifactStore) -> None:
        self._bus = bus
        self._database = database
        self._missed = MissedEvents(bus, database=database, artifacts=artifacts)
        self._folded: OrderedDict[UUID, _Folded] = OrderedDict()
        self._watchers: dict[UUID, set[asyncio.Event]] = {}
        self._readers: dict[UUID, set[_Reader]] = {}
        self._subscriptions: list[Subscription] = []
        self._closed = False

    async def start(self) -> None:
        """Subscribe to `live.>` and `announce.>`."""
        self._subscriptions = [
            await self._bus.subscribe("live.>", self._on_batch),
            await self._bus.subscribe("announce.>", self._on_announcement),
        ]

    async def close(self) -> None:
        """Unsubscribe, end every reader, and wake whoever waits."""
        self._closed = True
        for subscription in self._subscriptions:
            await subscription.close()
        self._subscriptions = []
        for reader in [reader for group in self._readers.values() for reader in group]:
            reader.end()

    def wake(self, watched_id: UUID) -> None:
        """Tell those who wait for the session or the account, in this process, to look again."""
        for event in self._watchers.get(watched_id, ()):
            event.set()

    @contextmanager
    def watch(self, watched_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever something about the session, or any of an account's, changed."""
        event = asyncio.Event()
        self._watchers.setdefault(watched_id, set()).add(event)
        try:
            yield event
        finally:
            _leave(self._watchers, watched_id, event)

    async def snapshot(self, session_id: UUID) -> dict[UUID, Progress]:
        """The fold of each run of the session so far (runs nobody heard of are missing).

        The values are copies: the caller may keep them.
        """
        async with self._database.read() as connection:
            stored = (await runs_of_sessions(connection, [session_id]))[session_id]
        found = {each.run.id: await self._progress_of(each.run.id) for each in stored}
        return {run_id: progress for run_id, progress in found.items() if progress.last_seq}

    def counts(self, run_id: UUID) -> TestCounts | None:
        """The live test counts of a run that this process hears, else None."""
        folded = self._folded.get(run_id)
        return folded.progress.counts() if folded and folded.progress.tests else None

    def stage(self, run_id: UUID) -> str | None:
        """The live stage of a run that this process hears, else None."""
        folded = self._folded.get(run_id)
        return str(folded.progress.stage) if folded and folded.progress.stage else None

    async def follow(self, session_id: UUID, after: Mapping[UUID, int]) -> AsyncGenerator[LiveFrame]:
        """Events of the session's runs after the given ``seq`` of each, and announcements.

        Endless, until the hub is closed. Per run the batches come in order and without a gap, first
        what was missed. The reader stops by closing the iterator (`aclose`), or by ending the task
        that iterates.
        """
        reader = _Reader()
        # Before the first look at what was missed: what comes in between waits, and is not lost.
        self._readers.setdefault(session_id, set()).add(reader)
        try:
            feeds = {run_id: RunFeed(last_seq=seq) for run_id, seq in after.items()}
            async with self._database.read() as connection:
                stored = (await runs_of_sessions(connection, [session_id]))[session_id]
            for each in stored:
                async for batch in self._catch_up(each.run.id, feeds.setdefault(each.run.id, RunFeed())):
                    yield batch
            while not self._closed:
                frame = await reader.frames.get()
                if frame is None:
                    return
                async for shown in self._shown(frame, reader, feeds):
                    yield shown
        finally:
            _leave(self._readers, session_id, reader)

    async def _shown(
        self, frame: LiveFrame, reader: _Reader, feeds: dict[UUID, RunFeed]
    ) -> AsyncIterator[LiveFrame]:
        feed = feeds.setdefault(frame.run_id, RunFeed())
        if isinstance(frame, Announcement):
            if frame.what in _BEGINS_ANEW:
                feeds[frame.run_id] = RunFeed()
            elif frame.what in _MAY_HAVE_MISSED:
                async for batch in self._catch_up(frame.run_id, feed):
                    yield batch
            yield frame
        else:
            if feed.has_gap_before(frame):
                async for batch in self._catch_up(frame.run_id, feed):
                    yield batch
            news = feed.take(frame)
            if news is not None:
                yield news
        if reader.frames.empty() and reader.behind:
            run_id = reader.behind.pop()
            async for batch in self._catch_up(run_id, feeds.setdefault(run_id, RunFeed())):
                yield batch

    async def _catch_up(self, run_id: UUID, feed: RunFeed) -> AsyncIterator[LiveBatch]:
        async for batch in self._missed.after(run_id, feed.last_seq):
            news = feed.take(batch)
            if news is not None:
                yield news

    async def _progress_of(self, run_id: UUID) -> Progress:
        folded = self._folded.get(run_id)
        if folded is None:
            folded = _Folded()
            async for batch in self._missed.after(run_id, 0):
                _fold(folded, batch)
            return folded.progress
        return copy.deepcopy(folded.progress)

    async def _on_batch(self, _subject: str, body: bytes) -> None:
        try:
            batch = LiveBatch.model_validate_json(body)
        except ValidationError as error:
            log.warning("live.malformed", errors=error.error_count())
            return
        for reader in self._readers.get(batch.session_id, ()):
            reader.offer(batch)
        folded = self._remembered(batch.run_id)
        async with folded.lock:
            if folded.feed.has_gap_before(batch):
                async for missed in self._missed.after(batch.run_id, folded.feed.last_seq):
                    _fold(folded, missed)
            _fold(folded, batch)

    async def _on_announcement(self, _subject: str, body: bytes) -> None:
        try:
            announcement = Announcement.model_validate_json(body)
        except ValidationError as error:
            log.warning("live.malformed", errors=error.error_count())
            return
        folded = self._folded.get(announcement.run_id)
        if folded is not None and announcement.what in _BEGINS_ANEW:
            folded.begin_anew()
        for reader in self._readers.get(announcement.session_id, ()):
            reader.offer(announcement)
        self.wake(announcement.session_id)
        self.wake(announcement.account_id)

    def _remembered(self, run_id: UUID) -> _Folded:
        folded = self._folded.setdefault(run_id, _Folded())
        self._folded.move_to_end(run_id)
        while len(self._folded) > _MOST_RUNS_FOLDED:
            self._folded.popitem(last=False)
        return folded


def _fold(folded: _Folded, batch: LiveBatch) -> None:
    if folded.feed.is_another_execution(batch):
        folded.begin_anew()
    news = folded.feed.take(batch)
    for event in news.events if news else ():
        folded.progress.apply(event)


def _leave(groups: dict[UUID, set[Member]], session_id: UUID, member: Member) -> None:
    members = groups.get(session_id, set())
    members.discard(member)
    if not members:
        groups.pop(session_id, None)
