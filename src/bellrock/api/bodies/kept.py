"""Maintenance windows, dashboards, services and status pages as the contract says them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import ConfigDict, Field

from bellrock.api.bodies.base import Answer, SnakeCreated, SnakeUpdated, is_none
from bellrock.api.bodies.bindings import ProjectBindings, Projects, bindings
from bellrock.api.bodies.incidents import IncidentBody
from bellrock.domain.kept import KeptResource
from bellrock.services.kept_payload.common import Address
from bellrock.services.kept_payload.dashboards import DashboardPayload
from bellrock.services.kept_payload.maintenance_windows import MaintenanceWindowPayload
from bellrock.services.kept_payload.status_pages import PagePayload, ThemesPayload, shape_of_page
from bellrock.services.status_pages import ServiceView, StatusPageView

_MAY_BE_UNBOUND = Field(default=None, exclude_if=is_none)


class MaintenanceWindowBody(MaintenanceWindowPayload):
    """A maintenance window."""

    model_config = ConfigDict(extra="ignore")

    id: int
    created_at: SnakeCreated
    updated_at: SnakeUpdated = None
    project_bindings: ProjectBindings


class DashboardBody(DashboardPayload):
    """A dashboard. It has no keys: no page is served that would need one."""

    model_config = ConfigDict(extra="ignore")

    id: int
    dashboard_id: str
    keys: tuple[()] = ()
    created_at: SnakeCreated
    project_bindings: Annotated[ProjectBindings | None, _MAY_BE_UNBOUND]


class ServiceBody(Answer):
    """A service of status pages."""

    id: UUID
    name: str
    account_id: UUID
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class CardBody(Answer):
    """A card of a status page. Its id is made of the page's and the card's name."""

    id: UUID
    name: str
    services: tuple[ServiceBody, ...]
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class SavedStatusPage(Answer):
    """A status page just saved."""

    id: UUID
    name: str
    url: str
    custom_domain: str | None
    description: str | None
    theme_colors: ThemesPayload | None
    logo: Address | None
    logo_dark: Address | None
    redirect_to: Address | None
    favicon: Address | None
    default_theme: str
    version: float | None
    cards: tuple[CardBody, ...]
    white_label: bool = False
    is_private: bool = False


class StatusPageBody(SavedStatusPage):
    """A status page as it is read. It has no keys: no page is served that would need one."""

    account_id: UUID
    incidents: tuple[IncidentBody, ...]
    keys: tuple[()] = ()
    created_at: SnakeCreated
    updated_at: SnakeUpdated
    project_bindings: ProjectBindings


class ServicesBody(Answer):
    """Services, and where the next page begins."""

    length: int
    entries: tuple[ServiceBody, ...]
    next_id: str | None


class StatusPagesBody(Answer):
    """Status pages, and where the next page begins."""

    length: int
    entries: tuple[StatusPageBody, ...]
    next_id: str | None


def window_body(window: KeptResource, projects: Projects) -> MaintenanceWindowBody:
    """A maintenance window."""
    return MaintenanceWindowBody.model_validate(
        {**window.body, **_known(window), "id": window.number, "projectBindings": bindings(window, projects)}
    )


def dashboard_body(dashboard: KeptResource, projects: Projects) -> DashboardBody:
    """A dashboard."""
    known: dict[str, Any] = {
        "id": dashboard.number,
        "dashboardId": dashboard.id.hex,
        "projectBindings": bindings(dashboard, projects),
    }
    return DashboardBody.model_validate({**dashboard.body, **_known(dashboard), **known})


def service_body(service: ServiceView) -> ServiceBody:
    """A service."""
    return ServiceBody(
        id=service.id,
        name=service.name,
        account_id=service.account_id,
        created_at=service.created_at,
        updated_at=service.updated_at,
    )


def saved_page(view: StatusPageView) -> SavedStatusPage:
    """The answer to a change."""
    return SavedStatusPage(**_page(view))


def page_body(view: StatusPageView, projects: Projects) -> StatusPageBody:
    """A status page as it is read."""
    page = view.page
    return StatusPageBody(
        **_page(view),
        account_id=page.account_id,
        incidents=tuple(IncidentBody.of(each) for each in view.incidents),
        created_at=page.created_at,
        updated_at=page.updated_at,
        project_bindings=bindings(page, projects),
    )


def _page(view: StatusPageView) -> dict[str, Any]:
    page = view.page
    said = shape_of_page(page.body).model_validate(dict(page.body))
    # The contract has no place for themes of which only some colours are said.
    colors = said.theme_colors if isinstance(said.theme_colors, ThemesPayload) else None
    return {
        **{name: getattr(said, name) for name in PagePayload.model_fields},
        "theme_colors": colors,
        "id": page.id,
        "cards": _cards(page, [card.name for card in said.cards], view.cards),
    }


def _cards(
    page: KeptResource, names: Sequence[str], cards: Sequence[Sequence[ServiceView]]
) -> tuple[CardBody, ...]:
    return tuple(
        CardBody(
            id=uuid5(page.id, f"{names[:index].count(name)}:{name}"),
            name=name,
            services=tuple(service_body(each) for each in services),
            created_at=page.created_at,
            updated_at=page.updated_at,
        )
        for index, (name, services) in enumerate(zip(names, cards, strict=True))
    )


def _known(resource: KeptResource) -> Mapping[str, object]:
    return {"created_at": resource.created_at, "updated_at": resource.updated_at}
