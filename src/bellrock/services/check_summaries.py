"""Figures of many checks at once: availability, and how long their runs took. The database counts."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.analytics import counts_as_success, percent, says_how_long
from bellrock.domain.errors import Invalid
from bellrock.domain.outcomes import Verdict
from bellrock.domain.spans import QuickRange, Span, quick_span
from bellrock.domain.specs import CheckType
from bellrock.domain.spreads import Aggregation, Spread, aggregate
from bellrock.services.platform import Platform
from bellrock.store.analytics import Alike, count_alike, samples
from bellrock.store.checks import load_checks
from bellrock.store.heartbeats import count_events_of_many

_MOST_CHECKS = 100
_DECIMALS = 2
_PLACES = {
    "packetLoss": ("response", "packetLoss"),
    "latency": ("response", "latency", "avg"),
    "hopCount": ("response", "totalHops"),
}
_TIMES = (Aggregation.AVG, Aggregation.P50, Aggregation.P95, Aggregation.P99)
_LOSSES = (Aggregation.AVG, Aggregation.P95, Aggregation.P99)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a check's runs of a time came to. ``times_ms`` are of those that found out something."""

    successes: int = 0
    total: int = 0
    times_ms: Spread = field(default_factory=dict)

    @property
    def availability(self) -> float | None:
        """In percent; None where nothing was run."""
        return percent(self.successes, self.total)


@dataclass(frozen=True, slots=True)
class Figures:
    """Named figures of a check: None where there is no data, absent where they do not apply."""

    check_id: UUID
    check_type: CheckType
    values: Mapping[str, float | None]


async def batch_figures(
    platform: Platform, principal: Principal, check_ids: Sequence[UUID], *, quick_range: QuickRange
) -> tuple[Figures, ...]:
    """Figures of those checks that are the account's, in the order they were asked for."""
    principal.must(Right.VIEW)
    if not 1 <= len(check_ids) <= _MOST_CHECKS:
        raise Invalid(f"checkIds: name 1 to {_MOST_CHECKS} checks.")
    span = quick_span(quick_range, platform.clock())
    async with platform.database.read() as connection:
        known = await load_checks(connection, check_ids)
        types = {
            check_id: known[check_id].check.type
            for check_id in dict.fromkeys(check_ids)
            if check_id in known and known[check_id].check.account_id == principal.account_id
        }
        summaries = await summarized(connection, types, span)
        return tuple(
            [
                Figures(check_id, kind, await _values(connection, check_id, kind, summaries[check_id], span))
                for check_id, kind in types.items()
            ]
        )


async def summarized(
    connection: AsyncConnection, types: Mapping[UUID, CheckType], span: Span
) -> dict[UUID, Summary]:
    """The summaries of checks, heartbeat monitors by their pings. Every check has one."""
    found: dict[UUID, Summary] = {}
    pinged = [check_id for check_id, kind in types.items() if kind is CheckType.HEARTBEAT]
    for chunk in _chunks(pinged):
        counts = await count_events_of_many(connection, chunk, from_at=span.start, to_at=span.end)
        found |= {
            check_id: Summary(each.total - each.failing, each.total) for check_id, each in counts.items()
        }
    for chunk in _chunks([check_id for check_id in types if check_id not in set(pinged)]):
        found |= _summaries(await count_alike(connection, chunk, span))
    return {check_id: found.get(check_id, Summary()) for check_id in types}


def together(summaries: Iterable[Summary]) -> Summary:
    """One summary of many."""
    listed = list(summaries)
    times: Counter[float] = Counter()
    for each in listed:
        times.update(each.times_ms)
    return Summary(sum(each.successes for each in listed), sum(each.total for each in listed), times)


def _summaries(counted: Iterable[Alike]) -> dict[UUID, Summary]:
    totals: Counter[UUID] = Counter()
    successes: Counter[UUID] = Counter()
    times: dict[UUID, Counter[float]] = {}
    for each in counted:
        totals[each.check_id] += each.number
        successes[each.check_id] += each.number * counts_as_success(each.verdict)
        of_check = times.setdefault(each.check_id, Counter())
        if each.response_time_ms is not None and says_how_long(each.verdict):
            of_check[each.response_time_ms] += each.number
    return {check_id: Summary(successes[check_id], totals[check_id], times[check_id]) for check_id in totals}


async def _values(
    connection: AsyncConnection, check_id: UUID, kind: CheckType, summary: Summary, span: Span
) -> dict[str, float | None]:
    values = {"availability": rounded(summary.availability)}
    match kind:
        case CheckType.HEARTBEAT | CheckType.AGENTIC:
            return values
        case CheckType.ICMP:
            found = await _spreads(connection, check_id, span, ["latency", "packetLoss"])
            return values | _named("latency", found, _TIMES) | _named("packetLoss", found, _LOSSES)
        case CheckType.TRACEROUTE:
            found = await _spreads(connection, check_id, span, ["hopCount"])
            values |= _named("hopCount", found, (Aggregation.AVG,))
    return values | _named("responseTime", {"responseTime": summary.times_ms}, _TIMES)


async def _spreads(
    connection: AsyncConnection, check_id: UUID, span: Span, names: Sequence[str]
) -> dict[str, Spread]:
    """What stands in the details alone is read result by result."""
    spreads: dict[str, Counter[float]] = {name: Counter() for name in names}
    told = [each for each in Verdict if says_how_long(each) and each is not Verdict.CANCELLED]
    places = [_PLACES[name] for name in names]
    async for sample in samples(connection, check_id, span, verdicts=told, places=places):
        for name in names:
            number = sample.details[_PLACES[name]]
            if isinstance(number, int | float):
                spreads[name][number] += 1
    return dict(spreads)


def _named(
    name: str, spreads: Mapping[str, Spread], figures: Sequence[Aggregation]
) -> dict[str, float | None]:
    return {f"{name}_{how}": rounded(aggregate(spreads[name], how)) for how in figures}


def rounded(number: float | None) -> float | None:
    """As it is shown."""
    return None if number is None else round(number, _DECIMALS)


def _chunks(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    listed = list(ids)
    for start in range(0, len(listed), _MOST_CHECKS):
        yield listed[start : start + _MOST_CHECKS]
