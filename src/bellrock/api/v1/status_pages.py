"""Status pages and their services: kept, and not acted on. No page is served, nobody can subscribe yet."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.kept import (
    SavedStatusPage,
    ServiceBody,
    ServicesBody,
    StatusPageBody,
    StatusPagesBody,
    page_body,
    saved_page,
    service_body,
)
from bellrock.api.owners import ProjectsOf
from bellrock.api.queries import NextId
from bellrock.domain.kept import KeptKind
from bellrock.services import kept, status_pages
from bellrock.services.kept_payload.status_pages import ServicePayload, StatusPagePayload

router = APIRouter(prefix="/v1/status-pages", tags=["Status pages"])

_PAGE, _SERVICE = KeptKind.STATUS_PAGE, KeptKind.STATUS_PAGE_SERVICE
_Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/services")
async def list_services(
    platform: PlatformOf,
    caller: Caller,
    limit: _Limit = 20,
    next_id: NextId = None,
    *,
    paginated: Annotated[bool, Query()] = True,
) -> ServicesBody:
    """List services in the order they were made; all at once unless ``paginated``."""
    most = limit if paginated else 1_000_000
    found, following = await status_pages.list_services(platform, caller, next_id=next_id, limit=most)
    return ServicesBody(
        length=len(found), entries=tuple(service_body(each) for each in found), next_id=following
    )


@router.post("/services")
async def create_service(platform: PlatformOf, caller: EditCaller, body: ServicePayload) -> ServiceBody:
    """Keep a new service."""
    made = await kept.create_kept(platform, caller, _SERVICE, body.body())
    return service_body(status_pages.service_view(made))


@router.get("/services/{serviceId}")
async def get_service(
    serviceId: UUID,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: Caller,
) -> ServiceBody:
    """One service."""
    return service_body(status_pages.service_view(await kept.get_kept(platform, caller, _SERVICE, serviceId)))


@router.put("/services/{serviceId}")
async def update_service(
    serviceId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: ServicePayload,
) -> ServiceBody:
    """Rename a service."""
    changed = await kept.update_kept(platform, caller, _SERVICE, serviceId, change=lambda _: body.body())
    return service_body(status_pages.service_view(changed))


@router.delete("/services/{serviceId}", status_code=204)
async def delete_service(
    serviceId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a service. It is on no page and no incident any more."""
    await kept.delete_kept(platform, caller, _SERVICE, serviceId)
    return Response(status_code=204)


@router.get("")
async def list_pages(
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    limit: _Limit = 20,
    next_id: NextId = None,
) -> StatusPagesBody:
    """List status pages in the order they were made."""
    found = await kept.kept_after(platform, caller, _PAGE, next_id=next_id, limit=limit)
    views = await status_pages.page_views(platform, caller, found.resources)
    return StatusPagesBody(
        length=len(views),
        entries=tuple(page_body(each, projects) for each in views),
        next_id=found.next_id,
    )


@router.post("", status_code=201)
async def create_page(platform: PlatformOf, caller: EditCaller, body: StatusPagePayload) -> SavedStatusPage:
    """Keep a new status page."""
    made = await kept.create_kept(platform, caller, _PAGE, body.body())
    return saved_page(await status_pages.page_view(platform, caller, made))


@router.get("/{statusPageId}")
async def get_page(
    statusPageId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
) -> StatusPageBody:
    """One status page with its services and the incidents on them."""
    found = await kept.get_kept(platform, caller, _PAGE, statusPageId)
    return page_body(await status_pages.page_view(platform, caller, found), projects)


@router.put("/{statusPageId}")
async def update_page(
    statusPageId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: StatusPagePayload,
) -> SavedStatusPage:
    """Replace a status page."""
    changed = await kept.update_kept(platform, caller, _PAGE, statusPageId, change=lambda _: body.body())
    return saved_page(await status_pages.page_view(platform, caller, changed))


@router.delete("/{statusPageId}", status_code=204)
async def delete_page(
    statusPageId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a status page. Its services stay."""
    await kept.delete_kept(platform, caller, _PAGE, statusPageId)
    return Response(status_code=204)
