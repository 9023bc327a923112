"""Status pages and the services on them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from bellrock.services.check_payload.common import Payload
from bellrock.services.kept_payload.common import Address, KeptPayload, Name

_OF_COMPONENTS = 3
_Color = Annotated[str, Field(pattern=r"^#([0-9A-F]{3}|[0-9A-F]{6})$")]
_AnyColor = Annotated[str, Field(pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]


class ServicePayload(KeptPayload):
    """A service whose state status pages would tell."""

    name: Name


class ColorsPayload(Payload):
    """The colours of one theme."""

    body_background_color: _Color
    header_background_color: _Color
    header_font_color: _Color
    title_font_color: _Color
    body_font_color: _Color
    body_font_color_muted: _Color
    navigation_font_color: _Color
    link_font_color: _Color
    card_background_color: _Color
    border_color: _Color
    primary_button_background_color: _Color
    primary_button_font_color: _Color


class ThemesPayload(Payload):
    """The colours of both themes."""

    light: ColorsPayload
    dark: ColorsPayload


class ServiceOfCard(Payload):
    """A service on a card, named by its id."""

    id: UUID


class CardPayload(Payload):
    """A card: some services under one name."""

    name: Name
    services: tuple[ServiceOfCard, ...] = ()

    @field_validator("services", mode="before")
    @classmethod
    def _by_id(cls, services: object) -> object:
        # A deploy names services by references, of which the bare ids are left.
        if not isinstance(services, list | tuple):
            return services
        return [{"id": each} if isinstance(each, str) else each for each in services]


class PagePayload(KeptPayload):
    """What pages of both generations have."""

    name: Name
    url: Annotated[str, Field(min_length=1, max_length=255)]
    custom_domain: Annotated[str, Field(max_length=255)] | None = None
    description: Annotated[str | None, Field(max_length=500)] = None
    logo: Address | None = None
    logo_dark: Address | None = None
    redirect_to: Address | None = None
    favicon: Address | None = None
    default_theme: Literal["LIGHT", "DARK", "AUTO"] = "AUTO"
    version: float | None = None


class StatusPagePayload(PagePayload):
    """A status page: services on cards."""

    theme_colors: ThemesPayload | None = None
    cards: tuple[CardPayload, ...]


class ComponentPagePayload(PagePayload):
    """A status page of the newer generation, which only deploys know: components point at it.

    Its themes name the colours that are not the default.
    """

    theme_colors: dict[Literal["light", "dark"], dict[str, _AnyColor]] | None = None
    cards: tuple[()] = ()


def shape_of_page(body: Mapping[str, Any]) -> type[StatusPagePayload] | type[ComponentPagePayload]:
    """The payload of a page of its generation."""
    return ComponentPagePayload if body.get("version") == _OF_COMPONENTS else StatusPagePayload


def services_of(page: dict[str, Any]) -> set[UUID]:
    """The services that a page's body names."""
    return {UUID(service["id"]) for card in page["cards"] for service in card["services"]}
