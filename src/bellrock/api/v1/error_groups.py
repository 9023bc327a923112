"""Groups of errors: what made checks fail, put together where it is the same."""

from uuid import UUID

from fastapi import APIRouter

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.error_groups import ArchiveAsk, SaidErrors, errors_said
from bellrock.api.queries import Limit, Page
from bellrock.services import error_groups
from bellrock.services.error_groups import ErrorGroup

router = APIRouter(prefix="/v1/error-groups", tags=["Error groups"])


class ErrorGroupBody(SaidErrors):
    """One error of a check."""

    check_id: UUID


@router.get("")
async def list_error_groups(
    platform: PlatformOf, caller: Caller, limit: Limit = 10, page: Page = 1
) -> list[ErrorGroupBody]:
    """Errors of all checks, the latest first."""
    found = await error_groups.list_groups(platform, caller, limit=limit, page=page)
    return [_body(each) for each in found]


@router.get("/checks/{checkId}")
async def list_error_groups_of_check(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    limit: Limit = 10,
    page: Page = 1,
) -> list[ErrorGroupBody]:
    """Errors of one check, the latest first."""
    found = await error_groups.list_groups(platform, caller, check_id=checkId, limit=limit, page=page)
    return [_body(each) for each in found]


@router.get("/{id}")
async def get_error_group(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: Caller,
) -> ErrorGroupBody:
    """One error."""
    return _body(await error_groups.get_group(platform, caller, id))


@router.patch("/{id}")
async def archive_error_group(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: ArchiveAsk,
) -> ErrorGroupBody:
    """Put an error away, until it comes again or for ever, or take it back."""
    group = await error_groups.archive_group(
        platform,
        caller,
        id,
        until_next=body.archived_until_next_event,
        for_ever=body.archive_for_ever,
    )
    return _body(group)


def _body(group: ErrorGroup) -> ErrorGroupBody:
    return ErrorGroupBody(**errors_said(group), check_id=group.check_id)
