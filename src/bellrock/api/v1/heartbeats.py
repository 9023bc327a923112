"""What came of heartbeat monitors: events and availability."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.heartbeats import (
    AvailabilityBody,
    EventsBody,
    OneEventBody,
    availability_body,
    event_body,
    stats_body,
)
from bellrock.api.queries import UtcMoment
from bellrock.services import heartbeat_monitors

router = APIRouter(prefix="/v1/checks/heartbeats/{checkId}", tags=["Heartbeats"])


class Span(BaseModel):
    """A time: dates or moments as in ISO 8601, in UTC unless they say another zone."""

    start_at: UtcMoment | None = Field(None, alias="startTime")
    end_at: UtcMoment | None = Field(None, alias="endTime")


class EventFilters(Span):
    """Which events to list."""

    limit: int = Field(10, ge=1, le=10)


@router.get("/events")
async def list_heartbeat_events(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    filters: Annotated[EventFilters, Query()],
) -> list[EventsBody]:
    """List pings that came and pings that were missed, newest first. The list has one entry, with all."""
    events, stats = await heartbeat_monitors.list_events(
        platform, caller, checkId, from_at=filters.start_at, to_at=filters.end_at, limit=filters.limit
    )
    return [EventsBody(events=tuple(event_body(event) for event in events), stats=stats_body(stats))]


@router.get("/events/{id}")
async def get_heartbeat_event(
    checkId: UUID,  # noqa: N803
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: Caller,
) -> OneEventBody:
    """One ping that came or was missed."""
    event, stats = await heartbeat_monitors.get_event(platform, caller, checkId, event_id=id)
    return OneEventBody(event=event_body(event), stats=stats_body(stats))


@router.get("/availability")
async def get_heartbeat_availability(
    checkId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    span: Annotated[Span, Query()],
) -> AvailabilityBody:
    """How often pings came from ``startTime`` to ``endTime``, else in the last 24 hours, and before that."""
    availability = await heartbeat_monitors.get_availability(
        platform, caller, checkId, from_at=span.start_at, to_at=span.end_at
    )
    return availability_body(availability)
