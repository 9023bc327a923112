"""How checks do now."""

from uuid import UUID

from fastapi import APIRouter

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.check_statuses import CheckStatusBody, check_status_body
from bellrock.services import check_statuses

router = APIRouter(prefix="/v1/check-statuses", tags=["Check statuses"])


@router.get("")
async def list_check_statuses(platform: PlatformOf, caller: Caller) -> list[CheckStatusBody]:
    """The statuses of all checks that ever ran, by name."""
    return [check_status_body(each) for each in await check_statuses.list_statuses(platform, caller)]


@router.get("/{checkId}")
async def get_check_status(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
) -> CheckStatusBody | None:
    """The status of one check; null for one that never ran."""
    status = await check_statuses.get_status(platform, caller, checkId)
    return None if status is None else check_status_body(status)
