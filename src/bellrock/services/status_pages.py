"""Status pages with their services and incidents put together. No page is served, nobody is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.kept import kept_after
from bellrock.services.kept_payload.status_pages import services_of
from bellrock.services.platform import Platform
from bellrock.store import kept_resources as store


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service."""

    id: UUID
    name: str
    account_id: UUID
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident and the services that it is on, of those that are still there."""

    incident: KeptResource
    services: tuple[ServiceView, ...]


@dataclass(frozen=True, slots=True)
class StatusPageView:
    """A page, the services of each of its cards, and the incidents on any of them."""

    page: KeptResource
    cards: tuple[tuple[ServiceView, ...], ...]
    incidents: tuple[IncidentView, ...]


async def page_view(platform: Platform, principal: Principal, page: KeptResource) -> StatusPageView:
    """A page put together."""
    (view,) = await page_views(platform, principal, [page])
    return view


async def page_views(
    platform: Platform, principal: Principal, pages: Sequence[KeptResource]
) -> tuple[StatusPageView, ...]:
    """Pages put together."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        services = await _services(connection, principal)
        incidents = await store.kept_of_kind(connection, KeptKind.STATUS_PAGE_INCIDENT, principal.account_id)
    views = [_incident(each.resource, services) for each in incidents]
    return tuple(_page(each, services, views) for each in pages)


async def incident_views(
    platform: Platform, principal: Principal, incidents: Sequence[KeptResource]
) -> tuple[IncidentView, ...]:
    """Incidents with their services."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        services = await _services(connection, principal)
    return tuple(_incident(each, services) for each in incidents)


def service_view(service: KeptResource) -> ServiceView:
    """A service."""
    return ServiceView(
        service.id,
        str(service.body["name"]),
        service.account_id,
        service.created_at,
        service.updated_at,
    )


async def list_services(
    platform: Platform, principal: Principal, *, next_id: str | None, limit: int
) -> tuple[tuple[ServiceView, ...], str | None]:
    """Services in the order they were made from after a cursor, and the next cursor."""
    found = await kept_after(platform, principal, KeptKind.STATUS_PAGE_SERVICE, next_id=next_id, limit=limit)
    return tuple(service_view(each) for each in found.resources), found.next_id


async def _services(connection: AsyncConnection, principal: Principal) -> Mapping[UUID, ServiceView]:
    found = await store.kept_of_kind(connection, KeptKind.STATUS_PAGE_SERVICE, principal.account_id)
    return {each.resource.id: service_view(each.resource) for each in found}


def _page(
    page: KeptResource, services: Mapping[UUID, ServiceView], incidents: Sequence[IncidentView]
) -> StatusPageView:
    body: dict[str, Any] = dict(page.body)
    named = [[UUID(each["id"]) for each in card["services"]] for card in body["cards"]]
    cards = tuple(tuple(services[each] for each in card if each in services) for card in named)
    own = services_of(body)
    shown = tuple(each for each in incidents if any(service.id in own for service in each.services))
    return StatusPageView(page, cards, shown)


def _incident(incident: KeptResource, services: Mapping[UUID, ServiceView]) -> IncidentView:
    named = (UUID(each) for each in incident.body["services"])
    return IncidentView(incident, tuple(services[each] for each in named if each in services))
