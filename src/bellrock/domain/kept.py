"""Things of an account that are kept as they were said, and that this version does not act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class KeptKind(StrEnum):
    """What a kept thing is, in the words of a deploy; incidents are never deployed."""

    ALERT_CHANNEL = "alert-channel"
    ALERT_CHANNEL_SUBSCRIPTION = "alert-channel-subscription"
    DASHBOARD = "dashboard"
    DASHBOARD_INCIDENT = "dashboard-incident"
    MAINTENANCE_WINDOW = "maintenance-window"
    PRIVATE_LOCATION_CHECK_ASSIGNMENT = "private-location-check-assignment"
    PRIVATE_LOCATION_GROUP_ASSIGNMENT = "private-location-group-assignment"
    STATUS_PAGE = "status-page"
    STATUS_PAGE_AUTOMATION_RULE = "status-page-automation-rule"
    STATUS_PAGE_COMPONENT = "status-page-component"
    STATUS_PAGE_INCIDENT = "status-page-incident"
    STATUS_PAGE_SERVICE = "status-page-service"


NUMBERED = frozenset(
    {
        KeptKind.ALERT_CHANNEL,
        KeptKind.ALERT_CHANNEL_SUBSCRIPTION,
        KeptKind.DASHBOARD,
        KeptKind.MAINTENANCE_WINDOW,
    }
)
"""Kinds that clients know by a number; the others have a UUID."""

SECRET_FIELDS: Mapping[KeptKind, tuple[str, ...]] = {KeptKind.ALERT_CHANNEL: ("config",)}
"""Parts of bodies that are encrypted at rest."""


@dataclass(frozen=True, slots=True)
class KeptResource:
    """One thing of one account. ``body`` is JSON, in the contract's names."""

    id: UUID
    account_id: UUID
    kind: KeptKind
    body: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime | None = None
    number: int = 0
    project_id: str | None = None
    logical_id: str | None = None

    @property
    def physical_id(self) -> str:
        """What clients call it."""
        return str(self.number) if self.kind in NUMBERED else str(self.id)
