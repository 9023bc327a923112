"""When a maintenance window comes again: by the clocks of its place, months that are short included."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from bellrock.domain.maintenances import MOST, Recurrence, maintenances

WINDOW = UUID(int=1)


def window(starts: str, ends: str, *, zone: str = "UTC", **fields: Any) -> Recurrence:
    """A window whose moments are said in UTC."""
    starts_at, ends_at = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (starts, ends))
    return Recurrence(WINDOW, starts_at, ends_at, ZoneInfo(zone), **fields)


def starts_of(recurrence: Recurrence, most: int = 4) -> list[str]:
    return [f"{each.starts_at:%Y-%m-%dT%H:%M}" for each in islice(maintenances(recurrence), most)]


def test_a_window_that_does_not_repeat_comes_once() -> None:
    (only,) = maintenances(window("2026-01-01T22:00", "2026-01-02T01:00", interval=3))
    assert (only.starts_at.hour, only.ends_at.hour) == (22, 1)


@pytest.mark.parametrize(
    ("unit", "interval", "expected"),
    [
        ("DAY", 2, ["2026-01-30", "2026-02-01", "2026-02-03"]),
        ("WEEK", 1, ["2026-01-30", "2026-02-06", "2026-02-13"]),
        ("MONTH", 1, ["2026-01-30", "2026-02-28", "2026-03-30"]),
        ("MONTH", 13, ["2026-01-30", "2027-02-28", "2028-03-30"]),
    ],
)
def test_a_window_comes_again_by_its_unit(unit: str, interval: int, expected: list[str]) -> None:
    recurrence = window("2026-01-30T10:00", "2026-01-30T11:00", unit=unit, interval=interval)
    assert [each[:10] for each in starts_of(recurrence, 3)] == expected


def test_the_last_time_is_the_last_that_begins_by_the_end_of_the_repeat() -> None:
    last_at = datetime(2026, 1, 3, 10, tzinfo=UTC)
    recurrence = window("2026-01-01T10:00", "2026-01-01T11:00", unit="DAY", last_at=last_at)
    assert len(list(maintenances(recurrence))) == 3


def test_local_time_stays_when_the_clocks_change() -> None:
    recurrence = window("2026-03-27T21:00", "2026-03-27T22:00", zone="Europe/Berlin", unit="DAY")
    assert starts_of(recurrence) == [
        "2026-03-27T21:00",
        "2026-03-28T21:00",
        "2026-03-29T20:00",
        "2026-03-30T20:00",
    ]


def test_in_an_hour_that_is_skipped_it_comes_later_and_is_as_long() -> None:
    recurrence = window("2026-03-28T01:15", "2026-03-28T01:45", zone="Europe/Berlin", unit="DAY")
    skipped = list(islice(maintenances(recurrence), 2))[1]
    assert f"{skipped.starts_at:%H:%M}" == "01:15"  # 03:15 there, and 02:15 never was
    assert (skipped.ends_at - skipped.starts_at).total_seconds() == 1_800


def test_in_an_hour_that_comes_twice_the_first_is_meant() -> None:
    recurrence = window("2026-10-24T00:30", "2026-10-24T00:45", zone="Europe/Berlin", unit="DAY")
    assert starts_of(recurrence, 2)[1] == "2026-10-25T00:30"


def test_one_without_an_end_is_bounded_and_ends_with_the_last_year() -> None:
    assert len(list(maintenances(window("2026-01-01T10:00", "2026-01-01T11:00", unit="DAY")))) == MOST
    yearly = window("9990-01-01T10:00", "9990-01-01T11:00", unit="MONTH", interval=12)
    assert len(list(maintenances(yearly))) == 10


def test_each_time_has_an_id_of_its_own_and_a_state_by_the_clock() -> None:
    first, second = islice(maintenances(window("2026-01-01T10:00", "2026-01-01T11:00", unit="DAY")), 2)
    assert first.id != second.id
    assert [first.status(each) for each in (first.starts_at, first.ends_at)] == ["IN_PROGRESS", "COMPLETED"]
    assert second.status(first.ends_at) == "SCHEDULED"
