"""Check groups in version 2: checks keep their own settings where a group says nothing."""

from uuid import UUID

from fastapi import APIRouter

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.checks import AnyCheck, check_body
from bellrock.api.bodies.groups import SavedGroup, saved_group
from bellrock.api.links import LinksOf
from bellrock.api.queries import Limit, NumericId, Page
from bellrock.services import groups
from bellrock.services.group_payload import GroupAskV2

router = APIRouter(prefix="/v2/check-groups", tags=["Check groups"])


@router.post("", status_code=201)
async def create_group(platform: PlatformOf, caller: EditCaller, body: GroupAskV2) -> SavedGroup:
    """Save a new group."""
    return saved_group(await groups.create_group(platform, caller, body.onto))


@router.put("/{id}")
async def update_group(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: EditCaller,
    body: GroupAskV2,
) -> SavedGroup:
    """Change a group."""
    return saved_group(await groups.update_group(platform, caller, id, change=body.onto))


@router.get("/{id}/checks")
async def list_checks_of_group(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    links: LinksOf,
    caller: Caller,
    limit: Limit = 10,
    page: Page = 1,
) -> list[AnyCheck]:
    """List a group's checks with its settings applied."""
    found = await groups.list_checks_of_group(platform, caller, id, page=page, limit=limit)
    return [check_body(each, links) for each in found]


@router.get("/{groupId}/checks/{checkId}")
async def get_check_of_group(
    groupId: NumericId,  # noqa: N803  (the contract's name)
    checkId: UUID,  # noqa: N803
    platform: PlatformOf,
    links: LinksOf,
    caller: Caller,
) -> AnyCheck:
    """A check of a group with the group's settings applied."""
    return check_body(await groups.get_check_of_group(platform, caller, groupId, check_id=checkId), links)
