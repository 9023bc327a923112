"""What a run printed so far, and what comes after it, without a gap between the two."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import cast
from uuid import UUID

from bellrock.domain.live import LiveEvent, StageEntered
from bellrock.services.live import LiveFrame, LiveHub
from bellrock.web.run_page import MOST_LINES, History, LogLine, log_lines
from bellrock.wire.messages import LiveBatch

READ_S = 3.0


async def history(hub: LiveHub, session_id: UUID, run_id: UUID) -> History:
    """The log up to now. A hub that does not answer in time yields what it did answer."""
    progress = (await hub.snapshot(session_id)).get(run_id)
    if progress is None or progress.last_seq == 0:
        return History()
    lines: deque[LogLine] = deque(maxlen=MOST_LINES)
    stages: list[StageEntered] = []
    read = seen = 0
    try:
        async with asyncio.timeout(READ_S):
            async for events in batches(hub, session_id, run_id, after=0):
                shown = log_lines(events)
                seen += len(shown)
                lines.extend(shown)
                stages.extend(event for event in events if isinstance(event, StageEntered))
                read = events[-1].seq
                if read >= progress.last_seq:
                    break
    except TimeoutError:
        pass  # the page shows what there is, its stream brings the rest
    return History(tuple(lines), tuple(stages), read, cut=seen > len(lines))


async def batches(
    hub: LiveHub, session_id: UUID, run_id: UUID, *, after: int
) -> AsyncIterator[tuple[LiveEvent, ...]]:
    """The events of one run after a ``seq``, as they come; endless."""
    async with aclosing(frames(hub, session_id, {run_id: after})) as following:
        async for frame in following:
            if isinstance(frame, LiveBatch) and frame.run_id == run_id:
                events = tuple(event for event in frame.events if event.seq > after)
                if events:
                    yield events
                    after = events[-1].seq


def frames(hub: LiveHub, session_id: UUID, after: Mapping[UUID, int]) -> AsyncGenerator[LiveFrame, None]:
    """What the hub tells of a session, as something to be closed: an open reader keeps its queue."""
    return cast("AsyncGenerator[LiveFrame, None]", hub.follow(session_id, after))  # type: ignore[redundant-cast]
