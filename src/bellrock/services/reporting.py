"""The report of an account: how each of its checks did in a time, as a whole or day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Invalid
from bellrock.domain.spans import Granularity, QuickRange, Span, asked_span, divided
from bellrock.services.check_summaries import Summary, summarized
from bellrock.services.platform import Platform
from bellrock.store.checks import ListedCheck, listed_checks


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which checks, and when. ``tags``: checks with any of them; ``deactivated``: only such, or none."""

    quick_range: QuickRange = QuickRange.LAST_24_HOURS
    from_at: datetime | None = None
    to_at: datetime | None = None
    tags: tuple[str, ...] = ()
    deactivated: bool | None = None
    granularity: Granularity | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How a check did, in each part of the time in which it ran. Without a granularity there is one part."""

    check: ListedCheck
    parts: tuple[tuple[Span, Summary], ...]


async def report(platform: Platform, principal: Principal, query: ReportQuery) -> tuple[CheckReport, ...]:
    """How the account's checks did, by name. Raises Invalid."""
    principal.must(Right.VIEW)
    zone = _zone(query)
    span = asked_span(query.quick_range, from_at=query.from_at, to_at=query.to_at, at=platform.clock())
    parts = (span,) if query.granularity is None else divided(span, query.granularity, zone)
    async with platform.database.read() as connection:
        found = [
            each for each in await listed_checks(connection, principal.account_id) if _meant(each, query)
        ]
        types = {each.id: each.type for each in found}
        by_part = [(part, await summarized(connection, types, part)) for part in parts]
    return tuple(CheckReport(each, _ran(by_part, each.id)) for each in found)


def _ran(
    by_part: Sequence[tuple[Span, Mapping[UUID, Summary]]], check_id: UUID
) -> tuple[tuple[Span, Summary], ...]:
    return tuple((part, of[check_id]) for part, of in by_part if of[check_id].total)


def _meant(check: ListedCheck, query: ReportQuery) -> bool:
    if query.tags and not set(query.tags) & set(check.tags):
        return False
    return query.deactivated is None or query.deactivated is not check.activated


def _zone(query: ReportQuery) -> tzinfo:
    if query.timezone is None:
        return UTC
    if query.granularity is None:
        raise Invalid("timezone (query) is not right: it says how days are counted, so it needs granularity.")
    try:
        return ZoneInfo(query.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            f"timezone (query) is not right: {query.timezone[:50]!r} is no time zone such as Europe/Berlin."
        ) from error
