"""Dashboards: kept, and not acted on. No page is served for one yet."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.kept import DashboardBody, dashboard_body
from bellrock.api.owners import ProjectsOf
from bellrock.api.paging import tell_range
from bellrock.api.queries import Limit, Page
from bellrock.domain.access import Principal
from bellrock.domain.errors import NotFound
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services import kept
from bellrock.services.kept_payload import kept_body
from bellrock.services.kept_payload.dashboards import DashboardPayload
from bellrock.services.platform import Platform

router = APIRouter(prefix="/v1/dashboards", tags=["Dashboards"])

_KIND = KeptKind.DASHBOARD


@router.get("")
async def list_dashboards(
    response: Response,
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    limit: Limit = 10,
    page: Page = 1,
) -> list[DashboardBody]:
    """List dashboards in the order they were made."""
    found = await kept.page_of_kept(platform, caller, _KIND, page=page, limit=limit)
    tell_range(response, page=page, limit=limit, shown=len(found.resources), total=found.total)
    return [dashboard_body(each, projects) for each in found.resources]


@router.post("", status_code=201)
async def create_dashboard(
    platform: PlatformOf, caller: EditCaller, projects: ProjectsOf, body: DashboardPayload
) -> DashboardBody:
    """Keep a new dashboard."""
    return dashboard_body(await kept.create_kept(platform, caller, _KIND, body.body()), projects)


@router.get("/{dashboardId}")
async def get_dashboard(
    dashboardId: str,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    by: Annotated[Literal["customUrl", "customDomain"] | None, Query(alias="type")] = None,
) -> DashboardBody:
    """One dashboard, by its id, or with ``type`` by its address."""
    if by is None:
        return dashboard_body(await kept.get_kept(platform, caller, _KIND, _key(dashboardId)), projects)
    return dashboard_body(await _by_address(platform, caller, by, dashboardId), projects)


@router.put("/{dashboardId}")
async def update_dashboard(
    dashboardId: str,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    projects: ProjectsOf,
    body: Annotated[dict[str, Any], Body()],
) -> DashboardBody:
    """Change a dashboard: fields that are not said stay as they are."""
    said = {name: value for name, value in body.items() if name != "keys"}
    changed = await kept.update_kept(
        platform,
        caller,
        _KIND,
        _key(dashboardId),
        change=lambda before: kept_body(_KIND, {**before, **said}),
    )
    return dashboard_body(changed, projects)


@router.delete("/{dashboardId}", status_code=204)
async def delete_dashboard(
    dashboardId: str,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a dashboard and its incidents."""
    await kept.delete_kept(platform, caller, _KIND, _key(dashboardId))
    return Response(status_code=204)


def _key(dashboard_id: str) -> UUID:
    try:
        return UUID(dashboard_id)
    except ValueError:
        raise _unknown(dashboard_id) from None


async def _by_address(platform: Platform, caller: Principal, by: str, address: str) -> KeptResource:
    found = await kept.all_kept(platform, caller, _KIND)
    dashboard = next((each for each in found if each.body.get(by) == address), None)
    if dashboard is None:
        raise _unknown(address)
    return dashboard


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no dashboard {name[:80]!r}.")
