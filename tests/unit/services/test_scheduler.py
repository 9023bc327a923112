"""What the scheduler makes of checks: locations in turns, changes followed, ticks that must not be run."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select

from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.errors import Forbidden, Invalid
from bellrock.domain.outcomes import Verdict
from bellrock.domain.runs import CancelAsked, Refused, RunState, decide
from bellrock.domain.schedule import Missed
from bellrock.domain.sessions import SessionKind
from bellrock.services.cancel_session import cancel_session
from bellrock.services.checks import delete_check, draft_of, update_check
from bellrock.services.projects import ProjectDeploy, Resource, deploy_project
from bellrock.services.reap import sweep
from bellrock.services.scheduler import Scheduler
from bellrock.services.start_session import (
    TestSessionRequest,
    start_check_session,
    trigger_test_session,
)
from bellrock.store.checks import all_checks
from bellrock.store.runs import load_run
from bellrock.store.tables import checks, runs
from tests.contract.scheduling import Scene
from tests.unit.services.world import HERE, THERE, World


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.fixture
def scheduler(scene: Scene) -> Scheduler:
    return scene.scheduler()


def count(scene: Scene, name: str, **labels: str) -> float | None:
    return scene.world.platform.measures.registry.get_sample_value(f"bellrock_{name}", labels)


async def started_runs(scene: Scene) -> list[UUID]:
    query = select(runs.c.id).where(runs.c.source == RunSource.SCHEDULER).order_by(runs.c.queued_at)
    async with scene.world.platform.database.read() as connection:
        return list(await connection.scalars(query))


async def change(scene: Scene, check_id: UUID, **changes: object) -> None:
    world = scene.world
    async with world.platform.database.read() as connection:
        before = {each.check.id: each.check for each in await all_checks(connection, world.owner.account_id)}
    draft = replace(draft_of(before[check_id]), **changes)  # type: ignore[arg-type]
    await update_check(world.platform, world.owner, check_id, change=lambda _: draft)


async def test_a_check_runs_at_once_when_it_is_created_and_then_by_its_interval(
    scene: Scene, scheduler: Scheduler
) -> None:
    await scene.world.hello(HERE)
    await scheduler.act()
    await scene.monitor()
    scene.world.clock.advance(1)
    assert await scheduler.act() == 1
    await scene.end_runs()
    await scene.let_pass(120, [scheduler])
    assert 12 <= len(await started_runs(scene)) <= 13


async def test_a_run_of_the_scheduler_is_claimed_as_one(scene: Scene, scheduler: Scheduler) -> None:
    await scene.world.hello(HERE)
    check = await scene.monitor()
    await scheduler.act()
    (run_id,) = await started_runs(scene)
    reply = await scene.world.claim(run_id)
    assert reply.job is not None
    assert reply.job.context["CHECKLY_RUN_SOURCE"] == "SCHEDULER"
    assert (reply.job.check_id, reply.job.spec) == (check.id, check.spec)


async def test_a_check_runs_at_its_locations_in_turns(scene: Scene, scheduler: Scheduler) -> None:
    await scene.monitor("home", HERE, THERE)
    for _ in range(6):
        await scene.world.hello(THERE)
        await scene.let_pass(10, [scheduler], by_s=10)
    places = (await scene.places())[1:]
    assert set(places) == {HERE, THERE}
    assert all(one != two for one, two in pairwise(places))


async def test_a_parallel_check_runs_everywhere_in_one_session(scene: Scene, scheduler: Scheduler) -> None:
    await scene.world.hello(HERE, THERE)
    await scene.monitor("home", HERE, THERE, run_parallel=True)
    await scheduler.act()
    assert list((await scene.started()).values()) == [2]
    assert await scene.places() == [HERE, THERE]


async def test_a_change_of_frequency_is_followed(scene: Scene, scheduler: Scheduler) -> None:
    check = await scene.monitor("home", HERE, frequency_min=1_440)
    await scene.let_pass(5, [scheduler])
    await change(scene, check.id, frequency_min=0, frequency_offset_s=10)
    await scene.let_pass(30, [scheduler])
    assert len(await started_runs(scene)) == 4


async def test_a_deactivated_check_stops_at_once_and_runs_at_once_when_it_is_activated(
    scene: Scene, scheduler: Scheduler
) -> None:
    check = await scene.monitor()
    await scene.let_pass(12, [scheduler])
    before = len(await started_runs(scene))
    await change(scene, check.id, activated=False)
    await scene.let_pass(60, [scheduler], by_s=10)
    assert len(await started_runs(scene)) == before
    await change(scene, check.id, activated=True)
    await scene.let_pass(1, [scheduler])
    assert len(await started_runs(scene)) == before + 1
    assert await scene.missed(check) == {}


async def test_a_change_that_the_scheduler_has_not_seen_stops_a_tick_all_the_same(
    scene: Scene, scheduler: Scheduler
) -> None:
    """As where another server made it, and its clock is wrong by far."""
    check = await scene.monitor()
    await scene.let_pass(12, [scheduler])
    before = len(await started_runs(scene))
    async with scene.world.platform.database.write() as connection:
        await connection.execute(checks.update().where(checks.c.id == check.id).values(activated=False))
    scene.world.clock.advance(10)
    await scheduler.act()
    assert len(await started_runs(scene)) == before


async def test_a_deleted_check_runs_no_more_and_disturbs_nobody(scene: Scene, scheduler: Scheduler) -> None:
    check = await scene.monitor()
    await scene.let_pass(12, [scheduler])
    before = len(await started_runs(scene))
    await delete_check(scene.world.platform, scene.world.owner, check.id)
    await scene.let_pass(20, [scheduler])
    assert len(await started_runs(scene)) == before
    assert scheduler.leads


async def test_a_muted_check_still_runs(scene: Scene, scheduler: Scheduler) -> None:
    await scene.world.hello(HERE)
    await scene.monitor("home", HERE, muted=True)
    assert await scheduler.act() == 1


async def test_a_renamed_check_is_not_run_for_it(scene: Scene, scheduler: Scheduler) -> None:
    check = await scene.monitor("home", HERE, frequency_min=60)
    await scene.let_pass(5, [scheduler])
    await change(scene, check.id, name="start page")
    await scene.let_pass(5, [scheduler])
    assert len(await started_runs(scene)) == 1


async def test_a_run_that_a_person_started_holds_up_ticks_and_a_test_session_does_not(
    scene: Scene, scheduler: Scheduler
) -> None:
    world = scene.world
    await world.hello(HERE)
    check = await scene.monitor()
    await scheduler.act()
    await scene.end_runs()
    await trigger_test_session(world.platform, world.owner, TestSessionRequest("nightly", HERE))
    world.clock.advance(15)
    await scheduler.act()
    assert len(await started_runs(scene)) == 2
    await scene.end_runs()
    await start_check_session(world.platform, world.owner, check_id=check.id)
    world.clock.advance(10)
    await scheduler.act()
    assert len(await started_runs(scene)) == 2
    assert (await scene.missed(check))[Missed.OVERLAP] == 1
    assert count(scene, "ticks_missed_total", reason="overlap") == 1


async def test_a_location_without_a_runner_for_long_is_not_scheduled(
    scene: Scene, scheduler: Scheduler
) -> None:
    both = await scene.monitor("home", HERE, THERE, run_parallel=True)
    there = await scene.monitor("away", THERE)
    await scene.world.hello(HERE)
    await scheduler.act()
    assert await scene.places() == [HERE]
    assert [await scene.missed(each) for each in (both, there)] == [{Missed.NO_RUNNER: 1}] * 2


async def test_a_tick_that_no_runner_takes_is_lost_before_a_persons_run_is(
    scene: Scene, scheduler: Scheduler
) -> None:
    world = scene.world
    await world.hello(HERE)
    await scene.monitor("home", HERE, frequency_min=60)
    other = await world.suite("shop", HERE)
    view = await start_check_session(world.platform, world.owner, check_id=other.id)
    await scheduler.act()
    (run_id,) = await started_runs(scene)
    world.clock.advance(world.platform.settings.tick_queue_ttl_s)
    await sweep(world.platform)
    async with world.platform.database.read() as connection:
        tick, manual = [await load_run(connection, each) for each in (run_id, view.runs[0].run.id)]
    assert tick is not None
    assert tick.run.outcome is not None
    assert tick.run.outcome.verdict is Verdict.LOST
    assert manual is not None
    assert manual.run.state is RunState.QUEUED


async def test_a_run_of_the_scheduler_cannot_be_cancelled(scene: Scene, scheduler: Scheduler) -> None:
    world = scene.world
    await world.hello(HERE)
    await world.suite("shop", HERE)
    await scheduler.act()
    (run_id,) = await started_runs(scene)
    async with world.platform.database.read() as connection:
        stored = await load_run(connection, run_id)
    assert stored is not None
    with pytest.raises(Forbidden, match="SCHEDULER"):
        await cancel_session(
            world.platform,
            world.owner,
            SessionKind.CHECK,
            session_id=stored.run.session_id,
            sequence_ids=None,
            via=Via.API,
        )
    decision = decide(stored.run, CancelAsked("somebody", Via.API), at=world.clock.now)
    assert isinstance(decision.facts[0], Refused)
    assert decision.run == stored.run


async def test_a_clock_that_was_set_back_runs_no_tick_twice_and_stops_nothing(
    scene: Scene, scheduler: Scheduler
) -> None:
    world = scene.world
    check = await scene.monitor()
    await scene.let_pass(60, [scheduler])
    world.clock.advance(-50)
    await scheduler.act()
    before = await scene.started()
    world.clock.advance(60)
    for _ in range(6):
        world.clock.advance(-10)
        await scheduler.act()
        assert set((await scene.started()).values()) == {1}
    await scene.let_pass(120, [scheduler])
    after = await scene.started()
    assert set(after.values()) == {1}
    assert set(after) - set(before) <= scene.due(check.created_at, world.clock.now)
    assert len(after) > len(before)


async def test_a_clock_that_was_set_far_back_does_not_stop_scheduling(
    scene: Scene, scheduler: Scheduler
) -> None:
    await scene.monitor()
    await scene.let_pass(20, [scheduler])
    before = len(await started_runs(scene))
    scene.world.clock.advance(-86_400)
    next_one = scene.scheduler()  # as after a start of the machine
    await change(scene, scene.checks[0].id, activated=False)
    await change(scene, scene.checks[0].id, activated=True)
    await scene.let_pass(30, [next_one])
    assert next_one.leads
    assert len(await started_runs(scene)) > before


@pytest.mark.parametrize(("first_sessions", "expected"), [(True, 1), (False, 0)])
async def test_a_deploy_says_whether_its_checks_run_at_once(
    scene: Scene, scheduler: Scheduler, *, first_sessions: bool, expected: int
) -> None:
    world = scene.world
    await world.hello(HERE)
    payload = {
        "checkType": "URL",
        "name": "home",
        "frequency": 60,
        "locations": [HERE],
        "request": {"url": "https://shop.example"},
    }
    deploy = ProjectDeploy("shop", "Shop", (Resource("home", "check", payload),))
    await deploy_project(world.platform, world.owner, deploy, schedule_on_deploy=first_sessions)
    world.clock.advance(1)
    assert await scheduler.act() == expected


async def test_a_deployed_suite_is_not_run_twice_at_its_start(scene: Scene, scheduler: Scheduler) -> None:
    world = scene.world
    await world.hello(HERE)
    payload = {
        "checkType": "PLAYWRIGHT",
        "name": "shop",
        "locations": [HERE],
        "codeBundlePath": world.bundle_key,
    }
    deploy = ProjectDeploy("shop", "Shop", (Resource("shop", "check", payload),))
    deployment = await deploy_project(world.platform, world.owner, deploy)
    await scheduler.act()
    assert len(deployment.session_ids) == 1
    assert await started_runs(scene) == []
    assert count(scene, "ticks_missed_total", reason="overlap") == 0


@pytest.mark.parametrize("offset_s", [None, 0, 7, 60])
async def test_a_frequency_of_0_needs_an_offset_that_is_allowed(scene: Scene, offset_s: int | None) -> None:
    with pytest.raises(Invalid, match="frequencyOffset: with a frequency of 0 use one of 10, 20, 30"):
        await scene.monitor("home", HERE, frequency_offset_s=offset_s)


async def test_what_the_scheduler_does_is_counted(scene: Scene, scheduler: Scheduler) -> None:
    await scene.world.hello(HERE)
    await scheduler.act()
    await scene.monitor()
    scene.world.clock.advance(2)
    await scheduler.act()
    assert count(scene, "scheduler_is_leader", lane="scheduler") == 1
    assert count(scene, "scheduled_checks", lane="scheduler") == 1
    assert count(scene, "ticks_run_total") == 1
    assert count(scene, "tick_lateness_seconds_sum") == 2
    assert count(scene, "sessions_started_total", kind="check") == 1
    scene.world.clock.advance(3_600)
    await scheduler.act()
    assert (count(scene, "ticks_missed_total", reason="not_scheduled") or 0) > 300


async def test_a_thousand_checks_due_at_one_moment_are_run_in_one_go(
    scene: Scene, scheduler: Scheduler
) -> None:
    await scene.world.hello(HERE)
    for number in range(1_000):
        await scene.monitor(f"home-{number}", HERE, frequency_min=60)
    assert await scheduler.act() == 1_000
    scene.world.clock.advance(timedelta(minutes=1).total_seconds())
    assert await scheduler.act() == 0
