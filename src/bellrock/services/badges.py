"""What a badge says: how a check does, or the checks of a group together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.check_status import StatusWord, status_together
from bellrock.domain.errors import NotFound
from bellrock.domain.spans import Span
from bellrock.domain.specs import CheckType
from bellrock.domain.spreads import Aggregation, aggregate
from bellrock.services.check_statuses import statuses_of
from bellrock.services.check_summaries import summarized, together
from bellrock.services.platform import Platform
from bellrock.store.checks import find_listed, listed_checks
from bellrock.store.groups import account_of_group, load_group

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Badge:
    """``word`` is None where nothing is known yet. ``response_time_ms``: the last day's average."""

    name: str
    word: StatusWord | None
    response_time_ms: float | None = None


async def badge_of_check(
    platform: Platform, check_id: UUID, *, reader: UUID | None, response_time: bool = False
) -> Badge:
    """The badge of a check. ``reader``: the account that may see it; None: everybody may. Raises NotFound."""
    async with platform.database.read() as connection:
        found = await find_listed(connection, check_id)
        if found is None or reader not in (None, found[0]):
            raise NotFound(f"There is no check {check_id}.")
        owner, check = found
        types = {check.id: check.type}
        return await _badge(platform, connection, owner, check.name, types=types, timed=response_time)


async def badge_of_group(
    platform: Platform, group_id: int, *, reader: UUID | None, response_time: bool = False
) -> Badge:
    """The badge of a group, as bad as its worst check that is activated. Raises NotFound."""
    async with platform.database.read() as connection:
        owner = await account_of_group(connection, group_id)
        stored = await load_group(connection, owner, group_id) if owner else None
        if owner is None or stored is None or reader not in (None, owner):
            raise NotFound(f"There is no check group {group_id}.")
        types = {
            each.id: each.type
            for each in await listed_checks(connection, owner)
            if each.group_id == group_id and each.activated
        }
        return await _badge(platform, connection, owner, stored.group.name, types=types, timed=response_time)


async def _badge(
    platform: Platform,
    connection: AsyncConnection,
    account_id: UUID,
    name: str,
    *,
    types: Mapping[UUID, CheckType],
    timed: bool,
) -> Badge:
    statuses = await statuses_of(connection, account_id, list(types))
    word = status_together(each.word for each in statuses)
    if not timed:
        return Badge(name, word)
    at = platform.clock()
    found = together((await summarized(connection, types, Span(at - _DAY, at))).values())
    return Badge(name, word, aggregate(found.times_ms, Aggregation.AVG))
