"""A session's live events, for display only: what counts is read again at the end.

The stream is taken up again after it broke, from the last event seen, until the caller stops.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationError

from bellrock.client.errors import ApiError, ClientError
from bellrock.client.models import Answer, Session
from bellrock.client.transport import Transport
from bellrock.domain.live import LiveEvent, Progress, Stage, TestError, TestProgress, TestRef, TestStatus

_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The session with its rows, as it stands now."""

    session: Session


@dataclass(frozen=True, slots=True)
class RunSoFar:
    """All that happened in a run before the stream began, folded."""

    run_id: UUID
    progress: Progress


class RunEvents(Answer):
    """What a run's tests did, in order."""

    run_id: UUID = Field(alias="sequenceId")
    events: tuple[Annotated[LiveEvent, Field(discriminator="type")], ...]


class RunChanged(Answer):
    """A run is queued, running, cancelling, retry_wait or final."""

    run_id: UUID = Field(alias="sequenceId")
    what: str


Frame = SessionChanged | RunSoFar | RunEvents | RunChanged


async def follow_events(transport: Transport, path: str) -> AsyncIterator[Frame]:
    """Frames of a session's stream, in order.

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
                    frame = read_frame(event.event, event.data)
                    if frame is not None:
                        yield frame
        except ApiError as refusal:
            if refusal.status < _SERVER_ERROR:
                return  # asking again will not change it
        except ClientError:
            pass  # a server that restarts: ask again
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def read_frame(kind: str, data: str) -> Frame | None:
    """One frame; None for kinds and shapes that this version does not know."""
    try:
        match kind:
            case "session":
                return SessionChanged(Session.model_validate_json(data))
            case "progress":
                body = _RunProgress.model_validate_json(data)
                return RunSoFar(body.sequence_id, _folded(body))
            case "live":
                return RunEvents.model_validate_json(data)
            case "run":
                return RunChanged.model_validate_json(data)
            case _:
                return None
    except ValidationError:
        return None


class _Error(Answer):
    message: str
    snippet: str | None = None
    file: str | None = None
    line: int | None = None


class _Test(Answer):
    id: str
    project: str
    file: str
    line: int
    title: tuple[str, ...]
    tags: tuple[str, ...] = ()
    status: TestStatus
    retry: int = 0
    started_at_ms: int | None = None
    duration_ms: int = 0
    errors: tuple[_Error, ...] = ()
    steps: tuple[dict[str, Any], ...] = ()  # shown by pages, not by the command line


class _RunProgress(Answer):
    sequence_id: UUID
    last_seq: int
    stage: Stage | None = None
    stage_at_ms: int | None = None
    errors: tuple[_Error, ...] = ()
    tests: tuple[_Test, ...] = ()


def _folded(body: _RunProgress) -> Progress:
    progress = Progress()
    progress.last_seq = body.last_seq
    progress.stage, progress.stage_at_ms = body.stage, body.stage_at_ms
    progress.errors = [_error(error) for error in body.errors]
    progress.tests = {test.id: _test(test) for test in body.tests}
    return progress


def _error(error: _Error) -> TestError:
    return TestError(error.message, error.snippet, error.file, error.line)


def _test(test: _Test) -> TestProgress:
    ref = TestRef(test.id, test.project, test.file, test.line, test.title, test.tags)
    return TestProgress(
        ref,
        status=test.status,
        retry=test.retry,
        started_at_ms=test.started_at_ms,
        duration_ms=test.duration_ms,
        errors=tuple(_error(error) for error in test.errors),
    )


def events_path(kind: str, session_id: UUID) -> str:
    """Where the events of a session are; ``kind`` is ``test``, ``check`` or ``unrecorded``."""
    return f"/v1/{kind}-sessions/{session_id}/events"
