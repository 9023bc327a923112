"""Badges of checks and of groups: pictures for a page of one's own.

Everybody sees them where the installation wants that; else they need a key, as everything does.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from bellrock.api.auth import PlatformOf, config_of, principal_of
from bellrock.api.badge_svg import Style, Theme, badge_svg
from bellrock.api.queries import NumericId
from bellrock.domain.access import Right
from bellrock.services import badges
from bellrock.services.badges import Badge

_SVG = "image/svg+xml"
_PICTURE: dict[int | str, dict[str, object]] = {200: {"content": {_SVG: {"schema": {"type": "string"}}}}}
_HEADERS = {
    "Cache-Control": "max-age=60",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(prefix="/v1/badges", tags=["Badges"])

WithTime = Annotated[bool, Query(alias="responseTime")]


@router.get("/checks/{checkId}", response_class=Response, responses=_PICTURE)
async def get_check_badge(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    request: Request,
    platform: PlatformOf,
    *,
    style: Style = "flat",
    theme: Theme = "default",
    with_time: WithTime = False,
) -> Response:
    """How a check does, as a picture; with ``responseTime`` also the average of the last day."""
    badge = await badges.badge_of_check(platform, checkId, reader=_reader(request), response_time=with_time)
    return _picture(badge, style, theme, with_time=with_time)


@router.get("/groups/{groupId}", response_class=Response, responses=_PICTURE)
async def get_group_badge(
    groupId: NumericId,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    *,
    style: Style = "flat",
    theme: Theme = "default",
    with_time: WithTime = False,
) -> Response:
    """How the activated checks of a group do together, as a picture."""
    badge = await badges.badge_of_group(platform, groupId, reader=_reader(request), response_time=with_time)
    return _picture(badge, style, theme, with_time=with_time)


def _reader(request: Request) -> UUID | None:
    """The account that may see the badge; None for everybody."""
    if config_of(request).public_badges:
        return None
    principal = principal_of(request)
    principal.must(Right.VIEW)
    return principal.account_id


def _picture(badge: Badge, style: Style, theme: Theme, *, with_time: bool) -> Response:
    svg = badge_svg(badge, style=style, theme=theme, with_time=with_time)
    return Response(svg, media_type=_SVG, headers=_HEADERS)
