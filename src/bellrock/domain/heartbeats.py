"""The timer of one heartbeat monitor, as one pure function.

    WAITING ──first ping──► RUNNING ──nothing until due + grace──► RUNNING, and failing
                              │  ▲
                              └──┘ each ping and each alert starts it anew: due = then + period

Deactivating forgets all of it. `decide` is total: what does not fit changes nothing and says so in a
`Refused` fact.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

ON_TIME_S = 1
"""A ping this close to when it is due came right then: neither early nor in the grace."""
MARK_AFTER_S = 2
"""So long after the grace a ping is missed: one that came in time may still be on its way to the disk."""


class PingState(StrEnum):
    """When a ping came, seen from when it was due. FAILING: none came at all."""

    FAILING = "FAILING"
    EARLY = "EARLY"
    RECEIVED = "RECEIVED"
    GRACE = "GRACE"
    LATE = "LATE"


@dataclass(frozen=True, slots=True)
class Timer:
    """When the next ping is due: never (None) before the first one, or while deactivated.

    ``failing`` from a missed ping until the next that comes. ``last_ping_at`` outlives a deactivation.
    """

    period_s: int
    grace_s: int
    activated: bool = True
    due_at: datetime | None = None
    failing: bool = False
    last_ping_at: datetime | None = None

    @property
    def mark_at(self) -> datetime | None:
        """From when on the ping that is due counts as missed."""
        return self.due_at and self.due_at + timedelta(seconds=self.grace_s + MARK_AFTER_S)


@dataclass(frozen=True, slots=True)
class HeartbeatEvent:
    """A ping that came, or (FAILING) one that did not, as it is kept."""

    id: UUID
    check_id: UUID
    state: PingState
    at: datetime
    source: str | None = None
    user_agent: str | None = None


# --- events: what happened --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pinged:
    """A ping came."""

    source: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class TimeRanOut:
    """Somebody looked at the timer. Harmless if a ping came meanwhile."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The monitor was changed, or saved as it was."""

    period_s: int
    grace_s: int
    activated: bool


Event = Pinged | TimeRanOut | Saved


# --- facts: what was decided ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PingRecorded:
    """A ping counted."""

    state: PingState
    source: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class PingMissed:
    """No ping came until the grace was over: worth an alert."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Recovered:
    """The first ping after one that was missed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The event does not fit."""

    reason: str


Fact = PingRecorded | PingMissed | Recovered | Refused


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state of the timer, and what happened."""

    timer: Timer
    facts: tuple[Fact, ...] = ()


def decide(timer: Timer, event: Event, *, at: datetime) -> Decision:
    """Apply one event to a timer. Never raises; refuses what does not fit."""
    match event:
        case Pinged():
            return _ping(timer, event, at)
        case TimeRanOut():
            return _time_ran_out(timer, at)
        case Saved():
            return Decision(_saved(timer, event, at))


def state_of_ping(timer: Timer, at: datetime) -> PingState:
    """How a ping at this moment is seen. The first one of all is right on time."""
    if timer.due_at is None:
        return PingState.RECEIVED
    after_due_s = (at - timer.due_at).total_seconds()
    if after_due_s < -ON_TIME_S:
        return PingState.EARLY
    if after_due_s <= ON_TIME_S:
        return PingState.RECEIVED
    return PingState.GRACE if after_due_s <= timer.grace_s else PingState.LATE


def _ping(timer: Timer, event: Pinged, at: datetime) -> Decision:
    if not timer.activated:
        return Decision(timer, (Refused("the monitor is deactivated"),))
    came = PingRecorded(state_of_ping(timer, at), event.source, event.user_agent)
    due_at = at + timedelta(seconds=timer.period_s)
    running = replace(
        timer,
        due_at=max(due_at, timer.due_at or due_at),  # later, where a later ping or an alert overtook it
        failing=False,
        last_ping_at=max(at, timer.last_ping_at or at),
    )
    return Decision(running, (came, Recovered()) if timer.failing else (came,))


def _time_ran_out(timer: Timer, at: datetime) -> Decision:
    if timer.due_at is None or timer.mark_at is None or timer.mark_at > at:
        return Decision(timer, (Refused("no ping is missed"),))
    failing = replace(timer, due_at=at + timedelta(seconds=timer.period_s), failing=True)
    return Decision(failing, (PingMissed(timer.due_at),))


def _saved(timer: Timer, event: Saved, at: datetime) -> Timer:
    changed = replace(timer, period_s=event.period_s, grace_s=event.grace_s, activated=event.activated)
    if not event.activated:
        return replace(changed, due_at=None, failing=False)
    resumed = not timer.activated and timer.last_ping_at is not None
    rescheduled = timer.due_at is not None and timer.period_s != event.period_s
    if resumed or rescheduled:
        return replace(changed, due_at=at + timedelta(seconds=event.period_s))
    return changed
