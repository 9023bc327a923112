"""Figures of one check in a time: as a whole or in intervals, for all its results or by what they share."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.analytics import (
    AVAILABILITY,
    AskedMetric,
    Kind,
    asked_metric,
    counts_as_success,
    metric_names,
    percent,
)
from bellrock.domain.checks import Check
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.heartbeats import PingState
from bellrock.domain.outcomes import Verdict
from bellrock.domain.spans import QuickRange, Span, asked_span
from bellrock.domain.specs import CheckType
from bellrock.services.figures import PAGES, Gathered, Value, pages_of, rounded, value_of
from bellrock.services.platform import Platform
from bellrock.store.analytics import Sample, samples
from bellrock.store.checks import load_check
from bellrock.store.heartbeats import count_events_by_state

GroupBy = Literal["runLocation", "statusCode", "pageIndex"]
Key = str | int | None

_STATUS_CODE = ("response", "status")
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTED = frozenset(Verdict) - {Verdict.CANCELLED}


@dataclass(frozen=True, slots=True)
class AnalyticsQuery:
    """What to measure. ``successful``: only good or only failed results; ``states``: of a heartbeat's pings.

    ``page`` counts from 1, in the data of each series: results, or intervals, newest first.
    """

    metrics: tuple[str, ...]
    quick_range: QuickRange = QuickRange.LAST_24_HOURS
    from_at: datetime | None = None
    to_at: datetime | None = None
    group_by: GroupBy | None = None
    interval_min: float | None = None
    successful: bool | None = None
    states: tuple[PingState, ...] = ()
    limit: int = 10
    page: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of one result, of one interval (from ``at`` on), or of all (``at`` is None)."""

    at: datetime | None
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Series:
    """The points of results that have ``key`` in common, which is None where nothing was grouped."""

    key: Key
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """The answer, with what was asked."""

    check: Check
    span: Span
    asked: tuple[AskedMetric, ...]
    series: tuple[Series, ...]


async def check_figures(
    platform: Platform, principal: Principal, check_id: UUID, *, of: CheckType, query: AnalyticsQuery
) -> CheckFigures:
    """Figures of a check of this type. Raises NotFound, Invalid."""
    principal.must(Right.VIEW)
    asked = _asked(of, query)
    at = platform.clock()
    span = asked_span(query.quick_range, from_at=query.from_at, to_at=query.to_at, at=at)
    async with platform.database.read() as connection:
        stored = await load_check(connection, principal.account_id, check_id)
        if stored is None or stored.check.type is not of:
            raise NotFound(f"There is no {of} check {check_id}.")
        if of is CheckType.HEARTBEAT:
            series = await _of_heartbeat(connection, check_id, span, asked=asked, query=query)
        else:
            found = samples(
                connection, check_id, span, verdicts=_verdicts(query), places=_places(asked, query)
            )
            series = await _series(found, asked, query)
    return CheckFigures(stored.check, span, asked, series)


def _asked(check_type: CheckType, query: AnalyticsQuery) -> tuple[AskedMetric, ...]:
    if not query.metrics:
        raise Invalid(f"metrics (query) is missing: name some of {', '.join(metric_names(check_type))}.")
    found = []
    for name in dict.fromkeys(query.metrics):
        asked = asked_metric(check_type, name)
        if asked is None:
            allowed = ", ".join(metric_names(check_type))
            raise Invalid(f"metrics (query) is not right: {name[:50]!r} is not one of {allowed}.")
        found.append(asked)
    single = [each.name for each in found if each.is_of_each_result]
    others = [each.name for each in found if each.aggregation]
    if single and others:
        raise Invalid(
            f"metrics (query) is not right: {single[0]} is about each result and {others[0]} about many. "
            "Ask for them apart."
        )
    if single and query.interval_min:
        raise Invalid(
            f"aggregationInterval (query) is not right: {single[0]} is about each result. "
            f"Say how to put them together, as in {single[0]}_avg."
        )
    return tuple(found)


def _verdicts(query: AnalyticsQuery) -> Iterable[Verdict]:
    if query.successful is None:
        return _COUNTED
    return [each for each in _COUNTED if counts_as_success(each) is query.successful]


def _places(asked: Sequence[AskedMetric], query: AnalyticsQuery) -> list[tuple[str, ...]]:
    """What has to be read of the details of each result: as little as will do."""
    places = {each.metric.place for each in asked if each.metric.kind is Kind.DETAIL}
    if query.group_by == "pageIndex" or any(each.metric.kind is Kind.PAGE for each in asked):
        places.add(PAGES)
    if query.group_by == "statusCode":
        places.add(_STATUS_CODE)
    return sorted(places)


async def _series(
    found: AsyncIterator[Sample], asked: Sequence[AskedMetric], query: AnalyticsQuery
) -> tuple[Series, ...]:
    of_each = any(each.is_of_each_result for each in asked)
    rows = _ResultRows(asked, query) if of_each else _Intervals(asked, query)
    async for sample in found:
        for key, page in _keys(sample, query.group_by):
            rows.add(sample, key, page)
    if query.group_by is None:
        rows.need(None)
    return tuple(sorted(rows.series(), key=lambda each: str(each.key)))


def _keys(sample: Sample, group_by: GroupBy | None) -> Iterator[tuple[Key, int | None]]:
    """The series that a result belongs to, and the page that is meant there."""
    match group_by:
        case "runLocation":
            yield sample.location, None
        case "statusCode":
            code = sample.details.get(_STATUS_CODE)
            if isinstance(code, int):
                yield code, None
        case "pageIndex":
            for index in range(len(pages_of(sample))):
                yield index, index
        case None:
            yield None, None


class _ResultRows:
    """One point per result; of all that are seen, those on the page that was asked for are kept."""

    def __init__(self, asked: Sequence[AskedMetric], query: AnalyticsQuery) -> None:
        self._asked = asked
        self._first = (query.page - 1) * query.limit
        self._limit = query.limit
        self._seen: dict[Key, int] = {}
        self._points: dict[Key, list[Point]] = {}

    def need(self, key: Key) -> None:
        self._points.setdefault(key, [])

    def add(self, sample: Sample, key: Key, page: int | None) -> None:
        self.need(key)
        number = self._seen.get(key, 0)
        self._seen[key] = number + 1
        if self._first <= number < self._first + self._limit:
            values = {each.name: value_of(each, sample, page=page) for each in self._asked}
            self._points[key].append(Point(sample.created_at, values))

    def series(self) -> Iterator[Series]:
        for key, points in self._points.items():
            yield Series(key, tuple(points))


class _Intervals:
    """One point per interval in which there was a result, or one for all."""

    def __init__(self, asked: Sequence[AskedMetric], query: AnalyticsQuery) -> None:
        self._asked = asked
        self._metrics = tuple({each.metric.name: each.metric for each in asked}.values())
        self._query = query
        self._gathered: dict[Key, dict[datetime | None, Gathered]] = {}

    def need(self, key: Key) -> None:
        of_key = self._gathered.setdefault(key, {})
        if self._query.interval_min is None:
            of_key.setdefault(None, Gathered())

    def add(self, sample: Sample, key: Key, page: int | None) -> None:
        of_key = self._gathered.setdefault(key, {})
        gathered = of_key.setdefault(self._interval(sample.created_at), Gathered())
        gathered.add(sample, self._metrics, page=page)

    def _interval(self, at: datetime) -> datetime | None:
        if self._query.interval_min is None:
            return None
        length = self._query.interval_min * _MINUTE
        return at - (at - _EPOCH) % length

    def series(self) -> Iterator[Series]:
        first = (self._query.page - 1) * self._query.limit
        for key, intervals in self._gathered.items():
            points = [
                Point(at, {each.name: gathered.figure(each) for each in self._asked})
                for at, gathered in intervals.items()  # in the order of the results: newest first
            ]
            yield Series(key, tuple(points[first : first + self._query.limit]))


async def _of_heartbeat(
    connection: AsyncConnection,
    check_id: UUID,
    span: Span,
    *,
    asked: Sequence[AskedMetric],
    query: AnalyticsQuery,
) -> tuple[Series, ...]:
    """A heartbeat monitor has no results: its availability is that of its pings, and nothing is retried."""
    counted = await count_events_by_state(connection, check_id, from_at=span.start, to_at=span.end)
    meant = {state: number for state, number in counted.items() if not query.states or state in query.states}
    total = sum(meant.values())
    came = total - meant.get(PingState.FAILING, 0)
    values: dict[str, Value] = {
        each.name: rounded(percent(came, total), each.metric) if each.name == AVAILABILITY else 0
        for each in asked
    }
    points = (Point(None, values),) if query.page == 1 else ()
    return (Series(None, points),)
