"""What many numbers amount to."""

import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellrock.domain.spreads import Aggregation, aggregate

NUMBERS = st.lists(st.integers(0, 60_000), min_size=2, max_size=60)


def test_nothing_amounts_to_nothing() -> None:
    assert {aggregate({}, how) for how in Aggregation} == {None}


def test_one_number_is_all_of_its_figures() -> None:
    figures = {how: aggregate({7: 3}, how) for how in Aggregation}
    assert figures.pop(Aggregation.SUM) == 21
    assert figures.pop(Aggregation.STDDEV) == 0
    assert set(figures.values()) == {7}


@given(NUMBERS)
def test_figures_are_those_of_the_numbers_written_out(numbers: list[int]) -> None:
    spread: Counter[float] = Counter(numbers)
    cuts = statistics.quantiles(numbers, n=100, method="inclusive")
    wanted = {
        Aggregation.AVG: statistics.fmean(numbers),
        Aggregation.MAX: max(numbers),
        Aggregation.MIN: min(numbers),
        Aggregation.MEDIAN: statistics.median(numbers),
        Aggregation.P50: cuts[49],
        Aggregation.P90: cuts[89],
        Aggregation.P95: cuts[94],
        Aggregation.P99: cuts[98],
        Aggregation.STDDEV: statistics.pstdev(numbers),
        Aggregation.SUM: sum(numbers),
    }
    assert {how: aggregate(spread, how) for how in Aggregation} == pytest.approx(wanted)
