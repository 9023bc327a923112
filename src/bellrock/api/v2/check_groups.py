"""Check groups in version 2: checks keep their own settings where a group says nothing."""

from fastapi import APIRouter

from bellrock.api.auth import EditCaller, PlatformOf
from bellrock.api.bodies.checks import AnyCheck, check_body
from bellrock.api.bodies.groups import SavedGroup, saved_group
from bellrock.api.check_reading import add_reading_of_groups
from bellrock.api.queries import NumericId
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


add_reading_of_groups(router, AnyCheck, check_body)
