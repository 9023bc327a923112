"""What every kind of session in every version is asked for in the same way: cancel, wait, watch."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from bellrock.api.auth import config_of
from bellrock.api.bodies.base import Answer, Ask
from bellrock.api.bodies.check_sessions import check_session_with_results
from bellrock.api.bodies.test_sessions import test_session_body
from bellrock.api.errors import StillRunning
from bellrock.api.links import Links
from bellrock.api.request_bodies import read_optional
from bellrock.api.session_events import Watched, session_events
from bellrock.domain.access import Principal
from bellrock.domain.cancellation import Via
from bellrock.domain.sessions import SessionKind
from bellrock.services import cancel_session, read_sessions
from bellrock.services.platform import Platform
from bellrock.services.views import SessionView

MaxWait = Annotated[float | None, Query(alias="maxWaitSeconds", ge=1, le=30)]
WholeMaxWait = Annotated[int | None, Query(alias="maxWaitSeconds", ge=1, le=30)]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20_000)]


class CancelAsk(Ask):
    """Which runs to stop; without ``sequenceId`` all that are still running."""

    sequence_id: Annotated[tuple[UUID, ...], Field(min_length=1)] = ()


async def cancel(
    request: Request, platform: Platform, principal: Principal, *, kind: SessionKind, session_id: UUID
) -> Response:
    """Stop a session's runs: 204 once that is durable, before the runs have stopped."""
    ask = await read_optional(request, CancelAsk)
    by_cli = request.headers.get("x-checkly-source", "").upper() == Via.CLI
    await cancel_session.cancel_session(
        platform,
        principal,
        kind,
        session_id=session_id,
        sequence_ids=tuple(dict.fromkeys(ask.sequence_id)) or None,
        via=Via.CLI if by_cli else Via.API,
    )
    return Response(status_code=204)


async def completed(
    request: Request,
    platform: Platform,
    principal: Principal,
    *,
    kind: SessionKind,
    session_id: UUID,
    max_wait_s: float | None,
    recorded: bool = True,
) -> SessionView:
    """The session once it is final; 408 when it is not in time."""
    wait_s = max_wait_s if max_wait_s is not None else config_of(request).completion_wait_s
    view = await read_sessions.await_completion(
        platform, principal, kind, session_id=session_id, max_wait_s=wait_s, recorded=recorded
    )
    if view is None:
        raise StillRunning
    return view


async def watch(
    request: Request,
    links: Links,
    *,
    kind: SessionKind,
    session_id: UUID,
    last_event_id: str | None,
    recorded: bool = True,
) -> StreamingResponse:
    """The session's live events."""

    async def read() -> SessionView:
        return await read_sessions.get_session(
            links.platform, links.principal, kind, session_id=session_id, recorded=recorded
        )

    def say(view: SessionView) -> Answer:
        if kind is SessionKind.CHECK:
            return check_session_with_results(view, links)
        return test_session_body(view, links)

    watched = Watched(session_id, read, say)
    keep_alive_s = config_of(request).keep_alive_s
    return await session_events(
        watched, links.platform.live, last_event_id=last_event_id, keep_alive_s=keep_alive_s
    )
