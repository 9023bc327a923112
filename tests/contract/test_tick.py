"""Ticks on both databases, with several schedulers: none is lost, none is doubled, whoever dies and when.

`BELLROCK_TEST_INTERLEAVINGS=1000` asks for more orders and more deaths.
"""

import os
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bellrock.domain.schedule import Missed
from bellrock.services.scheduler import Scheduler
from bellrock.store.database import Database
from tests.contract.scheduling import (
    MICROSECOND,
    Scene,
    check_that_every_tick_has_one_fate,
    lives_on,
)
from tests.support.inline_sqlite import run_inline
from tests.support.interleaving import Interleaving
from tests.support.quiet import quiet
from tests.support.stepped_database import SteppedDatabase, go_on
from tests.unit.services.world import HERE, world_on

__all__ = ["quiet"]

ROUNDS = int(os.environ.get("BELLROCK_TEST_INTERLEAVINGS", "10"))
FIRST_SEED = int(os.environ.get("BELLROCK_TEST_FIRST_SEED", "0"))
GRACE_S = {"sqlite": 0.0005, "postgresql": 0.005}
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    if database.dialect == "sqlite":
        await run_inline(database)
    async with world_on(SteppedDatabase(database)) as world:
        await world.hello(HERE)
        yield Scene(world)


def stepped(scene: Scene) -> SteppedDatabase:
    database = scene.world.platform.database
    assert isinstance(database, SteppedDatabase)
    return database


async def test_of_two_schedulers_one_leads_and_every_tick_is_run_once(scene: Scene) -> None:
    for number in range(5):
        await scene.monitor(f"home-{number}")
    begin = scene.world.clock.now
    one, two = scene.scheduler(), scene.scheduler()
    await one.act()
    await scene.end_runs()
    await scene.let_pass(35, [two, one])
    assert (one.leads, two.leads) == (True, False)
    started = await scene.started()
    assert set(started) == scene.due(begin - MICROSECOND, scene.world.clock.now)
    assert set(started.values()) == {1}


async def test_a_leader_that_was_killed_is_followed_within_its_lease_and_no_tick_is_lost(
    scene: Scene,
) -> None:
    for number in range(5):
        await scene.monitor(f"home-{number}")
    begin = scene.world.clock.now
    killed, next_one = scene.scheduler(), scene.scheduler()
    await scene.let_pass(12, [killed, next_one])
    lease_s = scene.world.platform.settings.scheduler_lease_s
    await scene.let_pass(lease_s, [next_one])
    assert next_one.leads
    await scene.let_pass(20, [next_one])
    started = await scene.started()
    assert set(started) == scene.due(begin - MICROSECOND, scene.world.clock.now)
    assert set(started.values()) == {1}
    assert [await scene.missed(check) for check in scene.checks] == [{}] * 5


async def test_a_leader_that_was_away_and_comes_back_writes_nothing(scene: Scene) -> None:
    await scene.monitor()
    away, next_one = scene.scheduler(), scene.scheduler()
    await scene.let_pass(3, [away])
    await scene.let_pass(30, [next_one])
    before = await scene.started()
    scene.world.clock.advance(10)
    await away.act()
    assert not away.leads
    assert await scene.started() == before
    await next_one.act()
    assert len(await scene.started()) == len(before) + 1


async def test_who_resigns_is_followed_at_once(scene: Scene) -> None:
    await scene.monitor()
    one, two = scene.scheduler(), scene.scheduler()
    await scene.let_pass(3, [one, two])
    await one.resign()
    await two.act()
    assert (one.leads, two.leads) == (False, True)


async def test_schedulers_that_act_at_the_same_time_run_every_tick_once(scene: Scene) -> None:
    """Interleaved at every statement and commit, also where one's lease just ended."""
    for number in range(3):
        await scene.monitor(f"home-{number}")
    schedulers = [scene.scheduler() for _ in range(3)]
    await scene.let_pass(6, schedulers)
    for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
        chosen = random.Random(seed)
        scene.world.clock.advance(chosen.choice([1, 4, 6, 9]))
        await scene.world.hello(HERE)
        interleaving = Interleaving(f"ticks, seed {seed}", grace_s=GRACE_S[stepped(scene).dialect])
        stepped(scene).step = interleaving.step
        try:
            await interleaving.run({f"scheduler {n}": each.act() for n, each in enumerate(schedulers)})
        finally:
            stepped(scene).step = go_on
        await scene.end_runs()
        if chosen.random() < 0.3:
            schedulers[chosen.randrange(3)] = scene.scheduler()  # one died, and another came
    await check_that_all_ticks_are_accounted_for(scene, schedulers)


async def test_wherever_schedulers_are_killed_no_tick_is_lost_and_none_is_doubled(scene: Scene) -> None:
    """The leader dies before any statement, before the commit, or after it; others take over."""
    for number in range(3):
        await scene.monitor(f"home-{number}")
    chosen = random.Random(FIRST_SEED)
    schedulers, deaths = [scene.scheduler(), scene.scheduler()], 0
    await scene.let_pass(6, schedulers)
    for _ in range(4 * ROUNDS):
        scene.world.clock.advance(chosen.choice([0.5, 1, 2]))
        await scene.world.hello(HERE)
        for number in chosen.sample([0, 1], 2):
            if await lives_on(scene, schedulers[number].act, steps=chosen.choice([3, 8, 12, 1_000])):
                continue
            deaths += 1
            schedulers[number] = scene.scheduler()
        await scene.end_runs()
    assert deaths > ROUNDS / 4
    await check_that_all_ticks_are_accounted_for(scene, schedulers)


async def check_that_all_ticks_are_accounted_for(scene: Scene, schedulers: list[Scheduler]) -> None:
    """Missed only because all that could have led were dead for too long."""
    scene.world.clock.advance(6)
    for scheduler in schedulers:
        await scheduler.act()
    await check_that_every_tick_has_one_fate(scene, scene.world.clock.now, Missed.NOT_SCHEDULED)


async def test_ticks_of_a_time_without_servers_are_missed_in_one_row_a_check_and_never_run_late(
    scene: Scene,
) -> None:
    for number in range(3):
        await scene.monitor(f"home-{number}")
    await scene.let_pass(12, [scene.scheduler()])
    before = await scene.started()
    away_since = scene.world.clock.now
    scene.world.clock.advance(3_600)
    await scene.world.hello(HERE)
    await scene.scheduler().act()
    late_s = scene.world.platform.settings.tick_late_s
    late_before = scene.world.clock.now - timedelta(seconds=late_s)
    run = set(await scene.started()) - set(before)
    assert run <= scene.due(late_before, scene.world.clock.now)
    assert len(run) == 3
    missed = scene.due(away_since, scene.world.clock.now) - run
    counts = [await scene.missed(check) for check in scene.checks]
    assert sum(each[Missed.NOT_SCHEDULED] for each in counts) == len(missed)
    assert all(set(each) == {Missed.NOT_SCHEDULED} for each in counts)


async def test_missed_ticks_add_up(scene: Scene) -> None:
    check = await scene.monitor()
    await scene.let_pass(12, [scene.scheduler()])
    for _ in range(2):
        scene.world.clock.advance(100)
        await scene.scheduler().act()
        await scene.end_runs()
    run = await scene.started()
    missed = await scene.missed(check)
    due = scene.due(check.created_at - MICROSECOND, scene.world.clock.now)
    assert missed[Missed.NOT_SCHEDULED] == len(due) - len(run)


async def test_an_open_run_of_the_check_means_a_missed_tick(scene: Scene) -> None:
    check = await scene.monitor()
    scheduler = scene.scheduler()
    for seconds in (0, 12, 10):
        scene.world.clock.advance(seconds)
        await scheduler.act()
    assert len(await scene.started()) == 1
    missed = (await scene.missed(check))[Missed.OVERLAP]
    assert missed == len(scene.due(check.created_at, scene.world.clock.now))
    await scene.end_runs()
    scene.world.clock.advance(10)
    await scheduler.act()
    assert len(await scene.started()) == 2
