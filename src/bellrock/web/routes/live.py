"""The streams that keep pages up to date: whatever changed is drawn again and sent.

A stream begins with the present state of everything on the page, so a page that lost its connection,
or outlived a restart of the server, is right again with the first message.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import StreamingResponse

from bellrock.domain.access import Principal
from bellrock.domain.live import StageEntered
from bellrock.services.platform import Platform
from bellrock.services.read_sessions import list_sessions
from bellrock.services.views import RunView, SessionView
from bellrock.web import live_swap, session_page
from bellrock.web.following import Follower
from bellrock.web.live_swap import Sent
from bellrock.web.login import SESSION_COOKIE, LoggedIn, Parts, principal_of
from bellrock.web.render import fragment
from bellrock.web.routes.loading import find_run, find_session, is_settled
from bellrock.web.routes.runs import detail_of
from bellrock.web.routes.sessions import SessionFilter, filter_of
from bellrock.web.run_fragments import RunDrawing
from bellrock.web.run_page import RunDetail
from bellrock.web.session_fragments import SessionDrawing
from bellrock.web.session_page import RunRow

LIST_POLL_S = 1.0
QUIET_POLLS = 15

router = APIRouter()


def stream(body: AsyncIterator[bytes]) -> StreamingResponse:
    """Server-sent events that nobody keeps or buffers."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body, headers=headers, media_type="text/event-stream")


async def still_allowed(request: Request, platform: Platform) -> bool:
    """Whether who reads the stream is still logged in."""
    return await principal_of(platform, request.cookies.get(SESSION_COOKIE)) is not None


@router.get("/sessions/live")
async def live_list(request: Request, platform: Parts, principal: LoggedIn) -> StreamingResponse:
    """Keeps the list of sessions up to date."""
    chosen = filter_of(request)
    chosen.query()
    return stream(_list_updates(request, platform, principal, chosen=chosen))


async def _list_updates(
    request: Request, platform: Platform, principal: Principal, *, chosen: SessionFilter
) -> AsyncIterator[bytes]:
    sent, now, ids, quiet = Sent(), platform.clock(), None, 0
    while await still_allowed(request, platform):
        found = await list_sessions(platform, principal, chosen.query())
        pages = [session_page.build(view, principal) for view in found.sessions]
        rows = {f"session-{page.id}": fragment("_session.html", "session_row", page, now) for page in pages}
        if ids is not None and not ids and rows:
            yield live_swap.named("live:reload")
            return
        changed = sent.changed(rows)
        if ids != list(rows):
            ids = list(rows)
            changed = live_swap.replace("session-rows", fragment("_session.html", "session_rows", pages, now))
        quiet = 0 if changed else quiet + 1
        if changed and ids:
            yield live_swap.message(changed)
        elif quiet % QUIET_POLLS == 1:
            yield live_swap.KEEP_ALIVE
        await asyncio.sleep(LIST_POLL_S)


@router.get("/sessions/{session_id}/live")
async def live_session(
    request: Request,
    platform: Parts,
    principal: LoggedIn,
    session_id: UUID,
    run: UUID,
    show: str = "all",
) -> StreamingResponse:
    """Keeps a session's page up to date until nothing will change any more."""
    view = await find_session(platform, principal, session_id)
    find_run(view, run)
    drawing = SessionDrawing(principal, run_id=run, show=show, now=platform.clock())
    return stream(_session_updates(request, platform, principal, view=view, drawing=drawing))


async def _session_updates(
    request: Request, platform: Platform, principal: Principal, *, view: SessionView, drawing: SessionDrawing
) -> AsyncIterator[bytes]:
    session_id = view.session.id
    follower = Follower(platform.live, session_id, progress=await platform.live.snapshot(session_id))
    async with follower.running():
        while not follower.ended:
            changed = drawing.changes(view, follower.progress)
            yield live_swap.message(changed) if changed else live_swap.KEEP_ALIVE
            if is_settled(view):
                yield live_swap.named("done")
                return
            if await follower.wait():
                if not await still_allowed(request, platform):
                    return
                view = await find_session(platform, principal, session_id)


@router.get("/sessions/{session_id}/runs/{run_id}/live")
async def live_run(
    request: Request, platform: Parts, principal: LoggedIn, session_id: UUID, run_id: UUID, after: int = 0
) -> StreamingResponse:
    """Keeps a run's page up to date; the log goes on after the event that was seen last."""
    find_run(await find_session(platform, principal, session_id), run_id)
    seen = request.headers.get("last-event-id", "")
    after = int(seen) if seen.isdecimal() else after
    updates = _run_updates(request, platform, principal, session_id=session_id, run_id=run_id, after=after)
    return stream(updates)


async def _run_updates(
    request: Request, platform: Platform, principal: Principal, *, session_id: UUID, run_id: UUID, after: int
) -> AsyncIterator[bytes]:
    follower = Follower(platform.live, session_id, progress=await platform.live.snapshot(session_id))
    follower.read_again_from(run_id, 0)  # the stages are shown from the first one on
    view = await find_session(platform, principal, session_id)

    def draw_detail(run: RunView, row: RunRow, stages: Sequence[StageEntered]) -> RunDetail:
        return detail_of(request, platform, principal, run=run, row=row, stages=stages)

    drawing = RunDrawing(principal, run_id=run_id, after=after, now=platform.clock(), draw_detail=draw_detail)
    async with follower.running():
        while not follower.ended:
            for html in drawing.new_lines(follower.take_events(run_id)):
                yield live_swap.message(html)
            changed = drawing.changes(view, follower.progress)
            yield live_swap.message(changed, event_id=str(drawing.after))
            if is_settled(view) and drawing.after >= _last_seq(follower, run_id):
                yield live_swap.named("done")
                return
            if await follower.wait():
                if not await still_allowed(request, platform):
                    return
                view = await find_session(platform, principal, session_id)


def _last_seq(follower: Follower, run_id: UUID) -> int:
    folded = follower.progress.get(run_id)
    return folded.last_seq if folded else 0
