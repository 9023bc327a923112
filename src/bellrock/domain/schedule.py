"""When checks run. Due times are computed from a check's interval and its id, never stored.

A check's ticks lie on a grid: one every interval, shifted by a phase that its id decides, so that many
checks of one interval spread evenly over it. Before them comes one tick at its activation. Ticks have
numbers; a tick is run at most once, for its ids are those of its moment. Grids share their moments, twenty
in a second: what is due together costs a runner less than what is due a few milliseconds apart.

What that means where something changes:

- *created, activated*: a first run at once, then the grid, beginning after a pause (`_REST`).
- *another interval*: the next tick is the next one on the new grid, at most one new interval away.
- *deactivated, deleted*: no further ticks. *Muted*: nothing changes, for muting is about alerts.
- *the clock is set forward*: ticks in between are missed. *Set back*: ticks that were run are not run again.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import blake2b, sha1
from typing import TypeVar
from uuid import UUID

from bellrock.domain.checks import Check
from bellrock.domain.specs import CheckType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_MOMENTS_IN_A_SECOND = 20
_MOMENT = timedelta(seconds=1) / _MOMENTS_IN_A_SECOND
_MOST_TICKS = 8_192
_REST = timedelta(seconds=60)
_INTERVAL_WITHOUT_OFFSET_S = 60

OFFSETS_S = (10, 20, 30)
"""The intervals below a minute: `frequency` is 0 then, and `frequencyOffset` one of these."""

MONITORS = frozenset(
    {
        *(CheckType.URL, CheckType.TCP, CheckType.DNS, CheckType.ICMP),
        *(CheckType.SSL, CheckType.GRPC, CheckType.TRACEROUTE),
    }
)
"""Checks that are one question to a target: their ticks are handed out together, ahead of their time."""

Place = TypeVar("Place")


class Missed(StrEnum):
    """Why a tick was not run."""

    NOT_SCHEDULED = "not_scheduled"  # no server was there in time
    OVERLAP = "overlap"  # an earlier run of the check was still open
    NO_RUNNER = "no_runner"  # its location had no runner for long, or none that took it
    RUNNER_LOST = "runner_lost"  # the runner that took it vanished


@dataclass(frozen=True)
class Tick:
    """One moment at which a check is due. ``is_first``: the one at its activation."""

    check_id: UUID
    number: int
    due_at: datetime
    is_first: bool = False
    _ids: dict[str, UUID] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def session_id(self) -> UUID:
        """The id of the session that runs it: whoever runs it again writes the same row again."""
        known = self._ids.get("")
        if known is None:
            name = f"tick-{(self.due_at - _EPOCH) // _MICROSECOND}"
            known = self._ids[""] = _id_at(self.due_at, self.check_id, name)
        return known

    def run_id(self, location: str) -> UUID:
        """The id of its run at a location."""
        return self._id_of(f"run-{location}")

    def result_id(self, location: str) -> UUID:
        """The id of that run's result."""
        return self._id_of(f"result-{location}")

    def _id_of(self, name: str) -> UUID:
        known = self._ids.get(name)
        if known is None:
            known = self._ids[name] = _id_at(self.due_at, self.session_id, name)
        return known


@lru_cache(_MOST_TICKS)
def tick_at(check_id: str, due_us: int) -> Tick:
    """The tick of a check (its id in hexadecimal digits) that is due so many microseconds after 1970 began.

    The same object for the same tick: the steps of a tick follow each other within seconds, and to work out
    its ids takes longer than most of them.
    """
    return Tick(UUID(check_id), 0, _EPOCH + due_us * _MICROSECOND)


@dataclass(frozen=True, slots=True)
class Ticks:
    """Consecutive ticks of one check, at least one."""

    check_id: UUID
    first_at: datetime
    last_at: datetime
    number: int


@dataclass(frozen=True)
class Schedule:
    """When one check runs. ``activated_at`` is the moment of its first run, None for none.

    ``since``: nothing on the grid is due before.
    """

    check_id: UUID
    interval_s: int
    since: datetime
    activated_at: datetime | None = None

    @cached_property
    def phase(self) -> timedelta:
        """How far the grid is shifted: below one interval, and by whole moments."""
        digest = blake2b(self.check_id.bytes, digest_size=8).digest()
        return _MOMENT * (self.interval_s * _MOMENTS_IN_A_SECOND * int.from_bytes(digest) >> 64)

    def tick_after(self, at: datetime) -> Tick:
        """The first tick due after a moment."""
        return self._tick(self._number_after(at))

    def last_tick(self, after: datetime, until: datetime) -> Tick | None:
        """The last tick due after the one moment and not after the other."""
        number = self._number_after(until) - 1
        return self._tick(number) if number >= self._number_after(after) else None

    def ticks(self, after: datetime, until: datetime) -> Ticks | None:
        """The ticks due after the one moment and not after the other, None for none. Costs no loop."""
        first, end = self._number_after(after), self._number_after(until)
        if end <= first:
            return None
        return Ticks(self.check_id, self._due_at(first), self._due_at(end - 1), end - first)

    @cached_property
    def _first_on_grid(self) -> int:
        if self.activated_at is None:
            return self._grid_number_after(self.since - _MICROSECOND)
        rest = min(self._interval / 2, _REST)
        return self._grid_number_after(self.activated_at + rest)

    @cached_property
    def _interval(self) -> timedelta:
        return timedelta(seconds=self.interval_s)

    def _grid_number_after(self, at: datetime) -> int:
        return (at - _EPOCH - self.phase) // self._interval + 1

    def _number_after(self, at: datetime) -> int:
        if self.activated_at is not None and at < self.activated_at:
            return self._first_on_grid - 1
        return max(self._grid_number_after(at), self._first_on_grid)

    def _due_at(self, number: int) -> datetime:
        if self.activated_at is not None and number < self._first_on_grid:
            return self.activated_at
        return _EPOCH + self.phase + number * self._interval

    def _tick(self, number: int) -> Tick:
        is_first = self.activated_at is not None and number < self._first_on_grid
        return Tick(self.check_id, number, self._due_at(number), is_first)


def interval_s(frequency_min: int, frequency_offset_s: int | None) -> int:
    """Seconds between two ticks. The offset counts where the frequency is 0, and is ignored elsewhere."""
    if frequency_min:
        return frequency_min * 60
    return frequency_offset_s or _INTERVAL_WITHOUT_OFFSET_S


def schedule_of(check: Check) -> Schedule | None:
    """When the check runs, None where it is deactivated."""
    if not check.activated:
        return None
    every_s = interval_s(check.frequency_min, check.frequency_offset_s)
    return Schedule(check.id, every_s, check.created_at, check.activated_at)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the ticks of one check that fell due: at most one is run."""

    run: Tick | None
    missed: Ticks | None


def plan(schedule: Schedule, *, after: datetime, until: datetime, late_before: datetime) -> Plan:
    """Of the ticks due in a stretch of time the last is run, unless it was due too long ago."""
    last = schedule.last_tick(after, until)
    if last is None or last.due_at < late_before:
        return Plan(None, schedule.ticks(after, until))
    return Plan(last, schedule.ticks(after, last.due_at - _MICROSECOND))


def places_of(tick: Tick, locations: tuple[Place, ...], *, parallel: bool) -> tuple[Place, ...]:
    """Where a tick runs: at every location, or at one, in turns."""
    if parallel or not locations:
        return locations
    return (locations[tick.number % len(locations)],)


def _id_at(at: datetime, of: UUID, name: str) -> UUID:
    """A digest as an id that sorts by time, as all others do (uuid7: its first 48 bits are ms)."""
    digest = sha1(of.bytes + name.encode(), usedforsecurity=False).digest()
    at_ms = (at - _EPOCH) // _MILLISECOND
    low = int.from_bytes(digest[6:16])
    return UUID(int=at_ms << 80 | low & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)
