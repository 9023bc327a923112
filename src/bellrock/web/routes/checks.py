"""The list of checks, and "Schedule now"."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bellrock.domain.access import Principal
from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import KEPT_TYPES, Check
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.checks import list_checks
from bellrock.services.kept import everything_kept
from bellrock.services.platform import Platform
from bellrock.services.read_sessions import SessionQuery, list_sessions
from bellrock.services.start_session import start_check_session
from bellrock.services.views import SessionView
from bellrock.web.login import LoggedIn, Parts
from bellrock.web.render import page

PER_PAGE = 25

router = APIRouter()

_SHOWN = frozenset(
    {
        KeptKind.ALERT_CHANNEL,
        KeptKind.DASHBOARD,
        KeptKind.MAINTENANCE_WINDOW,
        KeptKind.STATUS_PAGE,
        KeptKind.STATUS_PAGE_AUTOMATION_RULE,
        KeptKind.STATUS_PAGE_COMPONENT,
        KeptKind.STATUS_PAGE_SERVICE,
    }
)
"""What people make by itself: ties and incidents are parts of others."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check and its latest session, None if it never ran."""

    check: Check
    last: SessionView | None

    @property
    def is_supported(self) -> bool:
        """Whether this version can run the check."""
        return self.check.type not in KEPT_TYPES


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A thing that is kept and not acted on, as it is listed below the checks."""

    type: str
    name: str
    project: str | None

    @classmethod
    def of(cls, resource: KeptResource) -> "KeptRow":
        """One kept thing."""
        names = (resource.body.get(each) for each in ("name", "header", "title", "type"))
        name = next((each for each in names if isinstance(each, str) and each), resource.physical_id)
        return cls(resource.kind.replace("-", " "), name, resource.project_id)


@router.get("/checks")
async def checks_page(
    request: Request,
    platform: Parts,
    principal: LoggedIn,
    search: str = "",
    number: Annotated[int, Query(alias="page", ge=1)] = 1,
) -> Response:
    """The checks by name."""
    found = await list_checks(platform, principal, page=number, limit=PER_PAGE, search=search or None)
    rows = await asyncio.gather(*(_row(platform, principal, check) for check in found.checks))
    pages = max(-(-found.total // PER_PAGE), 1)
    kept = [KeptRow.of(each) for each in await everything_kept(platform, principal) if each.kind in _SHOWN]
    context = {
        "rows": rows,
        "kept": kept,
        "total": found.total,
        "search": search,
        "page": number,
        "pages": pages,
    }
    return page(request, "checks.html", context)


@router.post("/checks/{check_id}/schedule")
async def schedule_now(check_id: UUID, platform: Parts, principal: LoggedIn) -> Response:
    """Start a check session, and go to see it."""
    started = await start_check_session(platform, principal, check_id=check_id, source=RunSource.SCHEDULE_NOW)
    return RedirectResponse(f"/sessions/{started.session.id}", 303)


async def _row(platform: Platform, principal: Principal, check: Check) -> CheckRow:
    query = SessionQuery(check_id=check.id, limit=1)
    found = await list_sessions(platform, principal, query)
    return CheckRow(check, next(iter(found.sessions), None))
