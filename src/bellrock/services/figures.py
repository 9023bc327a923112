"""Figures of results, gathered one by one: for each metric, how often each number occurred."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bellrock.domain.analytics import (
    AskedMetric,
    Kind,
    Metric,
    counts_as_success,
    percent,
    says_how_long,
)
from bellrock.domain.spreads import Aggregation, aggregate
from bellrock.store.analytics import Sample

PAGES = ("pages",)
_DECIMALS, _DECIMALS_OF_SCORES = 2, 4
_ALL_PERCENT = 100

Value = float | str | bool | None


@dataclass(slots=True)
class Gathered:
    """What was gathered of some results, until all are seen."""

    results: int = 0
    successes: int = 0
    retries: int = 0
    spreads: dict[str, Counter[float]] = field(default_factory=dict)

    def add(self, sample: Sample, metrics: Sequence[Metric], *, page: int | None = None) -> None:
        """Add a result, or one page of it."""
        self.results += 1
        self.successes += counts_as_success(sample.verdict)
        self.retries += sample.attempt - 1
        if not says_how_long(sample.verdict):
            return
        for metric in metrics:
            numbers = self.spreads.setdefault(metric.name, Counter())
            numbers.update(number for number in numbers_of(metric, sample, page=page))

    def figure(self, asked: AskedMetric) -> float | None:
        """One metric of all that was added; None without any."""
        match asked.metric.kind:
            case Kind.OUTCOME:
                return rounded(percent(self.successes, self.results), asked.metric)
            case Kind.RETRIES:
                return self.retries
        how = asked.aggregation or Aggregation.AVG
        return rounded(aggregate(self.spreads.get(asked.metric.name, {}), how), asked.metric)


def rounded(number: float | None, metric: Metric) -> float | None:
    """As it is shown."""
    if number is None:
        return None
    return round(number, _DECIMALS_OF_SCORES if metric.unit == "score" else _DECIMALS)


def value_of(asked: AskedMetric, sample: Sample, *, page: int | None = None) -> Value:
    """A metric of one result. Of the pages of a browser check it is the first, unless another is meant."""
    metric = asked.metric
    match metric.kind:
        case Kind.OUTCOME:
            return _ALL_PERCENT if counts_as_success(sample.verdict) else 0
        case Kind.RETRIES:
            return sample.attempt - 1
        case Kind.DETAIL if metric.is_text:
            found = sample.details.get(metric.place)
            return found if isinstance(found, str) else None
    return next((rounded(each, metric) for each in numbers_of(metric, sample, page=page)), None)


def numbers_of(metric: Metric, sample: Sample, *, page: int | None = None) -> list[float]:
    """The numbers that a result holds for a metric: one at most, or one per page."""
    match metric.kind:
        case Kind.RESPONSE_TIME:
            found: list[object] = [sample.response_time_ms]
        case Kind.DETAIL:
            found = [sample.details.get(metric.place)]
        case Kind.PAGE:
            pages = pages_of(sample)
            shown = pages if page is None else pages[page : page + 1]
            found = [_inside(each, metric.place) for each in shown]
        case _:
            found = []
    return [float(each) for each in found if isinstance(each, int | float)]


def pages_of(sample: Sample) -> list[Any]:
    """The pages that a browser check visited."""
    pages = sample.details.get(PAGES)
    return pages if isinstance(pages, list) else []


def _inside(page: object, place: tuple[str, ...]) -> object:
    for name in place:
        page = page.get(name) if isinstance(page, Mapping) else None
    return page
