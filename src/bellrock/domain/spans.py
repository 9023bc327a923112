"""Spans of time that people ask about by name, and their division into days, weeks and months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from bellrock.domain.errors import Invalid

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BUCKETS = 120
LONGEST_DIVIDED = timedelta(days=400)


class QuickRange(StrEnum):
    """The contract's spans. Weeks begin on Monday, in UTC."""

    LAST_24_HOURS = "last24Hours"
    LAST_7_DAYS = "last7Days"
    LAST_30_DAYS = "last30Days"
    THIS_WEEK = "thisWeek"
    THIS_MONTH = "thisMonth"
    LAST_WEEK = "lastWeek"
    LAST_MONTH = "lastMonth"


class Granularity(StrEnum):
    """What a span can be divided into."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """A time, from its first moment to before its end."""

    start: datetime
    end: datetime


def quick_span(quick: QuickRange, at: datetime) -> Span:
    """The span of this name, seen from a moment."""
    today = _midnight(at)
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    match quick:
        case QuickRange.LAST_24_HOURS:
            return Span(at - _DAY, at)
        case QuickRange.LAST_7_DAYS:
            return Span(at - _WEEK, at)
        case QuickRange.LAST_30_DAYS:
            return Span(at - 30 * _DAY, at)
        case QuickRange.THIS_WEEK:
            return Span(monday, at)
        case QuickRange.THIS_MONTH:
            return Span(first, at)
        case QuickRange.LAST_WEEK:
            return Span(monday - _WEEK, monday)
        case QuickRange.LAST_MONTH:
            return Span((first - _DAY).replace(day=1), first)


def asked_span(quick: QuickRange, *, from_at: datetime | None, to_at: datetime | None, at: datetime) -> Span:
    """The span that ``from`` and ``to`` say, until now at most, else the quick one. Raises Invalid."""
    if from_at is None and to_at is None:
        return quick_span(quick, at)
    for name, moment in (("from", from_at), ("to", to_at)):
        if moment is not None and moment < _EPOCH:
            raise Invalid(f"{name} (query) is not right: it lies before 1970.")
    end = min(to_at or at, at)
    start = from_at or max(_EPOCH, end - _DAY)
    if start >= end:
        raise Invalid("from (query) is not right: it has to lie before to, and in the past.")
    return Span(start, end)


def divided(span: Span, granularity: Granularity, zone: tzinfo) -> tuple[Span, ...]:
    """The days, weeks or months that a span touches, as people of a zone count them, cut to the span.

    Raises Invalid for a span that is too long, or falls into too many of them.
    """
    if span.end - span.start > LONGEST_DIVIDED:
        raise Invalid(f"from (query) is not right: with granularity use at most {LONGEST_DIVIDED.days} days.")
    parts = tuple(_parts(span, granularity, zone))
    if len(parts) > MOST_BUCKETS:
        raise Invalid(
            f"granularity (query) is not right: the span falls into {len(parts)} {granularity}s, "
            f"and at most {MOST_BUCKETS} are allowed."
        )
    return parts


def _parts(span: Span, granularity: Granularity, zone: tzinfo) -> Iterator[Span]:
    start = span.start
    while start < span.end:
        end = min(_next(start.astimezone(zone), granularity).astimezone(UTC), span.end)
        yield Span(start, end)
        start = end


def _next(local: datetime, granularity: Granularity) -> datetime:
    # By the calendar, not by hours: a day on which clocks are set has 23 or 25 of them.
    midnight = _midnight(local)
    match granularity:
        case Granularity.DAY:
            return midnight + _DAY
        case Granularity.WEEK:
            return midnight + timedelta(days=7 - midnight.weekday())
        case Granularity.MONTH:
            return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
