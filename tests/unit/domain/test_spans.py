"""Spans of time by name, and their days, weeks and months."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bellrock.domain.errors import Invalid
from bellrock.domain.spans import Granularity, QuickRange, Span, asked_span, divided, quick_span

WEDNESDAY = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("quick", "start", "end"),
    [
        (QuickRange.LAST_24_HOURS, (2026, 3, 31, 15, 30), None),
        (QuickRange.LAST_7_DAYS, (2026, 3, 25, 15, 30), None),
        (QuickRange.LAST_30_DAYS, (2026, 3, 2, 15, 30), None),
        (QuickRange.THIS_WEEK, (2026, 3, 30), None),
        (QuickRange.LAST_WEEK, (2026, 3, 23), (2026, 3, 30)),
        (QuickRange.THIS_MONTH, (2026, 4, 1), None),
        (QuickRange.LAST_MONTH, (2026, 3, 1), (2026, 4, 1)),
    ],
)
def test_weeks_begin_on_monday_and_months_on_the_first(
    quick: QuickRange, start: tuple[int, ...], end: tuple[int, ...] | None
) -> None:
    wanted = Span(
        datetime(*start, tzinfo=UTC),  # type: ignore[arg-type, misc]
        datetime(*end, tzinfo=UTC) if end else WEDNESDAY,  # type: ignore[arg-type, misc]
    )
    assert quick_span(quick, WEDNESDAY) == wanted


def test_a_span_that_is_said_ends_now_at_the_latest() -> None:
    start = WEDNESDAY - timedelta(days=2)
    until = WEDNESDAY + timedelta(days=9)
    found = asked_span(QuickRange.LAST_MONTH, from_at=start, to_at=until, at=WEDNESDAY)
    assert found == Span(start, WEDNESDAY)
    only_end = asked_span(QuickRange.LAST_MONTH, from_at=None, to_at=start, at=WEDNESDAY)
    assert only_end == Span(start - timedelta(days=1), start)
    with pytest.raises(Invalid, match="from"):
        asked_span(QuickRange.LAST_MONTH, from_at=until, to_at=None, at=WEDNESDAY)


def test_a_day_on_which_clocks_are_set_has_23_hours() -> None:
    """In Berlin they were set forward on the 29th of March."""
    span = Span(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 31, 12, tzinfo=UTC))
    days = divided(span, Granularity.DAY, BERLIN)
    hours = [(each.end - each.start) / timedelta(hours=1) for each in days]
    assert hours == [11, 23, 24, 14]
    assert (days[0].start, days[-1].end) == (span.start, span.end)


@pytest.mark.parametrize(("granularity", "number"), [(Granularity.WEEK, 10), (Granularity.MONTH, 3)])
def test_weeks_and_months_join_without_a_gap(granularity: Granularity, number: int) -> None:
    span = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC))
    parts = divided(span, granularity, UTC)
    assert len(parts) == number
    assert [each.end for each in parts[:-1]] == [each.start for each in parts[1:]]


def test_what_falls_into_too_many_parts_is_refused() -> None:
    day = timedelta(days=1)
    with pytest.raises(Invalid, match="121 days"):
        divided(Span(WEDNESDAY - 120 * day, WEDNESDAY), Granularity.DAY, UTC)
    with pytest.raises(Invalid, match="400 days"):
        divided(Span(WEDNESDAY - 401 * day, WEDNESDAY), Granularity.MONTH, UTC)
