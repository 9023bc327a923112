"""Timers of heartbeat monitors move on by `decide` and nothing else; here a decision becomes rows."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.heartbeats import (
    Event,
    Fact,
    HeartbeatEvent,
    PingMissed,
    PingRecorded,
    PingState,
    Recovered,
    Refused,
    decide,
)
from bellrock.measures import Measures
from bellrock.services.ids import new_id
from bellrock.store.heartbeats import StoredHeartbeat, insert_events, save_timers

log = structlog.get_logger(__name__)


class Timers:
    """Some timers that a transaction has locked: events are applied to them, then all is saved at once."""

    def __init__(self, locked: Iterable[StoredHeartbeat]) -> None:
        self._before = {each.check_id: each for each in locked}
        self._now = dict(self._before)
        self._events: list[HeartbeatEvent] = []
        self._turns: list[tuple[UUID, PingMissed | Recovered]] = []

    def apply(self, check_id: UUID, event: Event, *, at: datetime) -> tuple[Fact, ...]:
        """Apply an event to one of the timers; what was decided."""
        stored = self._now[check_id]
        decision = decide(stored.timer, event, at=at)
        self._now[check_id] = replace(stored, timer=decision.timer)
        for fact in decision.facts:
            match fact:
                case PingRecorded():
                    seen = (fact.state, at, fact.source, fact.user_agent)
                    self._events.append(HeartbeatEvent(new_id(), check_id, *seen))
                case PingMissed():
                    self._events.append(HeartbeatEvent(new_id(), check_id, PingState.FAILING, at))
                    self._turns.append((check_id, fact))
                case Recovered():
                    self._turns.append((check_id, fact))
                case Refused():
                    pass
        return decision.facts

    async def save(self, connection: AsyncConnection) -> None:
        """Write the timers that changed, and what happened."""
        changed = [each for check_id, each in self._now.items() if each != self._before[check_id]]
        await save_timers(connection, changed)
        await insert_events(connection, self._events)

    def tell(self, measures: Measures) -> None:
        """Count and log what happened. To be called after the commit: only what is true is counted."""
        for event in self._events:
            measures.heartbeats.events.labels(event.state).inc()
        for check_id, fact in self._turns:
            match fact:
                case PingMissed():
                    log.warning("heartbeat.missed", check_id=str(check_id), due_at=fact.due_at.isoformat())
                case Recovered():
                    log.info("heartbeat.recovered", check_id=str(check_id))
