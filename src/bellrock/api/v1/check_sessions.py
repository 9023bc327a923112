"""Check sessions in version 1, whose only difference to version 2 is in words: `for_v1`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from bellrock.api.auth import Caller, PlatformOf, RunCaller
from bellrock.api.bodies.check_sessions import (
    CheckSessionPage,
    CheckSessionWithResults,
    TriggerCheckSessions,
    TriggeredCheckSessions,
    check_session_body,
    check_session_with_results,
    for_v1,
)
from bellrock.api.links import LinksOf
from bellrock.api.queries import Limit, NextId, UnixSeconds, moment, words
from bellrock.api.session_routes import LastEventId, MaxWait, cancel, completed, watch
from bellrock.domain.sessions import CheckSessionStatus, SessionKind
from bellrock.services import read_sessions, start_session

router = APIRouter(prefix="/v1/check-sessions", tags=["Check sessions"])


@router.get("")
async def list_check_sessions(
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    limit: Limit = 20,
    next_id: NextId = None,
    check_id: Annotated[UUID | None, Query(alias="checkId")] = None,
    from_s: Annotated[UnixSeconds, Query(alias="from")] = None,
    to_s: Annotated[UnixSeconds, Query(alias="to")] = None,
) -> CheckSessionPage:
    """List check sessions, newest first (our addition)."""
    statuses = set(words(request, "statuses", allowed=["RUNNING", *CheckSessionStatus]))
    if CheckSessionStatus.TIMED_OUT in statuses:
        statuses.add(CheckSessionStatus.CANCELLED)  # version 1 says the same word for both
    query = read_sessions.SessionQuery(
        kind=SessionKind.CHECK,
        statuses=tuple(sorted(statuses)),
        check_id=check_id,
        from_at=moment(from_s),
        to_at=moment(to_s),
        limit=limit,
        next_id=next_id,
    )
    page = await read_sessions.list_sessions(platform, caller, query)
    entries = tuple(for_v1(check_session_body(view, links)) for view in page.sessions)
    return CheckSessionPage(length=len(entries), entries=entries, next_id=page.next_id)


@router.post("/trigger", status_code=201)
async def trigger_check_sessions(
    platform: PlatformOf, caller: RunCaller, links: LinksOf, body: TriggerCheckSessions | None = None
) -> TriggeredCheckSessions:
    """Start a session of every check meant."""
    asked = body or TriggerCheckSessions()
    views = await start_session.trigger_check_sessions(
        platform, caller, target=asked.target.target(), refresh_cache=asked.refresh_cache
    )
    return TriggeredCheckSessions(sessions=tuple(for_v1(check_session_body(view, links)) for view in views))


@router.get("/{checkSessionId}")
async def get_check_session(
    checkSessionId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> CheckSessionWithResults:
    """One session with its results."""
    view = await read_sessions.get_session(platform, caller, SessionKind.CHECK, session_id=checkSessionId)
    return for_v1(check_session_with_results(view, links))


@router.get("/{checkSessionId}/completion")
async def await_check_session(
    checkSessionId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    max_wait_s: MaxWait = None,
) -> CheckSessionWithResults:
    """One session once it is final; 408 means: ask again."""
    view = await completed(
        request,
        platform,
        caller,
        kind=SessionKind.CHECK,
        session_id=checkSessionId,
        max_wait_s=max_wait_s,
    )
    return for_v1(check_session_with_results(view, links))


@router.post("/{checkSessionId}/cancel", status_code=204)
async def cancel_check_session(
    checkSessionId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: RunCaller,
) -> Response:
    """Stop the session's runs, or those named by ``sequenceId``."""
    return await cancel(request, platform, caller, kind=SessionKind.CHECK, session_id=checkSessionId)


@router.get("/{checkSessionId}/events")
async def watch_check_session(
    checkSessionId: UUID,  # noqa: N803
    request: Request,
    links: LinksOf,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Server-sent events of the session until it is final (our addition; in the words of version 2)."""
    return await watch(
        request,
        links,
        kind=SessionKind.CHECK,
        session_id=checkSessionId,
        last_event_id=last_event_id,
    )
