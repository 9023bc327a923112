"""Monitors on both databases: handed out in batches, ahead of their time, each with one result or missed."""

import os
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bellrock.domain.checks import CheckPolicy, EnvironmentVariable
from bellrock.domain.outcomes import Outcome
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import RunState
from bellrock.domain.schedule import Missed
from bellrock.domain.sessions import CheckSessionStatus, SessionKind
from bellrock.domain.specs import HttpRequest, UrlMonitor
from bellrock.services.checks import delete_check, draft_of, update_check
from bellrock.services.read_sessions import get_session
from bellrock.services.results import ResultQuery, list_results
from bellrock.services.scheduler import Scheduler
from bellrock.services.start_session import start_check_session
from bellrock.services.tick_batches import MONITOR_TICKS, claim_ticks, record_ticks, tend_batches
from bellrock.services.variables import create_variable
from bellrock.store.database import Database
from bellrock.store.tables import tick_batches
from bellrock.wire import subjects
from bellrock.wire.messages import (
    CheckJob,
    Report,
    TicksClaim,
    TicksClaimReply,
    TicksOffer,
    TicksReport,
    TimedJob,
)
from tests.contract.scheduling import (
    MICROSECOND,
    Scene,
    check_that_every_tick_has_one_fate,
    lives_on,
)
from tests.support.inline_sqlite import run_inline
from tests.support.quiet import quiet
from tests.support.stepped_database import SteppedDatabase
from tests.unit.services.world import FAILED, HERE, PASSED, THERE, World, eventually, world_on

__all__ = ["quiet"]

ROUNDS = int(os.environ.get("BELLROCK_TEST_INTERLEAVINGS", "10"))
FIRST_SEED = int(os.environ.get("BELLROCK_TEST_FIRST_SEED", "0"))
pytestmark = pytest.mark.usefixtures("quiet")


@dataclass(slots=True)
class Runner:
    """Plays a location's runner: what was offered to it, and what it has."""

    world: World
    offered: list[UUID] = field(default_factory=list)
    token: UUID = field(default_factory=uuid4)

    async def listen(self) -> None:
        async def on_offer(_subject: str, body: bytes) -> None:
            self.offered.append(TicksOffer.model_validate_json(body).batch_id)

        await self.world.platform.bus.subscribe(subjects.ticks(HERE), on_offer)

    async def claim(self, batch_id: UUID, location: str = HERE) -> Sequence[TimedJob] | None:
        request = TicksClaim(batch_id=batch_id, token=self.token, runner_id="runner-1")
        reply = await claim_ticks(self.world.platform, location, request)
        return reply.jobs if reply.granted else None

    async def report(
        self,
        batch_id: UUID,
        jobs: Sequence[TimedJob],
        outcome: Outcome = PASSED,
        *,
        is_last: bool = True,
    ) -> bool:
        reports = tuple(
            Report(
                run_id=each.run_id,
                token=self.token,
                outcome=outcome,
                started_at=each.due_at,
                stopped_at=each.due_at + timedelta(milliseconds=80),
                response_time_ms=80,
                details={"response": {"status": 200}},
            )
            for each in jobs
        )
        request = TicksReport(batch_id=batch_id, token=self.token, reports=reports, is_last=is_last)
        return (await record_ticks(self.world.platform, request)).accepted

    async def carry_out_all(self) -> None:
        """Everything that waits, from its claim to its last report."""
        for batch_id in await batches(self.world):
            jobs = await self.claim(batch_id)
            if jobs is not None:
                assert await self.report(batch_id, jobs)


async def batches(world: World) -> list[UUID]:
    async with world.platform.database.read() as connection:
        return list(await connection.scalars(select(tick_batches.c.id).order_by(tick_batches.c.id)))


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    if database.dialect == "sqlite":
        await run_inline(database)
    async with world_on(SteppedDatabase(database)) as world:
        await world.hello(HERE)
        yield Scene(world)


@pytest.fixture
def scheduler(scene: Scene) -> Scheduler:
    return scene.scheduler(MONITOR_TICKS)


@pytest.fixture
def runner(scene: Scene) -> Runner:
    return Runner(scene.world)


async def one_batch(scene: Scene, scheduler: Scheduler) -> UUID:
    """A monitor's first tick, handed out."""
    await scene.monitor()
    assert await scheduler.act() == 1
    (batch_id,) = await batches(scene.world)
    return batch_id


async def test_a_tick_has_no_run_before_its_result_and_then_all_that_a_persons_run_has(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    batch_id = await one_batch(scene, scheduler)
    jobs = await runner.claim(batch_id)
    assert jobs
    assert await scene.started() == {}
    assert await runner.report(batch_id, jobs, FAILED)
    world = scene.world
    view = await get_session(world.platform, world.owner, SessionKind.CHECK, session_id=jobs[0].session_id)
    assert view.session.status == CheckSessionStatus.FAILED
    (run,) = view.runs
    assert (run.run.state, run.run.outcome, run.run.location) == (RunState.FINAL, FAILED, HERE)
    page = await list_results(world.platform, world.owner, scene.checks[0].id, query=ResultQuery())
    assert [(each.result.id, each.result.response_time_ms) for each in page.rows] == [(run.run.result_id, 80)]
    assert await batches(world) == []


async def test_ticks_are_handed_out_before_they_are_due_and_never_twice(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    for number in range(5):
        await scene.monitor(f"home-{number}")
    begin, early = scene.world.clock.now, []
    for _ in range(30):
        await scheduler.act()
        for batch_id in await batches(scene.world):
            jobs = await runner.claim(batch_id)
            assert jobs is not None
            early += [(each.due_at - scene.world.clock.now).total_seconds() for each in jobs]
            await runner.report(batch_id, jobs)
        scene.world.clock.advance(1)
        await scene.world.hello(HERE)
    started = await scene.started()
    assert set(started.values()) == {1}
    until = scene.world.clock.now - timedelta(seconds=1 - MONITOR_TICKS.ahead_s)
    assert set(started) == scene.due(begin - MICROSECOND, until)
    assert all(1 <= each <= 2 for each in early[5:])


async def test_a_leader_that_was_killed_is_followed_and_no_tick_is_lost(scene: Scene, runner: Runner) -> None:
    for number in range(5):
        await scene.monitor(f"home-{number}")
    begin = scene.world.clock.now
    leaders = [scene.scheduler(MONITOR_TICKS) for _ in range(4)]
    for leader in leaders:
        for _ in range(15):
            await leader.act()
            await runner.carry_out_all()
            scene.world.clock.advance(1)
            await scene.world.hello(HERE)
    started = await scene.started()
    until = scene.world.clock.now - timedelta(seconds=1 - MONITOR_TICKS.ahead_s)
    assert set(started) == scene.due(begin - MICROSECOND, until)
    assert set(started.values()) == {1}
    assert [await scene.missed(check) for check in scene.checks] == [{}] * 5


async def test_what_a_leader_handed_out_before_it_died_is_neither_run_again_nor_missed(
    scene: Scene, runner: Runner
) -> None:
    killed, next_one = scene.scheduler(MONITOR_TICKS), scene.scheduler(MONITOR_TICKS)
    check = await scene.monitor("home", HERE, frequency_min=60)
    assert await killed.act() == 1
    (batch_id,) = await batches(scene.world)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    scene.world.clock.advance(5)
    assert await next_one.act() == 0
    assert next_one.leads
    assert await batches(scene.world) == [batch_id]
    assert await scene.missed(check) == {}
    assert await runner.report(batch_id, jobs)


async def test_wherever_schedulers_and_runners_die_every_tick_has_one_result_or_is_missed(
    scene: Scene,
) -> None:
    """Leaders, runners and those who tend batches are killed before any statement, or after any commit."""
    for number in range(3):
        await scene.monitor(f"home-{number}")
    chosen, world = random.Random(FIRST_SEED), scene.world
    schedulers = [scene.scheduler(MONITOR_TICKS) for _ in range(2)]
    await schedulers[0].act()
    await Runner(world).carry_out_all()
    world.clock.advance(6)
    for _ in range(6 * ROUNDS):
        for number in chosen.sample([0, 1], 2):
            steps = chosen.choice([3, 8, 14, 1_000, 1_000])
            if not await lives_on(scene, schedulers[number].act, steps=steps):
                schedulers[number] = scene.scheduler(MONITOR_TICKS)
        if chosen.random() < 0.7:
            await lives_on(scene, Runner(world).carry_out_all, steps=chosen.choice([2, 5, 9, 1_000, 1_000]))
        await lives_on(scene, partial(tend_batches, world.platform), steps=chosen.choice([4, 1_000]))
        world.clock.advance(chosen.choice([0.5, 1, 2]))
        await world.hello(HERE)
    until = await _come_to_rest(scene, schedulers)
    await check_that_every_tick_has_one_fate(scene, until, *Missed)


async def _come_to_rest(scene: Scene, schedulers: list[Scheduler]) -> datetime:
    """Until when all ticks are handed out, now that all of those are over."""
    scene.world.clock.advance(6)
    for scheduler in schedulers:
        await scheduler.act()
    until = scene.world.clock.now + timedelta(seconds=MONITOR_TICKS.ahead_s)
    while await batches(scene.world):
        await tend_batches(scene.world.platform)
        await Runner(scene.world).carry_out_all()
        scene.world.clock.advance(5)
    return until


async def test_an_offer_names_the_batch_and_one_that_is_lost_is_made_again(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    await runner.listen()
    await scene.world.broker.cut()
    batch_id = await one_batch(scene, scheduler)
    await scene.world.broker.restore()
    scene.world.clock.advance(3)
    assert await tend_batches(scene.world.platform) == 1
    await eventually(lambda: runner.offered == [batch_id])


async def test_only_one_runner_gets_a_batch_and_asking_twice_is_harmless(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    batch_id = await one_batch(scene, scheduler)
    other = Runner(scene.world)
    assert await runner.claim(batch_id, THERE) is None
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    assert await runner.claim(batch_id) == jobs
    assert await other.claim(batch_id) is None
    assert not await other.report(batch_id, jobs)
    assert await runner.report(batch_id, jobs)
    assert await runner.claim(batch_id) is None


async def test_what_a_silent_runner_left_is_run_by_another_and_its_own_word_is_refused(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    for number in range(3):
        await scene.monitor(f"home-{number}")
    await scheduler.act()
    (batch_id,) = await batches(scene.world)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    assert await runner.report(batch_id, jobs[:1], is_last=False)
    scene.world.clock.advance(5)
    await tend_batches(scene.world.platform)
    assert not await runner.report(batch_id, jobs[1:2])
    other = Runner(scene.world)
    left = await other.claim(batch_id)
    assert left is not None
    assert {each.run_id for each in left} == {each.run_id for each in jobs[1:]}
    assert await other.report(batch_id, left)
    assert list((await scene.started()).values()) == [1, 1, 1]


async def test_a_report_that_is_repeated_changes_nothing(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    batch_id = await one_batch(scene, scheduler)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    for outcome in (PASSED, FAILED):
        assert await runner.report(batch_id, jobs, outcome, is_last=False)
    page = await list_results(
        scene.world.platform, scene.world.owner, scene.checks[0].id, query=ResultQuery()
    )
    assert [each.result.outcome for each in page.rows] == [PASSED]


@pytest.mark.parametrize(("is_claimed", "reason"), [(False, Missed.NO_RUNNER), (True, Missed.RUNNER_LOST)])
async def test_ticks_that_nobody_ran_in_time_are_missed(
    scene: Scene, scheduler: Scheduler, runner: Runner, *, is_claimed: bool, reason: Missed
) -> None:
    batch_id = await one_batch(scene, scheduler)
    if is_claimed:
        assert await runner.claim(batch_id)
    scene.world.clock.advance(scene.world.platform.settings.tick_late_s + 1)
    await tend_batches(scene.world.platform)
    assert await batches(scene.world) == []
    assert await scene.missed(scene.checks[0]) == {reason: 1}
    assert await scene.started() == {}


async def test_a_tick_of_a_rare_check_waits_for_a_runner_as_long_as_the_queue_keeps_it(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    check = await scene.monitor("daily", HERE, frequency_min=1_440)
    await scheduler.act()
    scene.world.clock.advance(scene.world.platform.settings.tick_queue_ttl_s - 1)
    await tend_batches(scene.world.platform)
    assert len(await batches(scene.world)) == 1
    scene.world.clock.advance(2)
    await tend_batches(scene.world.platform)
    scene.world.clock.advance(3)
    await tend_batches(scene.world.platform)
    assert await batches(scene.world) == []
    assert await scene.missed(check) == {Missed.NO_RUNNER: 1}


async def test_more_ticks_than_fit_one_transaction_are_handed_out_without_a_pause(
    scene: Scene, scheduler: Scheduler
) -> None:
    for number in range(620):
        await scene.monitor(f"home-{number}", HERE, frequency_min=60)
        scene.world.clock.advance(0.001)
    assert await scheduler.act() == 620


async def test_a_tick_is_missed_while_an_earlier_one_has_no_result(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    batch_id = await one_batch(scene, scheduler)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    for _ in range(16):
        scene.world.clock.advance(1)
        await scheduler.act()
        await runner.report(batch_id, [], is_last=False)
    assert set(await scene.missed(scene.checks[0])) == {Missed.OVERLAP}
    assert await batches(scene.world) == [batch_id]
    await runner.report(batch_id, jobs)
    for _ in range(11):
        scene.world.clock.advance(1)
        await scheduler.act()
    assert len(await batches(scene.world)) == 1


async def test_a_tick_is_missed_while_a_person_has_a_run_of_the_check(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    world, check = scene.world, await scene.monitor()
    await scheduler.act()
    await runner.carry_out_all()
    await start_check_session(world.platform, world.owner, check_id=check.id)
    for _ in range(16):
        world.clock.advance(1)
        await scheduler.act()
    assert set(await scene.missed(check)) == {Missed.OVERLAP}
    assert await batches(world) == []


async def test_a_check_that_was_deactivated_or_deleted_meanwhile_is_not_run(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    world = scene.world
    gone, off, kept = [await scene.monitor(name) for name in ("gone", "off", "kept")]
    await scheduler.act()
    (batch_id,) = await batches(world)
    await delete_check(world.platform, world.owner, gone.id)
    draft = replace(draft_of(off), activated=False)
    await update_check(world.platform, world.owner, off.id, change=lambda _: draft)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    assert [CheckJob.model_validate_json(each.job).check_id for each in jobs] == [kept.id]
    assert await runner.report(batch_id, jobs)
    assert await batches(world) == []


async def test_what_fits_no_message_is_a_batch_of_its_own(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    world = scene.world
    long_value = EnvironmentVariable("PAGE", "x" * 100 * 1024)
    ids = {(await scene.monitor(str(number), environment=(long_value,))).id for number in range(12)}
    await scheduler.act()
    claimed: list[UUID | None] = []
    rounds = 0
    while left := await batches(world):
        rounds += 1
        jobs = await runner.claim(left[0])
        assert jobs
        assert len(TicksClaimReply(granted=True, jobs=tuple(jobs)).encode()) <= world.platform.bus.most_bytes
        claimed += [CheckJob.model_validate_json(each.job).check_id for each in jobs]
        assert await runner.report(left[0], jobs)
    assert rounds > 1
    assert len(claimed) == len(ids)
    assert set(claimed) == ids


async def test_a_job_says_what_the_check_and_its_account_say_now(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    world = scene.world

    async def next_job() -> CheckJob:
        while not (found := await batches(world)):
            world.clock.advance(1)
            await scheduler.act()
        jobs = await runner.claim(found[0])
        assert jobs
        assert await runner.report(found[0], jobs)
        return CheckJob.model_validate_json(jobs[0].job)

    check = await scene.monitor("home")
    first = await next_job()
    assert await next_job() == first
    draft = replace(draft_of(check), name="away", spec=UrlMonitor(HttpRequest("http://127.0.0.1:2/")))
    await update_check(world.platform, world.owner, check.id, change=lambda _: draft)
    changed = await next_job()
    assert (changed.check_name, changed.spec) == ("away", draft.spec)
    variable = EnvironmentVariable("PLACE", "here")
    await create_variable(world.platform, world.owner, variable)
    assert (await next_job()).environment == (variable,)


async def test_a_parallel_monitor_has_one_session_for_all_its_locations(
    scene: Scene, scheduler: Scheduler
) -> None:
    await scene.world.hello(THERE)
    await scene.monitor("home", HERE, THERE, run_parallel=True)
    assert await scheduler.act() == 1
    assert list((await scene.started()).values()) == [2]
    assert await batches(scene.world) == []


async def test_a_batch_is_no_larger_than_a_message(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    for number in range(260):
        await scene.monitor(f"home-{number}", HERE, frequency_min=60)
    assert await scheduler.act() == 260
    claimed = [await runner.claim(batch_id) for batch_id in await batches(scene.world)]
    assert [len(jobs) for jobs in claimed if jobs] == [250, 10]


async def test_a_failed_monitor_with_a_policy_is_tried_again_as_a_queued_run(
    scene: Scene, scheduler: Scheduler, runner: Runner
) -> None:
    world = scene.world
    policy = CheckPolicy(retry=RetryPolicy(Backoff.FIXED, base_backoff_s=0, max_retries=1))
    monitor = await scene.monitor(policy=policy)
    await scheduler.act()
    (batch_id,) = await batches(world)
    jobs = await runner.claim(batch_id)
    assert jobs is not None
    (timed,) = jobs
    assert await runner.report(batch_id, jobs, FAILED)
    page = await list_results(world.platform, world.owner, monitor.id, query=ResultQuery())
    assert [each.result.result_type for each in page.rows] == []  # lists show final ones
    reply = await world.claim(timed.run_id)
    assert reply.job is not None
    assert reply.job.attempt == 2
    await world.report(timed.run_id, PASSED)
    view = await get_session(world.platform, world.owner, SessionKind.CHECK, session_id=timed.session_id)
    assert view.session.status == CheckSessionStatus.PASSED
    (run,) = view.runs
    assert (run.run.state, run.run.attempt, run.run.outcome) == (RunState.FINAL, 2, PASSED)
