"""Schedules: every tick exactly once however time is cut up, spread evenly, and what happens at changes."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellrock.domain.checks import FREQUENCIES_MIN, Check
from bellrock.domain.schedule import (
    OFFSETS_S,
    Plan,
    Schedule,
    Tick,
    interval_s,
    places_of,
    plan,
    schedule_of,
)
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor

DAWN = datetime(2026, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER_LATE = DAWN - timedelta(days=3_650)
INTERVALS_S = (*OFFSETS_S, *(minutes * 60 for minutes in FREQUENCIES_MIN))

moments = st.integers(0, 3 * 86_400 * 10**6).map(lambda us: DAWN + timedelta(microseconds=us))
schedules = st.builds(
    Schedule,
    check_id=st.uuids(),
    interval_s=st.sampled_from(INTERVALS_S),
    since=moments,
    activated_at=st.none() | moments,
)


def monitors(number: int, every_s: int) -> list[Schedule]:
    ids = random.Random(number)
    return [Schedule(UUID(int=ids.getrandbits(128)), every_s, DAWN) for _ in range(number)]


def all_ticks(schedule: Schedule, after: datetime, until: datetime) -> list[Tick]:
    """One after the other, as a clock would show them."""
    found = []
    tick = schedule.tick_after(after)
    while tick.due_at <= until:
        found.append(tick)
        tick = schedule.tick_after(tick.due_at)
    return found


def a_check(**changes: object) -> Check:
    check = Check(
        id=UUID(int=7),
        account_id=UUID(int=1),
        type=CheckType.URL,
        name="home",
        spec=UrlMonitor(HttpRequest("https://shop.example")),
        created_at=DAWN,
        activated_at=DAWN,
        frequency_min=1,
    )
    return replace(check, **changes)  # type: ignore[arg-type]


def test_ten_thousand_monitors_tick_exactly_once_a_minute_for_a_day_however_it_is_cut_up() -> None:
    cuts = sorted(random.Random(1).uniform(0, 86_400) for _ in range(30))
    edges = [DAWN + timedelta(seconds=each) for each in (0, *cuts, 86_400)]
    for schedule in monitors(10_000, 60):
        parts = [schedule.ticks(after, until) for after, until in pairwise(edges)]
        assert sum(part.number for part in parts if part) == 1_440
        whole = schedule.ticks(edges[0], edges[-1])
        assert whole is not None
        assert whole.last_at - whole.first_at == timedelta(seconds=1_439 * 60)


def test_ten_thousand_monitors_spread_evenly_over_their_minute() -> None:
    per_second = Counter(schedule.phase // timedelta(seconds=1) for schedule in monitors(10_000, 60))
    assert set(per_second) == set(range(60))
    assert max(per_second.values()) < 1.35 * 10_000 / 60
    assert min(per_second.values()) > 0.65 * 10_000 / 60


def test_monitors_share_twenty_moments_in_a_second_evenly() -> None:
    moments = Counter(schedule.phase for schedule in monitors(10_000, 10))
    assert {phase % timedelta(milliseconds=50) for phase in moments} == {timedelta(0)}
    assert len(moments) == 10 * 20
    assert max(moments.values()) < 2 * 10_000 / 200


@given(schedules, moments, moments, moments)
def test_a_stretch_of_time_has_the_ticks_of_its_parts(
    schedule: Schedule, one: datetime, two: datetime, three: datetime
) -> None:
    after, between, until = sorted((one, two, three))

    def number(since: datetime, till: datetime) -> int:
        ticks = schedule.ticks(since, till)
        return ticks.number if ticks else 0

    assert number(after, until) == number(after, between) + number(between, until)


@given(schedules, moments, st.integers(1, 40))
def test_ticks_are_counted_without_being_gone_through(
    schedule: Schedule, after: datetime, intervals: int
) -> None:
    until = after + timedelta(seconds=schedule.interval_s * intervals)
    one_by_one = all_ticks(schedule, after, until)
    counted = schedule.ticks(after, until)
    if not one_by_one:
        assert counted is None
        assert schedule.last_tick(after, until) is None
        return
    assert counted is not None
    assert (counted.first_at, counted.last_at) == (one_by_one[0].due_at, one_by_one[-1].due_at)
    assert counted.number == len(one_by_one)
    assert schedule.last_tick(after, until) == one_by_one[-1]
    numbers = [tick.number for tick in one_by_one]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@given(schedules, moments)
def test_on_the_grid_ticks_are_one_interval_apart(schedule: Schedule, after: datetime) -> None:
    first = schedule.tick_after(after)
    if first.is_first:
        first = schedule.tick_after(first.due_at)
    assert schedule.tick_after(first.due_at).due_at - first.due_at == timedelta(seconds=schedule.interval_s)


@given(st.uuids(), st.sampled_from(INTERVALS_S), moments)
def test_an_activated_check_runs_at_once_and_then_not_before_a_rest(
    check_id: UUID, every_s: int, activated_at: datetime
) -> None:
    schedule = Schedule(check_id, every_s, DAWN, activated_at)
    first = schedule.tick_after(activated_at - MICROSECOND)
    assert (first.due_at, first.is_first) == (activated_at, True)
    second = schedule.tick_after(first.due_at)
    assert second.number == first.number + 1
    waits_s = (second.due_at - first.due_at).total_seconds()
    assert min(every_s / 2, 60) < waits_s <= every_s + min(every_s / 2, 60)
    assert schedule.tick_after(NEVER_LATE) == first


@given(schedules)
def test_nothing_is_due_before_the_check_was_there(schedule: Schedule) -> None:
    begins = schedule.activated_at or schedule.since
    assert schedule.tick_after(NEVER_LATE).due_at >= begins


@given(schedules, moments, moments, st.integers(0, 60))
def test_of_the_ticks_due_the_last_is_run_unless_it_is_late_and_the_others_are_missed(
    schedule: Schedule, one: datetime, two: datetime, late_s: int
) -> None:
    after, until = sorted((one, two))
    late_before = until - timedelta(seconds=late_s)
    decided = plan(schedule, after=after, until=until, late_before=late_before)
    due = schedule.ticks(after, until)
    if due is None:
        assert decided == Plan(None, None)
        return
    missed = decided.missed.number if decided.missed else 0
    assert missed + (decided.run is not None) == due.number
    assert (decided.run is not None) == (due.last_at >= late_before)
    assert decided.run is None or decided.run.due_at == due.last_at


def test_a_tick_has_the_same_ids_wherever_and_whenever_it_is_computed() -> None:
    one, two = (Schedule(UUID(int=7), 60, DAWN).tick_after(DAWN) for _ in range(2))
    assert (one.session_id, one.run_id("here")) == (two.session_id, two.run_id("here"))
    later = Schedule(UUID(int=7), 60, DAWN).tick_after(one.due_at)
    ids = {one.session_id, later.session_id}
    for tick in (one, later):
        for location in ("here", "there"):
            ids |= {tick.run_id(location), tick.result_id(location)}
    assert len(ids) == 10
    assert {each.version for each in ids} == {7}


@given(st.uuids(), st.lists(moments, min_size=2, max_size=20, unique=True))
def test_ids_of_ticks_sort_by_the_time_they_are_due(check_id: UUID, due: list[datetime]) -> None:
    ids = [Tick(check_id, 0, at).session_id for at in sorted(due)]
    by_millisecond = [each.int >> 80 for each in ids]
    assert by_millisecond == sorted(by_millisecond)


@given(schedules, moments, st.integers(1, 5))
def test_locations_take_turns(schedule: Schedule, after: datetime, number: int) -> None:
    locations = tuple(f"place-{each}" for each in range(number))
    tick = schedule.tick_after(after)
    places: list[str] = []
    for _ in range(2 * number):
        places += places_of(tick, locations, parallel=False)
        tick = schedule.tick_after(tick.due_at)
    assert set(places) == set(locations)
    assert places[:number] == places[number:]


def test_a_parallel_check_runs_everywhere_at_every_tick() -> None:
    tick = Schedule(UUID(int=7), 60, DAWN).tick_after(DAWN)
    assert places_of(tick, ("here", "there"), parallel=True) == ("here", "there")


@pytest.mark.parametrize(
    ("minutes", "offset_s", "expected_s"), [(10, None, 600), (0, 20, 20), (5, 20, 300), (0, None, 60)]
)
def test_the_offset_is_the_interval_where_the_frequency_is_0(
    minutes: int, offset_s: int | None, expected_s: int
) -> None:
    assert interval_s(minutes, offset_s) == expected_s


def test_a_deactivated_check_has_no_schedule_and_a_muted_one_keeps_its() -> None:
    assert schedule_of(a_check(activated=False)) is None
    assert schedule_of(a_check(muted=True)) == schedule_of(a_check())


def test_another_frequency_means_another_grid_at_most_one_new_interval_away() -> None:
    hourly, by_the_minute = (schedule_of(a_check(frequency_min=each)) for each in (60, 1))
    assert hourly is not None
    assert by_the_minute is not None
    changed_at = DAWN + timedelta(hours=5)
    assert by_the_minute.tick_after(changed_at).due_at - changed_at <= timedelta(minutes=1)
    assert hourly.tick_after(changed_at).due_at - changed_at <= timedelta(hours=1)
