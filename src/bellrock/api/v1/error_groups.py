"""Groups of errors: what made checks fail, put together where it is the same."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, Instant
from bellrock.api.queries import Limit, Page
from bellrock.services import error_groups
from bellrock.services.error_groups import ErrorGroup

router = APIRouter(prefix="/v1/error-groups", tags=["Error groups"])


class ErrorGroupBody(Answer):
    """One error of a check. The cleaned message is without what changes from run to run."""

    id: UUID
    check_id: UUID
    error_hash: str
    raw_error_message: str
    cleaned_error_message: str
    first_seen: Instant
    last_seen: Instant
    archived_until_next_event: bool
    root_cause_analyses: tuple[dict[str, Any], ...] = ()


class ArchiveAsk(Ask):
    """Whether to put a group away, and for how long."""

    archive_for_ever: bool | None = None
    archived_until_next_event: bool | None = None


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
    return ErrorGroupBody(
        id=group.id,
        check_id=group.check_id,
        error_hash=group.hash,
        raw_error_message=group.message,
        cleaned_error_message=group.cleaned,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        archived_until_next_event=group.archived,
    )
