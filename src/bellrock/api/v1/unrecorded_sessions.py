"""Unrecorded test sessions, for whoever started one: wait for it, watch it, read its results.

Our addition. They are on no list, under no other path, and cannot be cancelled; the id is said once,
in the answer that started the session.
"""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.runs import Row
from bellrock.api.bodies.test_sessions import (
    TestSessionBody,
    TestSessionResult,
    test_session_body,
    test_session_result,
)
from bellrock.api.links import LinksOf
from bellrock.api.session_routes import LastEventId, MaxWait, completed, watch
from bellrock.domain.sessions import SessionKind
from bellrock.services import read_sessions, results

router = APIRouter(prefix="/v1/unrecorded-sessions", tags=["Test sessions"])


@router.get("/{sessionId}")
async def get_unrecorded_session(
    sessionId: UUID,  # noqa: N803  (the contract's style of names)
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> TestSessionBody:
    """One session with its results."""
    view = await read_sessions.get_session(
        platform, caller, SessionKind.TEST, session_id=sessionId, recorded=False
    )
    return test_session_body(view, links)


@router.get("/{sessionId}/completion")
async def await_unrecorded_session(
    sessionId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    max_wait_s: MaxWait = None,
) -> TestSessionBody:
    """One session once it is final; 408 means: ask again."""
    view = await completed(
        request,
        platform,
        caller,
        kind=SessionKind.TEST,
        session_id=sessionId,
        max_wait_s=max_wait_s,
        recorded=False,
    )
    return test_session_body(view, links)


@router.get("/{sessionId}/events")
async def watch_unrecorded_session(
    sessionId: UUID,  # noqa: N803
    request: Request,
    links: LinksOf,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Server-sent events of the session until it is final."""
    return await watch(
        request,
        links,
        kind=SessionKind.TEST,
        session_id=sessionId,
        last_event_id=last_event_id,
        recorded=False,
    )


@router.get("/{sessionId}/results/{resultId}")
async def get_unrecorded_result(
    sessionId: UUID,  # noqa: N803
    resultId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> TestSessionResult:
    """One result in full, also while its run goes on."""
    view, run, result = await results.get_session_result(
        platform,
        caller,
        SessionKind.TEST,
        session_id=sessionId,
        result_id=resultId,
        recorded=False,
    )
    return test_session_result(Row(run.run, run, result), view, links)
