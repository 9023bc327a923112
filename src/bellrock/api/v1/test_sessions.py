"""Test sessions: started from deployed checks or from checks in the body, listed, read, cancelled."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, PlatformOf, RunCaller
from bellrock.api.bodies.check_results import AssetManifest, AssetSource, asset_manifest
from bellrock.api.bodies.runs import Row
from bellrock.api.bodies.test_session_asks import (
    RunTestSession,
    Scheduled,
    Scheduling,
    TriggerTestSession,
    started_fields,
)
from bellrock.api.bodies.test_sessions import (
    TestSessionBody,
    TestSessionPage,
    TestSessionResult,
    test_session_body,
    test_session_entry,
    test_session_result,
)
from bellrock.api.links import LinksOf
from bellrock.api.queries import LAST_SECOND, asset_types, moment, words
from bellrock.api.scheduling import open_scheduling, seal_scheduling
from bellrock.api.session_routes import LastEventId, MaxWait, cancel, completed, watch
from bellrock.domain.access import Principal
from bellrock.domain.sessions import SessionKind, TestSessionStatus
from bellrock.services import read_sessions, results, session_error_groups, start_session
from bellrock.services.platform import Platform

router = APIRouter(prefix="/v1/test-sessions", tags=["Test sessions"])

_PROVIDERS = ("GITHUB", "VERCEL", "API", "TRIGGER", "PW_REPORTER")


class SessionFilters(BaseModel):
    """Which sessions to list. The filters that are lists are read by `words`."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(20, ge=1, le=100)
    next_id: str | None = Field(None, alias="nextId", min_length=1, max_length=500)
    from_s: float | None = Field(None, alias="from", ge=0, le=LAST_SECOND)
    to_s: float | None = Field(None, alias="to", ge=0, le=LAST_SECOND)
    no_users: bool = Field(default=False, alias="noUsers")
    text: str | None = Field(None, alias="textSearch", min_length=3, max_length=200)
    error_group_id: str | None = Field(None, alias="errorGroupId", min_length=1)


@router.get("")
async def list_test_sessions(
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    filters: Annotated[SessionFilters, Query()],
) -> TestSessionPage:
    """List test sessions, newest first. Also: ``statuses``, ``branches``, ``users``, ``providers``."""
    query = read_sessions.SessionQuery(
        kind=SessionKind.TEST,
        statuses=words(request, "statuses", allowed=tuple(TestSessionStatus)),
        branches=words(request, "branches"),
        users=words(request, "users"),
        providers=words(request, "providers", allowed=_PROVIDERS),
        no_users=filters.no_users,
        text=filters.text,
        from_at=moment(filters.from_s),
        to_at=moment(filters.to_s),
        limit=filters.limit,
        next_id=filters.next_id,
        session_ids=await _sessions_with(platform, caller, filters.error_group_id),
    )
    page = await read_sessions.list_sessions(platform, caller, query)
    entries = tuple(test_session_entry(view) for view in page.sessions)
    return TestSessionPage(length=len(entries), entries=entries, next_id=page.next_id)


async def _sessions_with(
    platform: Platform, principal: Principal, error_group_id: str | None
) -> frozenset[UUID] | None:
    if error_group_id is None:
        return None
    return await session_error_groups.sessions_in_group(platform, principal, error_group_id)


@router.post("/trigger", status_code=201)
async def trigger_test_session(
    platform: PlatformOf, caller: RunCaller, links: LinksOf, body: TriggerTestSession
) -> TestSessionBody:
    """Start a session of deployed checks at one location."""
    view = await start_session.trigger_test_session(platform, caller, body.request())
    return test_session_body(view, links)


@router.post("/run", status_code=202, response_model_exclude_none=True)
async def run_test_session(platform: PlatformOf, caller: RunCaller, body: RunTestSession) -> Scheduled:
    """Start a session of checks that are not deployed."""
    view = await start_session.run_test_session(platform, caller, body.request())
    scheduling_id = seal_scheduling(platform, caller, view, recorded=body.should_record)
    return Scheduled(scheduling_id=scheduling_id, **started_fields(view, recorded=body.should_record))


@router.get("/scheduling/{schedulingId}/completion")
async def await_scheduling(
    schedulingId: str,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    max_wait_s: MaxWait = None,  # noqa: ARG001  (clients send it)
) -> Scheduling:
    """How the scheduling ended: run answers when it is over, so this never waits."""
    return open_scheduling(platform, caller, schedulingId)


@router.get("/{testSessionId}")
async def get_test_session(
    testSessionId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> TestSessionBody:
    """One session with its results."""
    view = await read_sessions.get_session(platform, caller, SessionKind.TEST, session_id=testSessionId)
    return test_session_body(view, links)


@router.get("/{testSessionId}/completion")
async def await_test_session(
    testSessionId: UUID,  # noqa: N803
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
        session_id=testSessionId,
        max_wait_s=max_wait_s,
    )
    return test_session_body(view, links)


@router.post("/{testSessionId}/cancel", status_code=204)
async def cancel_test_session(
    testSessionId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: RunCaller,
) -> Response:
    """Stop the session's Playwright runs, or those named by ``sequenceId``."""
    return await cancel(request, platform, caller, kind=SessionKind.TEST, session_id=testSessionId)


@router.get("/{testSessionId}/events")
async def watch_test_session(
    testSessionId: UUID,  # noqa: N803
    request: Request,
    links: LinksOf,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Server-sent events of the session until it is final (our addition)."""
    return await watch(
        request, links, kind=SessionKind.TEST, session_id=testSessionId, last_event_id=last_event_id
    )


@router.get("/{testSessionId}/results/{testSessionResultId}")
async def get_test_session_result(
    testSessionId: UUID,  # noqa: N803
    testSessionResultId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> TestSessionResult:
    """One result in full, also while its run goes on."""
    view, run, result = await results.get_session_result(
        platform,
        caller,
        SessionKind.TEST,
        session_id=testSessionId,
        result_id=testSessionResultId,
    )
    return test_session_result(Row(run.run, run, result), view, links)


@router.get("/{testSessionId}/results/{testSessionResultId}/assets", response_model_exclude_none=True)
async def list_test_session_assets(
    testSessionId: UUID,  # noqa: N803
    testSessionResultId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    name: Annotated[str | None, Query(max_length=200)] = None,
) -> AssetManifest:
    """The kept files of one result. Filters: ``type`` (may repeat), ``name`` (a glob)."""
    _, run, result = await results.get_session_result(
        platform,
        caller,
        SessionKind.TEST,
        session_id=testSessionId,
        result_id=testSessionResultId,
    )
    source = AssetSource(
        type="test-session-result",
        check_id=run.run.check_id,
        check_name=run.check_name,
        check_type=run.run.check_type,
        result_id=testSessionResultId,
        test_session_id=testSessionId,
    )
    types = asset_types(request)
    return asset_manifest(result, source, links, types=types, name=name)
