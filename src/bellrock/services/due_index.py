"""Which check is due next: in memory, beside what the database says. Only the leading scheduler has it."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from bellrock.domain.schedule import Schedule, Ticks
from bellrock.store.schedules import StoredSchedule

FOLLOWED = timedelta(seconds=5)
"""A change is known to the scheduler this long after it was made, at the latest (but see `Scheduler`)."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Due:
    """A check's schedule, until when its ticks are dealt with, and when the next one is due."""

    schedule: Schedule
    changed_at: datetime
    done_until: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Checks with ticks due until a moment: all there are, so that time may move on to it."""

    due: tuple[Due, ...]
    until: datetime


class DueIndex:
    """Checks by the time of their next tick."""

    def __init__(self) -> None:
        self._checks: dict[UUID, Due] = {}
        self._heap: list[tuple[datetime, int, UUID]] = []
        self._serial = count()

    def __len__(self) -> int:
        return len(self._checks)

    @property
    def next_due_at(self) -> datetime | None:
        """When the next tick is due, None without any."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def follow(self, stored: StoredSchedule, *, done_until: datetime) -> None:
        """Take over what is stored about a check. Ticks until ``done_until`` are dealt with.

        But for a check that was changed only just before: nobody may have known yet. Its ticks are looked
        at since the change; one that was run is known by its id.
        """
        check_id, known = stored.check_id, self._checks.get(stored.check_id)
        if stored.schedule is None:
            self._checks.pop(check_id, None)
        elif known is not None and known.schedule == stored.schedule:
            known.changed_at = stored.changed_at
        elif known is None or known.changed_at <= stored.changed_at:
            start = done_until
            if stored.changed_at >= done_until - FOLLOWED:
                start = min(done_until, stored.changed_at - _MICROSECOND)
            self._put(stored.schedule, stored.changed_at, start)

    def remove(self, check_id: UUID) -> None:
        """Forget a check."""
        self._checks.pop(check_id, None)

    def take(self, at: datetime, *, most: int) -> Batch:
        """The checks that are due, in their order: about as many, and all of one moment or none.

        They have to be put back, by `done`.
        """
        taken: list[Due] = []
        while (next_at := self.next_due_at) is not None and next_at <= at:
            if len(taken) >= most and next_at != taken[-1].due_at:
                return Batch(tuple(taken), next_at - _MICROSECOND)
            taken.append(self._checks[heapq.heappop(self._heap)[2]])
        return Batch(tuple(taken), at)

    def done(self, batch: Batch) -> None:
        """The ticks of a batch are dealt with."""
        for each in batch.due:
            if self._checks.get(each.schedule.check_id) is each:
                self._put(each.schedule, each.changed_at, batch.until)

    def skip(self, since: datetime, until: datetime) -> list[Ticks]:
        """Pass over all ticks until a moment, and say which those were since another."""
        skipped = []
        for each in tuple(self._checks.values()):
            if each.due_at <= until:
                missed = each.schedule.ticks(max(each.done_until, since), until)
                skipped += [missed] if missed else []
                self._put(each.schedule, each.changed_at, until)
        return skipped

    def _put(self, schedule: Schedule, changed_at: datetime, done_until: datetime) -> None:
        due_at = schedule.tick_after(done_until).due_at
        self._checks[schedule.check_id] = Due(schedule, changed_at, done_until, due_at)
        heapq.heappush(self._heap, (due_at, next(self._serial), schedule.check_id))
        if len(self._heap) > 2 * len(self._checks) + 100:
            self._build(self._checks.values())

    def _build(self, checks: Iterable[Due]) -> None:
        self._heap = [(each.due_at, next(self._serial), each.schedule.check_id) for each in checks]
        heapq.heapify(self._heap)

    def _drop_stale(self) -> None:
        while self._heap:
            due_at, _, check_id = self._heap[0]
            known = self._checks.get(check_id)
            if known is not None and known.due_at == due_at:
                return
            heapq.heappop(self._heap)
