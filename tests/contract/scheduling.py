"""Schedulers on one database, a clock that a test moves, and what came of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import RUNNABLE, Check
from bellrock.domain.runs import RunState
from bellrock.domain.schedule import Missed, schedule_of
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.services.checks import CheckDraft, create_check
from bellrock.services.scheduler import Scheduler
from bellrock.services.tick import SUITES, Lane
from bellrock.store.schedules import missed_of
from bellrock.store.tables import runs, sessions
from tests.support.stepped_database import SteppedDatabase, go_on
from tests.unit.services.world import HERE, World

MICROSECOND = timedelta(microseconds=1)
QUEUED = replace(SUITES, types=RUNNABLE)
"""Every check's run goes into the queue when it is due, monitors' too."""


@dataclass(slots=True)
class Scene:
    """A world with a runner and monitors that are due every ten seconds."""

    world: World
    checks: list[Check] = field(default_factory=list)

    async def monitor(self, name: str = "home", *locations: str, **changes: object) -> Check:
        draft = CheckDraft(
            type=CheckType.URL,
            name=name,
            spec=UrlMonitor(HttpRequest("http://127.0.0.1:1/")),
            locations=locations or (HERE,),
            frequency_min=0,
            frequency_offset_s=10,
        )
        draft = replace(draft, **changes)  # type: ignore[arg-type]
        check = await create_check(self.world.platform, self.world.owner, draft)
        self.checks.append(check)
        return check

    def scheduler(self, lane: Lane = QUEUED) -> Scheduler:
        """One more server's scheduler, with a bell of its own."""
        return Scheduler(replace(self.world.platform, schedule_bell=asyncio.Event()), lane)

    def due(self, after: datetime, until: datetime, checks: Iterable[Check] | None = None) -> set[UUID]:
        """The ids of the sessions that checks, all unless said, should have had."""
        found = set()
        for check in checks or self.checks:
            schedule = schedule_of(check)
            assert schedule is not None
            tick = schedule.tick_after(after)
            while tick.due_at <= until:
                found.add(tick.session_id)
                tick = schedule.tick_after(tick.due_at)
        return found

    async def started(self) -> Counter[UUID]:
        """How many runs each scheduled session has."""
        query = select(runs.c.session_id).where(runs.c.source == RunSource.SCHEDULER)
        async with self.world.platform.database.read() as connection:
            return Counter(await connection.scalars(query))

    async def places(self) -> list[str]:
        """The locations of scheduled runs, in the order of their moments."""
        query = (
            select(runs.c.location)
            .join(sessions, sessions.c.id == runs.c.session_id)
            .where(runs.c.source == RunSource.SCHEDULER)
            .order_by(sessions.c.started_at, runs.c.position)
        )
        async with self.world.platform.database.read() as connection:
            return list(await connection.scalars(query))

    async def end_runs(self) -> None:
        """A runner takes everything that waits, and reports that it went well."""
        query = select(runs.c.id, runs.c.location).where(runs.c.state == RunState.QUEUED)
        async with self.world.platform.database.read() as connection:
            waiting = list(await connection.execute(query))
        for run_id, location in waiting:
            assert (await self.world.claim(run_id, location)).granted
            await self.world.report(run_id)

    async def missed(self, check: Check) -> dict[Missed, int]:
        """How many ticks the check missed, by reason."""
        async with self.world.platform.database.read() as connection:
            return {why: ticks.number for why, ticks in (await missed_of(connection, check.id)).items()}

    async def let_pass(self, seconds: float, schedulers: Iterable[Scheduler], *, by_s: float = 1.0) -> None:
        """Time passes; all the schedulers do what is due, and every run ends at once."""
        end = self.world.clock.now + timedelta(seconds=seconds)
        while self.world.clock.now < end:
            left_s = (end - self.world.clock.now).total_seconds()
            self.world.clock.advance(min(by_s, left_s))
            await self.world.hello(HERE)
            for scheduler in schedulers:
                await scheduler.act()
            await self.end_runs()


class Killed(BaseException):
    """A process ended here."""


async def lives_on(scene: Scene, act: Callable[[], Awaitable[object]], *, steps: int) -> bool:
    """Whether somebody's act was over before so many steps of the database were."""
    database, left = scene.world.platform.database, steps
    assert isinstance(database, SteppedDatabase)

    async def die_later(_where: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    database.step = die_later
    try:
        await act()
    except Killed:
        return False
    finally:
        database.step = go_on
    return True


async def check_that_every_tick_has_one_fate(scene: Scene, until: datetime, *reasons: Missed) -> None:
    """Run once, or written down as missed for one of the reasons."""
    started = await scene.started()
    assert set(started.values()) == {1}
    assert len(started) > len(scene.checks)
    for check in scene.checks:
        due = scene.due(check.created_at - MICROSECOND, until, [check])
        missed = await scene.missed(check)
        assert missed.keys() <= set(reasons)
        assert len(due & set(started)) + sum(missed.values()) == len(due)
    assert set(started) <= scene.due(scene.checks[0].created_at - MICROSECOND, until)
