"""Heartbeat monitors: their events, their availability, and what they say of themselves in a check."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from bellrock.api.bodies.base import Answer, Instant, is_none
from bellrock.domain.heartbeats import HeartbeatEvent
from bellrock.services.heartbeat_monitors import Availability, HeartbeatStats

Unit = Literal["seconds", "minutes", "hours", "days"]


class EventBody(Answer):
    """A ping that came, or (FAILING) one that did not."""

    id: UUID
    state: Literal["FAILING", "EARLY", "RECEIVED", "GRACE", "LATE"]
    timestamp: Instant
    source: str | None
    user_agent: str | None


class SuccessRatioBody(Answer):
    """In percent. A period in which no ping came or was missed has none: the contract knows no null here."""

    previous_period: float | None = Field(None, exclude_if=is_none)
    current_period: float | None = Field(None, exclude_if=is_none)


class AvailabilityBody(Answer):
    """How often a ping came, of the pings that came or were missed."""

    success_ratio: SuccessRatioBody
    total_entities_current_period: int


class StatsBody(Answer):
    """The availability until now."""

    last_24_hours: AvailabilityBody = Field(alias="last24Hours")
    last_7_days: AvailabilityBody = Field(alias="last7Days")


class EventsBody(Answer):
    """Events, newest first, beside how the monitor did."""

    events: tuple[EventBody, ...]
    stats: StatsBody


class OneEventBody(Answer):
    """One event, beside how the monitor did."""

    event: EventBody
    stats: StatsBody


def event_body(event: HeartbeatEvent) -> EventBody:
    """One event."""
    return EventBody(
        id=event.id,
        state=event.state.value,
        timestamp=event.at,
        source=event.source,
        user_agent=event.user_agent,
    )


def availability_body(availability: Availability) -> AvailabilityBody:
    """An availability."""
    ratio = SuccessRatioBody(
        previous_period=availability.previous_percent, current_period=availability.current_percent
    )
    return AvailabilityBody(success_ratio=ratio, total_entities_current_period=availability.events)


def stats_body(stats: HeartbeatStats) -> StatsBody:
    """Both availabilities until now."""
    return StatsBody(
        last_24_hours=availability_body(stats.last_24_hours),
        last_7_days=availability_body(stats.last_7_days),
    )
