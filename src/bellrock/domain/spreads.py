"""What many numbers amount to. They come as how often each occurred: millions of results are few numbers."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from enum import StrEnum
from itertools import accumulate

Spread = Mapping[float, int]
"""How often each number occurred."""


class Aggregation(StrEnum):
    """What can be asked of numbers, in the contract's words."""

    AVG = "avg"
    MAX = "max"
    MEDIAN = "median"
    MIN = "min"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    STDDEV = "stddev"
    SUM = "sum"


_QUANTILES = {
    Aggregation.MEDIAN: 0.5,
    Aggregation.P50: 0.5,
    Aggregation.P90: 0.9,
    Aggregation.P95: 0.95,
    Aggregation.P99: 0.99,
}


def aggregate(spread: Spread, how: Aggregation) -> float | None:
    """One number for all; None for none. A percentile between two numbers is interpolated."""
    if not spread:
        return None
    match how:
        case Aggregation.MIN:
            return min(spread)
        case Aggregation.MAX:
            return max(spread)
        case Aggregation.SUM:
            return _sum(spread)
        case Aggregation.AVG:
            return _sum(spread) / sum(spread.values())
        case Aggregation.STDDEV:
            return _deviation(spread)
    return _quantile(spread, _QUANTILES[how])


def _sum(spread: Spread) -> float:
    return math.fsum(number * times for number, times in spread.items())


def _deviation(spread: Spread) -> float:
    count = sum(spread.values())
    mean = _sum(spread) / count
    return math.sqrt(math.fsum(times * (number - mean) ** 2 for number, times in spread.items()) / count)


def _quantile(spread: Spread, part: float) -> float:
    numbers = sorted(spread)
    ends = list(accumulate(spread[number] for number in numbers))
    place = part * (ends[-1] - 1)
    below, above = (numbers[bisect_right(ends, index)] for index in (math.floor(place), math.ceil(place)))
    return below + (above - below) * (place - math.floor(place))
