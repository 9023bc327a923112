"""Incidents of dashboards, and their updates: records, which no page shows yet."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.incidents import (
    DashboardIncidentAsk,
    DashboardIncidentBody,
    DashboardIncidentEdit,
    DashboardUpdateAsk,
    DashboardUpdateBody,
    DashboardUpdateEdit,
    NewDashboardUpdate,
    SavedDashboardIncident,
    dashboard_incident,
    saved_dashboard_incident,
)
from bellrock.domain.kept import KeptKind
from bellrock.services import incidents, kept

router = APIRouter(prefix="/v1/incidents", tags=["Dashboard incidents"])

_KIND = KeptKind.DASHBOARD_INCIDENT


@router.post("")
async def create_incident(
    platform: PlatformOf, caller: EditCaller, body: DashboardIncidentAsk
) -> DashboardIncidentBody:
    """Keep a new incident of a dashboard, with its first update."""
    first = body.incident_updates[0].model_dump(mode="json", by_alias=True)
    made = await incidents.create_incident(platform, caller, _KIND, body.body(), first=first)
    return dashboard_incident(made, all_updates=True)


@router.get("/{id}")
async def get_incident(
    id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    *,
    all_updates: Annotated[bool, Query(alias="includeAllIncidentUpdates")] = False,
) -> DashboardIncidentBody:
    """One incident with its last update, or with all."""
    found = await kept.get_kept(platform, caller, _KIND, id)
    return dashboard_incident(found, all_updates=all_updates)


@router.put("/{id}")
async def update_incident(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: DashboardIncidentEdit,
) -> SavedDashboardIncident:
    """Replace an incident; its dashboard and its updates stay."""
    changed = await incidents.update_incident(
        platform, caller, _KIND, id, change=lambda before: {**before, **body.body()}
    )
    return saved_dashboard_incident(changed)


@router.delete("/{id}", status_code=204)
async def delete_incident(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete an incident and its updates."""
    await kept.delete_kept(platform, caller, _KIND, id)
    return Response(status_code=204)


@router.post("/{incidentId}/updates", status_code=201)
async def add_update(
    incidentId: UUID,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: EditCaller,
    body: DashboardUpdateAsk,
) -> NewDashboardUpdate:
    """Add an update."""
    update = body.model_dump(mode="json", by_alias=True)
    made = await incidents.add_update(platform, caller, _KIND, incidentId, update=update)
    return NewDashboardUpdate.model_validate({**made, "incidentId": incidentId})


@router.put("/{incidentId}/updates/{id}")
async def change_update(
    incidentId: UUID,  # noqa: N803
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: DashboardUpdateEdit,
) -> DashboardUpdateBody:
    """Change what an update says."""
    said = body.model_dump(mode="json", by_alias=True)
    changed = await incidents.change_update(platform, caller, _KIND, incidentId, update_id=id, said=said)
    return DashboardUpdateBody.model_validate(changed)


@router.delete("/{incidentId}/updates/{id}", status_code=204)
async def delete_update(
    incidentId: UUID,  # noqa: N803
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete an update, unless it is the only one."""
    await incidents.delete_update(platform, caller, _KIND, incidentId, update_id=id)
    return Response(status_code=204)
