"""Checks in version 2, which no longer says the project flat."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.checks import AnyCheck, check_body
from bellrock.api.checks_page import Filters, read_page
from bellrock.api.links import LinksOf
from bellrock.api.queries import ApplyGroup
from bellrock.services import checks

router = APIRouter(prefix="/v2/checks", tags=["Checks"])


@router.get("")
async def list_checks(
    request: Request,
    response: Response,
    platform: PlatformOf,
    links: LinksOf,
    caller: Caller,
    filters: Annotated[Filters, Query()],
) -> list[AnyCheck]:
    """List checks by name. ``tag`` may repeat; ``Content-Range`` says how many there are in all."""
    found = await read_page(request, response, platform, caller, filters=filters)
    return [check_body(check, links) for check in found]


@router.get("/{id}")
async def get_check(
    id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    links: LinksOf,
    caller: Caller,
    *,
    apply_group: ApplyGroup = False,
) -> AnyCheck:
    """One check; with ``applyGroupSettings`` as its group makes it."""
    return check_body(await checks.get_check(platform, caller, id, apply_group=apply_group), links)
