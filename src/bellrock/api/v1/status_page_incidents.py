"""Incidents of status pages, and their updates: records, of which nobody is told yet."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.incidents import (
    IncidentAsk,
    IncidentBody,
    IncidentChange,
    IncidentEdit,
    IncidentsBody,
    IncidentUpdateAsk,
    IncidentUpdateBody,
)
from bellrock.api.queries import NextId
from bellrock.domain.access import Principal
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services import incidents, kept
from bellrock.services.platform import Platform
from bellrock.services.status_pages import incident_views

router = APIRouter(prefix="/v1/status-pages/incidents", tags=["Status page incidents"])

_KIND = KeptKind.STATUS_PAGE_INCIDENT


@router.get("")
async def list_incidents(
    platform: PlatformOf,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    next_id: NextId = None,
) -> IncidentsBody:
    """List incidents in the order they were made."""
    found = await kept.kept_after(platform, caller, _KIND, next_id=next_id, limit=limit)
    views = await incident_views(platform, caller, found.resources)
    entries = tuple(IncidentBody.of(each) for each in views)
    return IncidentsBody(length=len(entries), entries=entries, next_id=found.next_id)


@router.post("", status_code=201)
async def create_incident(platform: PlatformOf, caller: EditCaller, body: IncidentAsk) -> IncidentBody:
    """Keep a new incident with its first update."""
    first = body.incident_updates[0].update(platform.clock())
    made = await incidents.create_incident(platform, caller, _KIND, body.body(), first=first)
    return await _body(platform, caller, made)


@router.get("/{incidentId}")
async def get_incident(
    incidentId: UUID,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: Caller,
) -> IncidentBody:
    """One incident."""
    return await _body(platform, caller, await kept.get_kept(platform, caller, _KIND, incidentId))


@router.put("/{incidentId}")
async def update_incident(
    incidentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: IncidentEdit,
) -> IncidentBody:
    """Replace an incident; its updates stay."""
    changed = await incidents.update_incident(
        platform, caller, _KIND, incidentId, change=lambda _: body.body()
    )
    return await _body(platform, caller, changed)


@router.patch("/{incidentId}")
async def change_incident(
    incidentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: IncidentChange,
) -> IncidentBody:
    """Change an incident in part, as command lines do."""
    changed = await incidents.update_incident(platform, caller, _KIND, incidentId, change=body.onto)
    return await _body(platform, caller, changed)


@router.delete("/{incidentId}", status_code=204)
async def delete_incident(
    incidentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete an incident and its updates."""
    await kept.delete_kept(platform, caller, _KIND, incidentId)
    return Response(status_code=204)


@router.get("/{incidentId}/incident-updates")
async def list_updates(
    incidentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
) -> list[IncidentUpdateBody]:
    """List an incident's updates in the order they were made."""
    found = await kept.get_kept(platform, caller, _KIND, incidentId)
    return [IncidentUpdateBody.of(each) for each in found.body["updates"]]


@router.post("/{incidentId}/incident-updates")
async def add_update(
    incidentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: IncidentUpdateAsk,
) -> IncidentUpdateBody:
    """Add an update."""
    update = body.update(platform.clock())
    return IncidentUpdateBody.of(
        await incidents.add_update(platform, caller, _KIND, incidentId, update=update)
    )


@router.get("/{incidentId}/incident-updates/{incidentUpdateId}")
async def get_update(
    incidentId: UUID,  # noqa: N803
    incidentUpdateId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
) -> IncidentUpdateBody:
    """One update."""
    found = await kept.get_kept(platform, caller, _KIND, incidentId)
    return IncidentUpdateBody.of(incidents.find_update(found.body["updates"], incidentUpdateId))


@router.put("/{incidentId}/incident-updates/{incidentUpdateId}")
async def change_update(
    incidentId: UUID,  # noqa: N803
    incidentUpdateId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: IncidentUpdateAsk,
) -> IncidentUpdateBody:
    """Replace what an update says; a date that is not said stays."""
    said = body.update(platform.clock())
    if body.public_incident_update_date is None:
        del said["publicIncidentUpdateDate"]
    changed = await incidents.change_update(
        platform, caller, _KIND, incidentId, update_id=incidentUpdateId, said=said
    )
    return IncidentUpdateBody.of(changed)


@router.delete("/{incidentId}/incident-updates/{incidentUpdateId}", status_code=204)
async def delete_update(
    incidentId: UUID,  # noqa: N803
    incidentUpdateId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete an update, unless it is the only one."""
    await incidents.delete_update(platform, caller, _KIND, incidentId, update_id=incidentUpdateId)
    return Response(status_code=204)


async def _body(platform: Platform, caller: Principal, incident: KeptResource) -> IncidentBody:
    (view,) = await incident_views(platform, caller, [incident])
    return IncidentBody.of(view)
