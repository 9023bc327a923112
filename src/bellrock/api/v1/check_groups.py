"""Check groups in version 1: saved groups override their checks. Reads are here for both versions."""

from fastapi import APIRouter, Request, Response

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.checks import AnyCheckV1, check_body_v1
from bellrock.api.bodies.groups import GroupBody, SavedGroup, group_body, saved_group
from bellrock.api.check_reading import add_reading_of_groups
from bellrock.api.owners import ProjectsOf
from bellrock.api.queries import Limit, NumericId, Page, words
from bellrock.services import groups
from bellrock.services.group_payload import GroupAskV1, GroupChangeV1

router = APIRouter(prefix="/v1/check-groups", tags=["Check groups"])


@router.get("")
async def list_groups(
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    limit: Limit = 10,
    page: Page = 1,
) -> list[GroupBody]:
    """List groups in the order they were made. ``tag`` and ``name`` may repeat: any of them."""
    tags, names = words(request, "tag"), words(request, "name")
    found = await groups.list_groups(platform, caller, page=page, limit=limit, tags=tags, names=names)
    return [group_body(each, projects) for each in found]


@router.post("", status_code=201, deprecated=True)
async def create_group(platform: PlatformOf, caller: EditCaller, body: GroupAskV1) -> SavedGroup:
    """Save a new group that overrides its checks."""
    return saved_group(await groups.create_group(platform, caller, body.onto))


@router.get("/{id}")
async def get_group(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
) -> GroupBody:
    """One group."""
    return group_body(await groups.get_group(platform, caller, id), projects)


@router.put("/{id}", deprecated=True)
async def update_group(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: GroupChangeV1,
) -> SavedGroup:
    """Change a group into one that overrides its checks."""
    return saved_group(await groups.update_group(platform, caller, id, change=body.onto))


@router.delete("/{id}", status_code=204)
async def delete_group(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a group that holds no checks."""
    await groups.delete_group(platform, caller, id)
    return Response(status_code=204)


add_reading_of_groups(router, AnyCheckV1, check_body_v1)
