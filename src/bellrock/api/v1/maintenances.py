"""Maintenances: each time that a window comes, as the window says. No single one can be changed yet."""

from datetime import datetime
from itertools import islice
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.base import Answer, Instant, SnakeCreated
from bellrock.api.queries import NumericId, Page
from bellrock.domain.errors import NotFound
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.domain.maintenances import Maintenance, Recurrence, maintenances
from bellrock.services import kept
from bellrock.services.kept_payload.maintenance_windows import MaintenanceWindowPayload

router = APIRouter(prefix="/v1/maintenance-windows/{id}/maintenances", tags=["Maintenance windows"])


class MaintenanceBody(Answer):
    """One time that a window comes, and how it stands by the clock."""

    id: UUID
    maintenance_window_id: int
    starts_at: Instant
    ends_at: Instant
    status: str
    created_at: SnakeCreated
    updated_at: Annotated[Instant, Field(alias="updated_at")]
    updates: tuple[()] = ()


@router.get("")
async def list_maintenances(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    page: Page = 1,
) -> list[MaintenanceBody]:
    """Every time that a window comes, the first one first."""
    window = await kept.get_kept(platform, caller, KeptKind.MAINTENANCE_WINDOW, id)
    shown = islice(maintenances(_recurrence(window)), (page - 1) * limit, page * limit)
    at = platform.clock()
    return [_body(each, window, at) for each in shown]


@router.get("/{maintenanceId}")
async def get_maintenance(
    id: NumericId,  # noqa: A002
    maintenanceId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
) -> MaintenanceBody:
    """One time that a window comes."""
    window = await kept.get_kept(platform, caller, KeptKind.MAINTENANCE_WINDOW, id)
    for each in maintenances(_recurrence(window)):
        if each.id == maintenanceId:
            return _body(each, window, platform.clock())
    raise NotFound(f"The maintenance window {id} has no maintenance {maintenanceId}.")


def _recurrence(window: KeptResource) -> Recurrence:
    said = MaintenanceWindowPayload.model_validate(window.body)
    return Recurrence(
        window_id=window.id,
        starts_at=said.starts_at,
        ends_at=said.ends_at,
        zone=ZoneInfo(said.timezone or "UTC"),
        unit=said.repeat_unit,
        interval=said.repeat_interval or 1,
        last_at=said.repeat_ends_at,
    )


def _body(maintenance: Maintenance, window: KeptResource, at: datetime) -> MaintenanceBody:
    return MaintenanceBody(
        id=maintenance.id,
        maintenance_window_id=window.number,
        starts_at=maintenance.starts_at,
        ends_at=maintenance.ends_at,
        status=maintenance.status(at),
        created_at=window.created_at,
        updated_at=window.updated_at or window.created_at,
    )
