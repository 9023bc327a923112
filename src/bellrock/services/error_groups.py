"""Groups of errors: what made checks fail, put together where it is the same, while results are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.error_groups import cleaned, error_hash, group_id, messages_of
from bellrock.domain.errors import NotFound
from bellrock.services.platform import Platform
from bellrock.store import error_groups as store
from bellrock.store.checks import load_check
from bellrock.store.error_groups import Archived, SeenErrors

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameErrors:
    """One error. ``message`` as it was said last, ``cleaned`` of what changes.

    ``archived``: somebody put it away, and it did not come again.
    """

    id: UUID
    hash: str
    message: str
    cleaned: str
    first_seen: datetime
    last_seen: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup(SameErrors):
    """One error of a check."""

    check_id: UUID


G = TypeVar("G", bound=SameErrors)


async def list_groups(
    platform: Platform, principal: Principal, *, check_id: UUID | None = None, limit: int, page: int
) -> tuple[ErrorGroup, ...]:
    """Groups of the account's checks, or of one check, the latest first. Raises NotFound for the check.

    Those that were put away for ever are not listed.
    """
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        if check_id is not None and await load_check(connection, principal.account_id, check_id) is None:
            raise NotFound(f"There is no check {check_id}.")
    found = [each for each, for_ever in await _groups(platform, principal, check_id) if not for_ever]
    return tuple(found[(page - 1) * limit : page * limit])


async def get_group(platform: Platform, principal: Principal, wanted: UUID) -> ErrorGroup:
    """One group. Raises NotFound, also once all results with the error are removed for their age."""
    principal.must(Right.VIEW)
    for group, _ in await _groups(platform, principal):
        if group.id == wanted:
            return group
    raise NotFound(f"There is no error group {wanted}.")


async def archive_group(
    platform: Platform, principal: Principal, wanted: UUID, *, until_next: bool | None, for_ever: bool | None
) -> ErrorGroup:
    """Put a group away, or take it back where both are False. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    group = await get_group(platform, principal, wanted)
    at = platform.clock()
    async with platform.database.write() as connection:
        if until_next or for_ever:
            archived = Archived(at, for_ever=bool(for_ever))
            await store.archive(connection, group.check_id, group.hash, archived)
        elif until_next is False or for_ever is False:
            await store.take_back(connection, group.check_id, group.hash)
    log.info("error_group.archived", group_id=str(wanted), by=str(principal.key_id))
    return await get_group(platform, principal, wanted)


async def _groups(
    platform: Platform, principal: Principal, check_id: UUID | None = None
) -> list[tuple[ErrorGroup, bool]]:
    """The groups, the latest first, each with whether it was put away for ever."""
    async with platform.database.read() as connection:
        seen = await store.seen_errors(connection, principal.account_id, check_id)
        archived = await store.archived_groups(connection, principal.account_id)
    return [with_archived(each, archived.get((each.check_id, each.hash))) for each in grouped(seen)]


def grouped(seen: Iterable[SeenErrors]) -> list[ErrorGroup]:
    """Put together what is the same. ``seen`` comes with the latest first, and so do the groups."""
    groups: dict[UUID, ErrorGroup] = {}
    for each in seen:
        for message in messages_of(each.errors, each.message):
            text = cleaned(message)
            hashed = error_hash(text)
            found = group_id(each.check_id, hashed)
            new = ErrorGroup(
                id=found,
                check_id=each.check_id,
                hash=hashed,
                message=message,
                cleaned=text,
                first_seen=each.first_at,
                last_seen=each.last_at,
            )
            known = groups.get(found, new)
            groups[found] = replace(known, first_seen=min(known.first_seen, each.first_at))
    return list(groups.values())


def with_archived(group: G, known: Archived | None) -> tuple[G, bool]:
    """The group as it stands now that its error may have come again, and whether it was put away for ever."""
    if known is None:
        return group, False
    return replace(group, archived=known.for_ever or known.at >= group.last_seen), known.for_ever
