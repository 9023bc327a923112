"""A session's live events, for display only: what counts is read again at the end.

The stream is taken up again after it broke, from the last event seen, until the caller stops.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

from pydantic import ValidationError

from bellrock.client.errors import ApiError, ClientError
from bellrock.client.transport import Transport
from bellrock.wire.messages import Announcement, LiveBatch

LiveFrame = LiveBatch | Announcement

_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0


async def follow_events(transport: Transport, path: str) -> AsyncIterator[LiveFrame]:
    """Frames of a session's stream, in order, each once.

    Ends when the server says that all is over, or refuses; never raises for a broken connection.
    """
    last_event_id = ""
    pause_s = _PAUSE_S
    while True:
        try:
            async with transport.events(path, last_event_id=last_event_id) as source:
                async for event in source:
                    pause_s = _PAUSE_S
                    last_event_id = event.id or last_event_id
                    if event.event == "end":
                        return
                    frame = read_frame(event.data)
                    if frame is not None:
                        yield frame
        except ApiError as refusal:
            if refusal.status < 500:  # noqa: PLR2004  # 4xx will not change by asking again
                return
        except ClientError:
            pass  # a server that restarts: ask again
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def read_frame(data: str) -> LiveFrame | None:
    """One frame's payload: a batch of a run's events, an announcement, or None for anything else."""
    try:
        fields = json.loads(data)
        if isinstance(fields, dict) and "events" in fields:
            return LiveBatch.model_validate(fields)
        if isinstance(fields, dict) and "what" in fields:
            return Announcement.model_validate(fields)
    except (ValueError, ValidationError):
        return None
    return None


def events_path(kind: str, session_id: UUID) -> str:
    """Where the events of a session are; ``kind`` is ``test`` or ``check``."""
    return f"/v1/{kind}-sessions/{session_id}/events"
