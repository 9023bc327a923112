"""Checks in version 1: listed, read, deleted, and the two types that can be saved."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.checks import (
    AnyCheckV1,
    PlaywrightAsk,
    UrlAsk,
    check_body_v1,
)
from bellrock.api.checks_page import Filters, read_page
from bellrock.domain.checks import CheckType
from bellrock.services import checks

router = APIRouter(prefix="/v1/checks", tags=["Checks"])


@router.get("")
async def list_checks(
    request: Request,
    response: Response,
    platform: PlatformOf,
    caller: Caller,
    filters: Annotated[Filters, Query()],
) -> list[AnyCheckV1]:
    """List checks by name. ``tag`` may repeat; ``Content-Range`` says how many there are in all."""
    found = await read_page(request, response, platform, caller, filters=filters)
    return [check_body_v1(check) for check in found]


@router.post("/playwright", status_code=201)
async def create_playwright_check(
    platform: PlatformOf, caller: EditCaller, body: PlaywrightAsk
) -> AnyCheckV1:
    """Save a Playwright Check Suite."""
    check = await checks.create_check(platform, caller, body.draft(CheckType.PLAYWRIGHT))
    return check_body_v1(check)


@router.put("/playwright/{id}")
async def update_playwright_check(
    id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: EditCaller,
    body: PlaywrightAsk,
) -> AnyCheckV1:
    """Replace a Playwright Check Suite. Without ``environmentVariables`` it keeps those it has."""
    check = await checks.update_check(platform, caller, id, draft=body.draft(CheckType.PLAYWRIGHT))
    return check_body_v1(check)


@router.post("/url", status_code=201)
async def create_url_monitor(platform: PlatformOf, caller: EditCaller, body: UrlAsk) -> AnyCheckV1:
    """Save a URL monitor."""
    check = await checks.create_check(platform, caller, body.draft(CheckType.URL))
    return check_body_v1(check)


@router.put("/url/{id}")
async def update_url_monitor(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: UrlAsk,
) -> AnyCheckV1:
    """Replace a URL monitor."""
    check = await checks.update_check(platform, caller, id, draft=body.draft(CheckType.URL))
    return check_body_v1(check)


@router.get("/{id}")
async def get_check(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: Caller,
) -> AnyCheckV1:
    """One check."""
    return check_body_v1(await checks.get_check(platform, caller, id))


@router.delete("/{id}", status_code=204)
async def delete_check(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a check. Its runs in flight go on to their end."""
    await checks.delete_check(platform, caller, id)
    return Response(status_code=204)
