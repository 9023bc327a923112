"""Groups of errors of test sessions, of each project and of none, while results are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.error_groups import cleaned, error_hash, group_id, group_ids, messages_of
from bellrock.domain.errors import NotFound
from bellrock.domain.projects import project_id_of
from bellrock.domain.sessions import Session
from bellrock.services.error_groups import SameErrors, with_archived
from bellrock.services.platform import Platform
from bellrock.services.views import ResultView
from bellrock.store import session_error_groups as store
from bellrock.store.error_groups import Archived
from bellrock.store.projects import projects_of
from bellrock.store.session_error_groups import FailedResult

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionErrorGroup(SameErrors):
    """One error of test sessions. ``owner_id`` as in `Session.owner_of_errors`."""

    owner_id: UUID
    project_id: UUID | None
    environments: frozenset[str]
    session_ids: frozenset[UUID]


def groups_of_result(session: Session, result: ResultView | None) -> tuple[UUID, ...]:
    """The groups that a result of a test session is in: none, where it is no final one that fails."""
    if result is None or result.result_type != "FINAL" or not result.outcome.has_failures:
        return ()
    return group_ids(session.owner_of_errors, result.errors, result.outcome.message)


async def list_groups(
    platform: Platform, principal: Principal, *, project_id: UUID | None = None, limit: int, page: int
) -> tuple[SessionErrorGroup, ...]:
    """Groups of the account, or of one project, the latest first. Raises NotFound for the project.

    Those that were put away for ever are not listed.
    """
    found = await _groups(platform, principal)
    if project_id is not None:
        found = [(each, for_ever) for each, for_ever in found if each.project_id == project_id]
        if not found:
            await _refuse_unknown_project(platform, principal, project_id)
    shown = [each for each, for_ever in found if not for_ever]
    return tuple(shown[(page - 1) * limit : page * limit])


async def get_group(platform: Platform, principal: Principal, wanted: UUID) -> SessionErrorGroup:
    """One group. Raises NotFound, also once all results with the error are removed for their age."""
    for group, _ in await _groups(platform, principal):
        if group.id == wanted:
            return group
    raise NotFound(f"There is no error group {wanted} of test sessions.")


async def archive_group(
    platform: Platform, principal: Principal, wanted: UUID, *, until_next: bool | None, for_ever: bool | None
) -> SessionErrorGroup:
    """Put a group away, or take it back where both are False. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    group = await get_group(platform, principal, wanted)
    at = platform.clock()
    async with platform.database.write() as connection:
        if until_next or for_ever:
            archived = Archived(at, for_ever=bool(for_ever))
            await store.archive(
                connection, principal.account_id, group.owner_id, group.hash, archived=archived
            )
        elif until_next is False or for_ever is False:
            await store.take_back(connection, principal.account_id, group.owner_id, group.hash)
    log.info("session_error_group.archived", group_id=str(wanted), by=str(principal.key_id))
    return await get_group(platform, principal, wanted)


async def sessions_in_group(platform: Platform, principal: Principal, wanted: str) -> frozenset[UUID]:
    """The test sessions in which the error came; none for a group that is not there."""
    found = (group for group, _ in await _groups(platform, principal) if str(group.id) == wanted.lower())
    return next((group.session_ids for group in found), frozenset())


async def _groups(platform: Platform, principal: Principal) -> list[tuple[SessionErrorGroup, bool]]:
    """The groups, the latest first, each with whether it was put away for ever."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        failed = await store.failed_results(connection, principal.account_id)
        archived = await store.archived_session_groups(connection, principal.account_id)
    return [
        with_archived(each, archived.get((each.owner_id, each.hash)))
        for each in _grouped(principal.account_id, failed)
    ]


def _grouped(account_id: UUID, failed: Iterable[FailedResult]) -> list[SessionErrorGroup]:
    """Put together what is the same. ``failed`` comes with the latest first, and so do the groups."""
    groups: dict[UUID, SessionErrorGroup] = {}
    for result in failed:
        project_id = None if result.project_id is None else project_id_of(account_id, result.project_id)
        for message in messages_of(result.errors, result.message):
            new = _group(account_id, project_id, result, message)
            known = groups.get(new.id, new)
            groups[new.id] = replace(
                known,
                first_seen=result.at,
                environments=known.environments | new.environments,
                session_ids=known.session_ids | new.session_ids,
            )
    return list(groups.values())


def _group(
    account_id: UUID, project_id: UUID | None, result: FailedResult, message: str
) -> SessionErrorGroup:
    owner_id, text = project_id or account_id, cleaned(message)
    hashed, environment = error_hash(text), result.git.environment
    return SessionErrorGroup(
        id=group_id(owner_id, hashed),
        owner_id=owner_id,
        project_id=project_id,
        hash=hashed,
        message=message,
        cleaned=text,
        environments=frozenset({environment} if environment else ()),
        session_ids=frozenset({result.session_id}),
        first_seen=result.at,
        last_seen=result.at,
    )


async def _refuse_unknown_project(platform: Platform, principal: Principal, project_id: UUID) -> None:
    async with platform.database.read() as connection:
        there = await projects_of(connection, principal.account_id)
    if project_id not in {each.id for each in there}:
        raise NotFound(f"There is no project {project_id}.")
