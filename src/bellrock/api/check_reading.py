"""How checks are read: the same questions in every version, which differ in how they say a check."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.checks_page import Filters, read_page
from bellrock.api.links import Links, LinksOf
from bellrock.api.queries import ApplyGroup, Limit, NumericId, Page
from bellrock.domain.checks import Check
from bellrock.services import checks, groups

Say = Callable[[Check, Links], Any]
"""A check as a version says it."""


def add_list(router: APIRouter, shape: Any, say: Say) -> None:  # noqa: ANN401  (any type that FastAPI reads)
    """The route that lists checks. ``shape`` is what ``say`` makes."""

    @router.get("", response_model=list[shape])
    async def list_checks(
        request: Request,
        response: Response,
        platform: PlatformOf,
        links: LinksOf,
        caller: Caller,
        filters: Annotated[Filters, Query()],
    ) -> list[Any]:
        """List checks by name. ``tag`` may repeat; ``Content-Range`` says how many there are in all."""
        found = await read_page(request, response, platform, caller, filters=filters)
        return [say(check, links) for check in found]


def add_one(router: APIRouter, shape: Any, say: Say) -> None:  # noqa: ANN401
    """The route that reads one check."""

    @router.get("/{id}", response_model=shape)
    async def get_check(
        id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
        platform: PlatformOf,
        links: LinksOf,
        caller: Caller,
        *,
        apply_group: ApplyGroup = False,
    ) -> Any:  # noqa: ANN401
        """One check; with ``applyGroupSettings`` as its group makes it."""
        return say(await checks.get_check(platform, caller, id, apply_group=apply_group), links)


def add_reading_of_groups(router: APIRouter, shape: Any, say: Say) -> None:  # noqa: ANN401
    """Routes that list the checks of a group and read one of them, with the group's settings applied."""

    @router.get("/{id}/checks", response_model=list[shape])
    async def list_checks_of_group(
        id: NumericId,  # noqa: A002
        platform: PlatformOf,
        links: LinksOf,
        caller: Caller,
        limit: Limit = 10,
        page: Page = 1,
    ) -> list[Any]:
        """List a group's checks with its settings applied."""
        found = await groups.list_checks_of_group(platform, caller, id, page=page, limit=limit)
        return [say(each, links) for each in found]

    @router.get("/{groupId}/checks/{checkId}", response_model=shape)
    async def get_check_of_group(
        groupId: NumericId,  # noqa: N803  (the contract's name)
        checkId: UUID,  # noqa: N803
        platform: PlatformOf,
        links: LinksOf,
        caller: Caller,
    ) -> Any:  # noqa: ANN401
        """A check of a group with the group's settings applied."""
        return say(await groups.get_check_of_group(platform, caller, groupId, check_id=checkId), links)
