"""The list of sessions, one session, and cancelling it or one of its runs."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bellrock.domain.access import Right
from bellrock.domain.cancellation import Via
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.sessions import SessionKind
from bellrock.services.cancel_session import cancel_session
from bellrock.services.read_sessions import SessionQuery, list_sessions
from bellrock.web import session_page
from bellrock.web.login import LoggedIn, Parts
from bellrock.web.render import page
from bellrock.web.routes.loading import chosen_run, find_run, find_session, is_settled, tests_panel

PER_PAGE = 25

router = APIRouter()


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """The filters as they stand in the address. Empty means: not filtered."""

    kind: str = ""
    status: str = ""
    text: str = ""
    branch: str = ""
    who: str = ""
    check: str = ""
    next: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything but the place in the list is chosen."""
        return any((self.kind, self.status, self.text, self.branch, self.who, self.check))

    def address(self, path: str, *, next_id: str | None) -> str:
        """These filters as an address, at a place in the list."""
        names = ("kind", "status", "text", "branch", "who", "check")
        chosen = {name: getattr(self, name) for name in names if getattr(self, name)}
        if next_id:
            chosen["next"] = next_id
        return f"{path}?{urlencode(chosen)}" if chosen else path

    def query(self) -> SessionQuery:
        """What the service is asked. Raises Invalid, naming the filter."""
        if self.kind not in ("", *SessionKind):
            raise Invalid(f"kind: {self.kind!r} is none of check, test")
        try:
            check_id = UUID(self.check) if self.check else None
        except ValueError as error:
            raise Invalid("check: must be the id of a check") from error
        return SessionQuery(
            kind=SessionKind(self.kind) if self.kind else None,
            statuses=(self.status,) if self.status else (),
            branches=(self.branch,) if self.branch else (),
            users=(self.who,) if self.who else (),
            text=self.text or None,
            check_id=check_id,
            limit=PER_PAGE,
            next_id=self.next or None,
        )


def filter_of(request: Request) -> SessionFilter:
    """The filters of an address; what is unknown is ignored."""
    known = SessionFilter.__dataclass_fields__
    return SessionFilter(
        **{name: value.strip() for name, value in request.query_params.items() if name in known}
    )


@router.get("/")
async def home(_principal: LoggedIn) -> Response:
    """The sessions are what people come for."""
    return RedirectResponse("/sessions", 303)


@router.get("/sessions")
async def sessions_page(request: Request, platform: Parts, principal: LoggedIn) -> Response:
    """Sessions, newest first."""
    chosen = filter_of(request)
    found = await list_sessions(platform, principal, chosen.query())
    context = {
        "pages": [session_page.build(view, principal) for view in found.sessions],
        "filter": chosen,
        "filtered": chosen.is_set,
        "first": not chosen.next,
        "first_address": chosen.address("/sessions", next_id=None),
        "next_address": chosen.address("/sessions", next_id=found.next_id) if found.next_id else None,
        "stream": chosen.address("/sessions/live", next_id=chosen.next or None),
        "now": platform.clock(),
    }
    return page(request, "sessions.html", context)


@router.get("/sessions/{session_id}")
async def one_session(
    request: Request,
    platform: Parts,
    principal: LoggedIn,
    session_id: UUID,
    run: UUID | None = None,
    show: str = "all",
) -> Response:
    """A session: its runs, and the tests of one of them."""
    view = await find_session(platform, principal, session_id)
    progress = await platform.live.snapshot(session_id)
    shown = session_page.build(view, principal, progress=progress)
    picked = chosen_run(view, run)
    tests = tests_panel(shown, picked, show=show, progress=progress.get(picked.run.id))
    where = urlencode({"run": picked.run.id, "show": tests.show})
    context = {
        "page": shown,
        "tests": tests,
        "now": platform.clock(),
        "stream": None if is_settled(view) else f"/sessions/{session_id}/live?{where}",
    }
    return page(request, "session.html", context)


@router.get("/sessions/{session_id}/cancel")
async def ask_before_cancel(
    request: Request, platform: Parts, principal: LoggedIn, session_id: UUID, run: UUID | None = None
) -> Response:
    """The question, for browsers without JavaScript; the others ask in a dialog."""
    principal.must(Right.RUN)
    view = await find_session(platform, principal, session_id)
    what = f"the run at {find_run(view, run).run.location}" if run else "the whole session"
    shown = session_page.build(view, principal)
    return page(request, "cancel.html", {"page": shown, "run_id": run, "what": what})


@router.post("/sessions/{session_id}/cancel")
async def cancel(
    request: Request,
    platform: Parts,
    principal: LoggedIn,
    session_id: UUID,
    run: Annotated[str, Form()] = "",
) -> Response:
    """Cancel the session, or the one run named."""
    try:
        sequence_ids = (UUID(run),) if run else None
    except ValueError as error:
        raise Invalid("run: must be the id of a run") from error
    view = await find_session(platform, principal, session_id)
    await cancel_session(
        platform,
        principal,
        view.session.kind,
        session_id=session_id,
        sequence_ids=sequence_ids,
        via=Via.UI,
    )
    if request.headers.get("x-requested-with") == "bellrock":
        return Response(status_code=204)
    return RedirectResponse(f"/sessions/{session_id}", 303)


@router.get("/accounts/{account_id}/{kind}-sessions/{session_id}")
@router.get("/accounts/{account_id}/{kind}-sessions/{session_id}/results/{result_id}")
async def linked(
    platform: Parts,
    principal: LoggedIn,
    account_id: UUID,
    kind: str,
    session_id: UUID,
    result_id: UUID | None = None,
) -> Response:
    """The addresses that the API hands out lead to the same pages."""
    if account_id != principal.account_id or kind not in ("check", "test"):
        raise NotFound("There is no such page in your account.")
    view = await find_session(platform, principal, session_id)
    if result_id is None:
        return RedirectResponse(f"/sessions/{session_id}")
    return RedirectResponse(f"/sessions/{session_id}/runs/{find_run(view, result_id).run.id}")
