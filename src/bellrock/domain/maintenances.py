"""When a maintenance window comes again, in the local time of its place."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

MOST = 10_000
"""How many times a window comes at most: one without an end would come for ever."""

Status = Literal["SCHEDULED", "IN_PROGRESS", "COMPLETED"]
_MONTHS = 12
_DAYS = {"DAY": 1, "WEEK": 7}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A window: the first time that it comes, and how often it comes again, until ``last_at``."""

    window_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    unit: Literal["DAY", "WEEK", "MONTH"] | None = None
    interval: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One time that a window comes."""

    id: UUID
    starts_at: datetime
    ends_at: datetime

    def status(self, at: datetime) -> Status:
        """How it stands at a moment."""
        if at < self.starts_at:
            return "SCHEDULED"
        return "IN_PROGRESS" if at < self.ends_at else "COMPLETED"


def maintenances(window: Recurrence) -> Iterator[Maintenance]:
    """Every time that the window comes, the first one first."""
    for number in range(MOST if window.unit else 1):
        try:
            starts_at = _moved(window.starts_at, window, number)
            ends_at = _moved(window.ends_at, window, number)
        except (OverflowError, ValueError):  # after the last year that there is
            return
        if number and window.last_at is not None and starts_at > window.last_at:
            return
        if ends_at <= starts_at:  # it would end in an hour that the clocks skip
            ends_at = starts_at + (window.ends_at - window.starts_at)
        yield Maintenance(uuid5(window.window_id, starts_at.isoformat()), starts_at, ends_at)


def _moved(moment: datetime, window: Recurrence, number: int) -> datetime:
    """The same local time, that many times later: after an hour that is skipped, in the first of two."""
    if number == 0:
        return moment
    local = moment.astimezone(window.zone).replace(tzinfo=None)
    steps = number * window.interval
    if window.unit == "MONTH":
        local = _months_later(local, steps)
    elif window.unit is not None:
        local += timedelta(days=steps * _DAYS[window.unit])
    return local.replace(tzinfo=window.zone, fold=0).astimezone(UTC)


def _months_later(local: datetime, months: int) -> datetime:
    """The same day, or the month's last where it has no such day."""
    years, month = divmod(local.month - 1 + months, _MONTHS)
    year = local.year + years
    last_day = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last_day))
