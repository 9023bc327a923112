"""Pings of heartbeat monitors come in. Those of one moment are written in one transaction.

A ping is answered after the commit that has it: what was answered is not lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from bellrock.domain.heartbeats import Pinged, PingRecorded
from bellrock.measures import Measures
from bellrock.services.grouped import Grouped
from bellrock.services.heartbeat_timers import Timers
from bellrock.store.database import Database
from bellrock.store.heartbeats import known_tokens, lock_by_token

_MOST_REMEMBERED = 1_000_000


class Reception(Enum):
    """What became of a ping."""

    RECORDED = auto()
    DEACTIVATED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class _Ping:
    token: str
    at: datetime
    event: Pinged


class Pings:
    """Where pings are taken. Which tokens there are is remembered, so that a wrong one costs no writer.

    What is remembered is only a hint: every ping finds its monitor by the token, in the transaction that
    writes it. So a token that is gone is found out by its next ping, and one never heard of is looked up.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime], measures: Measures) -> None:
        self._database = database
        self._clock = clock
        self._measures = measures
        self._tokens: set[str] = set()
        self._lookups: Grouped[str, bool] = Grouped(self._look_up)
        self._writes: Grouped[_Ping, Reception] = Grouped(self._write)

    async def take(self, token: str, *, source: str | None, user_agent: str | None) -> Reception:
        """Record a ping that came now. Raises the database's errors, TimeoutError or Overloaded."""
        at = self._clock()
        if token not in self._tokens and not await self._lookups.ask(token):
            return Reception.UNKNOWN
        return await self._writes.ask(_Ping(token, at, Pinged(source, user_agent)))

    async def _look_up(self, tokens: Sequence[str]) -> list[bool]:
        async with self._database.read() as connection:
            found = await known_tokens(connection, set(tokens))
        if len(self._tokens) >= _MOST_REMEMBERED:
            self._tokens.clear()
        self._tokens |= found
        return [token in found for token in tokens]

    async def _write(self, pings: Sequence[_Ping]) -> list[Reception]:
        async with self._database.write() as connection:
            by_token = await lock_by_token(connection, {ping.token for ping in pings})
            timers = Timers(by_token.values())
            receptions = []
            for ping in pings:
                stored = by_token.get(ping.token)
                if stored is None:
                    receptions.append(Reception.UNKNOWN)
                    continue
                facts = timers.apply(stored.check_id, ping.event, at=ping.at)
                recorded = any(isinstance(fact, PingRecorded) for fact in facts)
                receptions.append(Reception.RECORDED if recorded else Reception.DEACTIVATED)
            await timers.save(connection)
        self._tokens -= {ping.token for ping in pings} - by_token.keys()
        timers.tell(self._measures)
        return receptions
