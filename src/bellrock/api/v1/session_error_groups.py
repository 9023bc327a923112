"""Groups of errors of test sessions: what made them fail, put together where it is the same."""

from uuid import UUID

from fastapi import APIRouter

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.error_groups import ArchiveAsk, SaidErrors, errors_said
from bellrock.api.queries import Limit, Page
from bellrock.services import session_error_groups as service
from bellrock.services.session_error_groups import SessionErrorGroup

router = APIRouter(prefix="/v1/test-session-error-groups", tags=["Error groups"])


class SessionErrorGroupBody(SaidErrors):
    """One error of test sessions. Which test of a suite it was is not known: the contract says null then."""

    project_id: UUID | None
    environments: tuple[str, ...] | None
    pwt_metadata: None = None


@router.get("")
async def list_session_error_groups(
    platform: PlatformOf, caller: Caller, limit: Limit = 10, page: Page = 1
) -> list[SessionErrorGroupBody]:
    """Errors of all test sessions, the latest first."""
    found = await service.list_groups(platform, caller, limit=limit, page=page)
    return [_body(each) for each in found]


@router.get("/projects/{projectId}")
async def list_session_error_groups_of_project(
    projectId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    limit: Limit = 10,
    page: Page = 1,
) -> list[SessionErrorGroupBody]:
    """Errors of one project's test sessions, the latest first."""
    found = await service.list_groups(platform, caller, project_id=projectId, limit=limit, page=page)
    return [_body(each) for each in found]


@router.get("/{id}")
async def get_session_error_group(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: Caller,
) -> SessionErrorGroupBody:
    """One error."""
    return _body(await service.get_group(platform, caller, id))


@router.patch("/{id}")
async def archive_session_error_group(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: ArchiveAsk,
) -> SessionErrorGroupBody:
    """Put an error away, until it comes again or for ever, or take it back."""
    group = await service.archive_group(
        platform,
        caller,
        id,
        until_next=body.archived_until_next_event,
        for_ever=body.archive_for_ever,
    )
    return _body(group)


def _body(group: SessionErrorGroup) -> SessionErrorGroupBody:
    return SessionErrorGroupBody(
        **errors_said(group),
        project_id=group.project_id,
        environments=tuple(sorted(group.environments)) or None,
    )
