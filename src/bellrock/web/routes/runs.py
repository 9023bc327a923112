"""One run: its log, stages, receipt and files."""

from collections.abc import Sequence
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from bellrock.domain.access import Principal
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import NotFound
from bellrock.domain.live import StageEntered
from bellrock.services.checks import get_check
from bellrock.services.platform import Platform
from bellrock.services.views import RunView
from bellrock.web import run_page, session_page
from bellrock.web.content import artifact_response, links_for
from bellrock.web.login import LoggedIn, Parts
from bellrock.web.options import WebOptions, content_base
from bellrock.web.render import page
from bellrock.web.routes.loading import find_run, find_session, is_settled
from bellrock.web.run_log import history
from bellrock.web.security import FILE_POLICY
from bellrock.wire.messages import Artifact

router = APIRouter()


@router.get("/sessions/{session_id}/runs/{run_id}")
async def one_run(
    request: Request, platform: Parts, principal: LoggedIn, session_id: UUID, run_id: UUID
) -> Response:
    """A run with everything that is known of it."""
    view = await find_session(platform, principal, session_id)
    run = find_run(view, run_id)
    progress = await platform.live.snapshot(session_id)
    told = await history(platform.live, session_id, run_id)
    row = session_page.build_row(run, principal, progress=progress.get(run_id))
    context = {
        "page": session_page.build(view, principal, progress=progress),
        "detail": detail_of(request, platform, principal, run=run, row=row, stages=told.stages),
        "history": told,
        "variables": await _variables(platform, principal, run),
        "now": platform.clock(),
        "stream": None
        if is_settled(view)
        else f"/sessions/{session_id}/runs/{run_id}/live?after={told.last_seq}",
    }
    return page(request, "run.html", context)


def detail_of(
    request: Request,
    platform: Platform,
    principal: Principal,
    *,
    run: RunView,
    row: session_page.RunRow,
    stages: Sequence[StageEntered],
) -> run_page.RunDetail:
    """The run's own part of its page, with links that fit the host this request came to."""
    options: WebOptions = request.app.state.options
    base = content_base(options, scheme=request.url.scheme, host=request.headers.get("host", ""))
    if base is None:
        return run_page.build(run, row, stages=stages, open_link=lambda _: None, can_open=False)
    viewer = options.trace_viewer() is not None
    links = links_for(platform, principal, run.run.id, base=base, viewer=viewer)
    return run_page.build(run, row, stages=stages, open_link=links.open_link, can_open=True)


async def _variables(
    platform: Platform, principal: Principal, run: RunView
) -> tuple[EnvironmentVariable, ...]:
    if run.run.check_id is None:
        return ()
    try:
        return (await get_check(platform, principal, run.run.check_id)).environment
    except NotFound:
        return ()  # the check was deleted, its sessions stay


@router.get("/sessions/{session_id}/runs/{run_id}/files/{name:path}")
async def file(
    request: Request,
    platform: Parts,
    principal: LoggedIn,
    session_id: UUID,
    run_id: UUID,
    name: str,
    download: bool = False,  # noqa: FBT001, FBT002  (a flag of the address)
) -> Response:
    """A kept file. Images and videos are shown; anything that could run a script is only downloaded."""
    find_run(await find_session(platform, principal, session_id), run_id)
    leaf = quote(name.rpartition("/")[2])

    def disposition(artifact: Artifact) -> str:
        shown = artifact.content_type in run_page.SAFE_TO_SHOW and not download
        return "inline" if shown else f"attachment; filename*=UTF-8''{leaf}"

    return await artifact_response(
        request, platform, principal, run_id=run_id, name=name, policy=FILE_POLICY, disposition=disposition
    )
