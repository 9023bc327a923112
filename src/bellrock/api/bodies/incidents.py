"""Incidents of status pages and of dashboards, as they are asked for and said."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from bellrock.api.bodies.base import Answer, Ask, Instant, SnakeCreated, SnakeUpdated, is_none
from bellrock.domain.kept import KeptResource
from bellrock.services.kept_payload.common import Moment, written
from bellrock.services.status_pages import IncidentView

Severity = Literal["CRITICAL", "MAJOR", "MEDIUM", "MINOR"]
Status = Literal["INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"]
Impact = Literal["MAINTENANCE", "MAJOR", "MINOR"]
DashboardStatus = Literal["INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED", "MAINTENANCE"]
_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Text = Annotated[str, Field(max_length=100_000)]


class ServiceAsk(Ask):
    """A service that an incident is on. What is said beside its id does not count."""

    id: UUID


class IncidentUpdateAsk(Ask):
    """What is known of an incident at a moment: now, unless said."""

    description: _Text
    status: Status = "INVESTIGATING"
    public_incident_update_date: Moment | None = None
    notify_subscribers: bool = False

    def update(self, at: datetime) -> dict[str, Any]:
        """As it is kept."""
        said = self.model_dump(mode="json", by_alias=True)
        return {**said, "publicIncidentUpdateDate": said["publicIncidentUpdateDate"] or written(at)}


class IncidentChange(Ask):
    """A change of an incident in part."""

    name: _Name | None = None
    severity: Severity | None = None
    services: Annotated[tuple[ServiceAsk, ...], Field(min_length=1, max_length=1_000)] | None = None

    def onto(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The body that is wanted."""
        said: dict[str, Any] = {"name": self.name, "severity": self.severity}
        if self.services is not None:
            said["services"] = [str(each.id) for each in self.services]
        return {**before, **{name: value for name, value in said.items() if value is not None}}


class IncidentEdit(Ask):
    """An incident, without its updates."""

    name: _Name
    severity: Severity
    services: Annotated[tuple[ServiceAsk, ...], Field(min_length=1, max_length=1_000)]

    def body(self) -> dict[str, Any]:
        """As it is kept."""
        services = [str(each.id) for each in self.services]
        return {"name": self.name, "severity": self.severity, "services": services}


class IncidentAsk(IncidentEdit):
    """A new incident, with its first update."""

    incident_updates: Annotated[tuple[IncidentUpdateAsk, ...], Field(min_length=1, max_length=1)]


class IncidentServiceBody(Answer):
    """A service that an incident is on."""

    id: UUID
    name: str
    account_id: UUID
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class IncidentUpdateBody(Answer):
    """An update of an incident."""

    id: UUID
    description: str
    status: Status
    public_incident_update_date: Instant
    notify_subscribers: bool
    created_at: SnakeCreated

    @classmethod
    def of(cls, update: Mapping[str, Any]) -> "IncidentUpdateBody":
        """One update."""
        return cls.model_validate({name: value for name, value in update.items() if name != "updated_at"})


class IncidentBody(Answer):
    """An incident. ``duration`` is in seconds from the first update to the resolving one, None until then."""

    id: UUID
    name: str
    severity: Severity
    services: tuple[IncidentServiceBody, ...]
    incident_updates: tuple[IncidentUpdateBody, ...]
    last_update_status: Status
    duration: int | None
    created_at: SnakeCreated
    updated_at: Annotated[Instant | None, Field(alias="updated_at", exclude_if=is_none)] = None

    @classmethod
    def of(cls, view: IncidentView) -> "IncidentBody":
        """An incident with its services."""
        body = view.incident.body
        updates = sorted(
            (IncidentUpdateBody.of(each) for each in body["updates"]),
            key=lambda each: each.public_incident_update_date,
        )
        services = (
            IncidentServiceBody(
                id=each.id,
                name=each.name,
                account_id=each.account_id,
                created_at=each.created_at,
                updated_at=each.updated_at,
            )
            for each in view.services
        )
        return cls(
            id=view.incident.id,
            name=body["name"],
            severity=body["severity"],
            services=tuple(services),
            incident_updates=tuple(updates),
            last_update_status=updates[-1].status,
            duration=_duration_s(updates),
            created_at=view.incident.created_at,
            updated_at=view.incident.updated_at,
        )


class IncidentsBody(Answer):
    """Incidents, and where the next page begins."""

    length: int
    entries: tuple[IncidentBody, ...]
    next_id: str | None


def _duration_s(updates: Sequence[IncidentUpdateBody]) -> int | None:
    """An incident that is open again lasts on."""
    if updates[-1].status != "RESOLVED":
        return None
    elapsed = updates[-1].public_incident_update_date - updates[0].public_incident_update_date
    return round(elapsed.total_seconds())


# --- of dashboards ----------------------------------------------------------------------------


def _in_capitals(word: object) -> object:
    return word.upper() if isinstance(word, str) else word


class DashboardUpdateAsk(Ask):
    """What is known of a dashboard's incident."""

    status: DashboardStatus
    description: _Text

    _capitals = field_validator("status", mode="before")(_in_capitals)


class DashboardUpdateEdit(Ask):
    """A change of what an update says. Its status stays."""

    description: _Text


class DashboardIncidentEdit(Ask):
    """A dashboard's incident, without its updates."""

    name: _Name
    impact: Impact = "MINOR"
    started_at: Moment | None = None
    stopped_at: Moment | None = None

    _capitals = field_validator("impact", mode="before")(_in_capitals)

    def body(self) -> dict[str, Any]:
        """As it is kept."""
        return self.model_dump(mode="json", by_alias=True, exclude={"incident_updates"})


class DashboardIncidentAsk(DashboardIncidentEdit):
    """A new incident of a dashboard, with its first update."""

    dashboard_id: Annotated[int, Field(gt=0, le=2_147_483_647)]
    incident_updates: Annotated[tuple[DashboardUpdateAsk, ...], Field(min_length=1, max_length=1)]


class DashboardUpdateBody(Answer):
    """An update of a dashboard's incident."""

    id: UUID
    status: DashboardStatus
    description: str
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class NewDashboardUpdate(DashboardUpdateBody):
    """An update just added."""

    incident_id: UUID


class SavedDashboardIncident(Answer):
    """A dashboard's incident just changed."""

    id: UUID
    name: str
    impact: Impact
    started_at: Instant | None
    stopped_at: Instant | None
    dashboard_id: int
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class DashboardIncidentBody(SavedDashboardIncident):
    """A dashboard's incident as it is read."""

    incident_updates: tuple[DashboardUpdateBody, ...]


def saved_dashboard_incident(incident: KeptResource) -> SavedDashboardIncident:
    """The answer to a change."""
    return SavedDashboardIncident.model_validate(_said(incident))


def dashboard_incident(incident: KeptResource, *, all_updates: bool) -> DashboardIncidentBody:
    """An incident with all its updates, or the last one alone."""
    updates = incident.body["updates"] if all_updates else incident.body["updates"][-1:]
    return DashboardIncidentBody.model_validate({**_said(incident), "incidentUpdates": updates})


def _said(incident: KeptResource) -> dict[str, Any]:
    body = {name: value for name, value in incident.body.items() if name != "updates"}
    return {
        **body,
        "id": incident.id,
        "created_at": incident.created_at,
        "updated_at": incident.updated_at,
    }
