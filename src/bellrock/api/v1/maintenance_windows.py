"""Maintenance windows: kept, and not acted on. No check pauses and no alert is silent because of one yet."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.kept import MaintenanceWindowBody, window_body
from bellrock.api.owners import ProjectsOf
from bellrock.api.paging import tell_range
from bellrock.api.queries import Limit, NumericId, Page, compared
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services import kept
from bellrock.services.kept_payload import kept_body
from bellrock.services.kept_payload.maintenance_windows import MaintenanceWindowPayload

router = APIRouter(prefix="/v1/maintenance-windows", tags=["Maintenance windows"])

_KIND = KeptKind.MAINTENANCE_WINDOW


@router.get("")
async def list_windows(
    request: Request,
    response: Response,
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    limit: Limit = 10,
    page: Page = 1,
) -> list[MaintenanceWindowBody]:
    """List windows in the order they were made; ``startsAt[gt]`` and the like say which."""
    filters = [compared(request, name) for name in ("startsAt", "endsAt")]
    found = [
        each
        for each in await kept.all_kept(platform, caller, _KIND)
        if all(is_meant(_moment(each, name)) for name, is_meant in filters)
    ]
    shown = found[(page - 1) * limit : page * limit]
    tell_range(response, page=page, limit=limit, shown=len(shown), total=len(found))
    return [window_body(each, projects) for each in shown]


@router.post("", status_code=201)
async def create_window(
    platform: PlatformOf, caller: EditCaller, projects: ProjectsOf, body: MaintenanceWindowPayload
) -> MaintenanceWindowBody:
    """Keep a new window."""
    return window_body(await kept.create_kept(platform, caller, _KIND, body.body()), projects)


@router.get("/{id}")
async def get_window(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
) -> MaintenanceWindowBody:
    """One window."""
    return window_body(await kept.get_kept(platform, caller, _KIND, id), projects)


@router.put("/{id}")
async def update_window(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    projects: ProjectsOf,
    body: Annotated[dict[str, Any], Body()],
) -> MaintenanceWindowBody:
    """Change a window: fields that are not said stay as they are."""
    changed = await kept.update_kept(
        platform, caller, _KIND, id, change=lambda before: kept_body(_KIND, {**before, **body})
    )
    return window_body(changed, projects)


@router.delete("/{id}", status_code=204)
async def delete_window(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a window."""
    await kept.delete_kept(platform, caller, _KIND, id)
    return Response(status_code=204)


def _moment(window: KeptResource, name: str) -> datetime:
    return datetime.fromisoformat(str(window.body[name]))
