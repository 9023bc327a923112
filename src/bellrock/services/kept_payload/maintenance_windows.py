"""Maintenance windows: when checks would pause, and alerts be silent."""

from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from bellrock.services.check_payload.common import Payload
from bellrock.services.kept_payload.common import KeptPayload, Moment, Tags

_MINUTES_BEFORE = Annotated[int, Field(ge=60, le=10_080)]


class VisibilityPayload(Payload):
    """What status pages would show of a window."""

    enabled: bool = False
    severity: Literal["MINOR", "MEDIUM", "MAJOR", "CRITICAL"] | None = None
    affect_all_services: bool = False
    suppress_auto_incidents: bool = False
    notify_on_start: bool = False
    notify_on_end: bool = False
    reminder_minutes_before: Annotated[tuple[_MINUTES_BEFORE, ...], Field(max_length=3)] = ()
    auto_start: bool = True
    auto_end: bool = True
    show_affected_services: bool = True
    status_page_ids: tuple[UUID, ...] = ()
    service_ids: tuple[UUID, ...] = ()


def _known_timezone(name: str | None) -> str | None:
    if name is not None and name not in available_timezones():
        message = f"{name[:80]!r} is no IANA time zone, as Europe/Berlin is"
        raise ValueError(message)
    return name


class MaintenanceWindowPayload(KeptPayload):
    """A maintenance window, which may come again."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    tags: Tags = ()
    starts_at: Moment
    ends_at: Moment
    repeat_interval: Annotated[int, Field(ge=1, le=365)] | None = None
    repeat_unit: Literal["DAY", "WEEK", "MONTH"] | None = None
    repeat_ends_at: Moment | None = None
    timezone: Annotated[str | None, AfterValidator(_known_timezone)] = "UTC"
    description: Annotated[str | None, Field(max_length=2_000)] = None
    pause_all_checks: bool = False
    silence_alerts_tags: Tags = ()
    silence_all_alerts: bool = False
    status_page_visibility: VisibilityPayload = VisibilityPayload()

    @field_validator("repeat_unit", mode="before")
    @classmethod
    def _no_repeat(cls, unit: object) -> object:
        # Clients say it in three ways.
        return None if unit in ("", "NO_REPEAT") else unit

    @model_validator(mode="after")
    def _in_order(self) -> "MaintenanceWindowPayload":
        if self.ends_at <= self.starts_at:
            raise ValueError("endsAt: it has to come after startsAt")
        return self
