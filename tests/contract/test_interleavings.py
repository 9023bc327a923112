"""A cancel against everything that can happen at the same time, interleaved at every statement and commit.

Each test proves its rule for many orders, drawn from seeds, on both databases. A failure names the seed.
`BELLROCK_TEST_INTERLEAVINGS=1000` asks for more of them, in blocks that take a test each.
"""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import pytest

from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.services.start_session import (
    Target,
    TestSessionRequest,
    start_check_session,
    trigger_test_session,
)
from bellrock.services.views import SessionView
from bellrock.store.database import Database
from tests.contract.race import NOT_INSTALLED, VERDICTS, Race, settle
from tests.support.inline_sqlite import run_inline
from tests.support.interleaving import Action, Interleaving
from tests.support.quiet import quiet
from tests.support.stepped_database import SteppedDatabase, go_on
from tests.unit.services.world import FAILED, HERE, PASSED, THERE, World, world_on

__all__ = ["quiet"]

INTERLEAVINGS = int(os.environ.get("BELLROCK_TEST_INTERLEAVINGS", "10"))
FIRST_SEED = int(os.environ.get("BELLROCK_TEST_FIRST_SEED", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + INTERLEAVINGS)
BLOCKS = [SEEDS[start : start + 50] for start in range(0, INTERLEAVINGS, 50)]
pytestmark = pytest.mark.usefixtures("quiet")
GRACE_S = {"sqlite": 0.0005, "postgresql": 0.005}  # statements run inline, or in a server

Scene = Callable[[Race], Awaitable[Mapping[str, Action]]]
"""Gets a race with its session just started, prepares it, and returns what then happens at once."""


@dataclass(frozen=True, slots=True)
class Arena:
    """A world whose database can be stepped through, and the checks that sessions are made of."""

    world: World
    stepped: SteppedDatabase
    seeds: range
    one_place: UUID
    two_places: UUID

    async def check_session(self, check_id: UUID) -> SessionView:
        return await start_check_session(self.world.platform, self.world.owner, check_id=check_id)

    async def test_session(self) -> SessionView:
        """One run of a suite, which is tried again a minute after it failed."""
        request = TestSessionRequest(
            "nightly",
            HERE,
            target=Target(check_ids=(self.one_place,)),
            retry=RetryPolicy(Backoff.FIXED, 60, max_retries=1),
        )
        return await trigger_test_session(self.world.platform, self.world.owner, request)


@pytest.fixture(params=BLOCKS, ids=lambda seeds: f"from {seeds[0]}")
def seeds(request: pytest.FixtureRequest) -> range:
    return cast("range", request.param)


@pytest.fixture
async def arena(database: Database, seeds: range) -> AsyncIterator[Arena]:
    if database.dialect == "sqlite":
        await run_inline(database)
    stepped = SteppedDatabase(database)
    async with world_on(stepped) as world:
        yield Arena(
            world,
            stepped,
            seeds,
            one_place=(await world.suite("shop", HERE)).id,
            two_places=(await world.suite("basket", HERE, THERE)).id,
        )


async def prove(arena: Arena, scene: Scene, *, is_retried: bool = False) -> None:
    """Let the scene happen in many orders; after each all the rules of a race's end must hold."""
    orders = set()
    for seed in arena.seeds:
        name = f"{scene.__name__}, seed {seed}"
        try:
            orders.add(await _one(arena, scene, name, is_retried=is_retried))
        except BaseException as problem:
            problem.add_note(f"interleaving: {name}")
            raise
    assert len(orders) >= len(arena.seeds) * 0.8, "the orders hardly differ: this proves little"


async def _one(arena: Arena, scene: Scene, name: str, *, is_retried: bool) -> tuple[str, ...]:
    chosen = random.Random(name)
    async with AsyncExitStack() as closing:
        if is_retried:
            view = await arena.test_session()
        else:
            view = await arena.check_session(chosen.choice([arena.one_place, arena.two_places]))
        race = Race(arena.world, view, chosen, closing)
        actions = {**await _beside(race), **await scene(race)}
        interleaving = Interleaving(name, grace_s=GRACE_S[arena.stepped.dialect])
        arena.stepped.step = interleaving.step
        try:
            await interleaving.run(actions)
        finally:
            arena.stepped.step = go_on
        await settle(race)
    return tuple(interleaving.order)


async def _beside(race: Race) -> Mapping[str, Action]:
    """What goes on with the session's other run, where it has one."""
    if len(race.runs) == 1:
        return {}
    other = race.runs[1]
    fate = race.random.choice(["waits", "is over", "ends meanwhile", "vanishes"])
    if fate == "waits":
        return {}
    runner = await race.holder(other)
    if fate == "is over":
        assert await runner.report(race.random.choice(VERDICTS))
    elif fate == "ends meanwhile":
        return {"other run": runner.end(race.random.choice(VERDICTS))}
    return {}


async def test_of_cancel_and_report_a_verdict_that_came_first_stands_and_a_fault_does_not(
    arena: Arena,
) -> None:
    async def finish(race: Race) -> Mapping[str, Action]:
        runner = await race.holder(race.runs[0])
        return {
            "cancel": race.cancel(),
            "report": runner.end(race.random.choice(VERDICTS)),
            "beat": runner.beat(),
            "relay": race.relay(),
        }

    await prove(arena, finish)


async def test_of_cancel_and_claim_one_wins_and_the_run_ends_cancelled_or_by_its_runner(arena: Arena) -> None:
    async def claim(race: Race) -> Mapping[str, Action]:
        first, second = [await race.runner(race.runs[0]) for _ in range(2)]
        return {
            "cancel": race.cancel(),
            "claim": first.take(race.random.choice(VERDICTS)),
            "other claim": second.take(race.random.choice(VERDICTS)),
            "relay": race.relay(),
        }

    await prove(arena, claim)


async def test_a_cancel_while_dependencies_install_ends_the_run_or_finds_it_ended(arena: Arena) -> None:
    async def install(race: Race) -> Mapping[str, Action]:
        runner = await race.holder(race.runs[0])
        return {
            "cancel": race.cancel(),
            "install": runner.install(race.random.choice([NOT_INSTALLED, *VERDICTS])),
            "relay": race.relay(),
        }

    await prove(arena, install)


async def test_a_cancel_while_files_are_uploaded_costs_neither_the_verdict_nor_the_files(
    arena: Arena,
) -> None:
    async def upload(race: Race) -> Mapping[str, Action]:
        runner = await race.holder(race.runs[0])
        outcome = race.random.choice(VERDICTS)
        way = race.random.choice([runner.report_and_bring_evidence, runner.upload_and_report])
        return {
            "cancel": race.cancel(),
            "upload": way(outcome),
            "other upload": runner.upload(),
            "relay": race.relay(),
        }

    await prove(arena, upload)


async def test_of_cancel_and_lease_expiry_the_run_is_requeued_or_ended_but_never_left(arena: Arena) -> None:
    async def expire(race: Race) -> Mapping[str, Action]:
        late = await race.holder(race.runs[0])
        other = await race.runner(race.runs[0])
        race.world.clock.advance(race.world.platform.settings.lease_s)
        return {
            "cancel": race.cancel(),
            "reap": race.reap(),
            "reap of a replica": race.reap(),
            "late runner": late.end(PASSED) if race.random.random() < 0.5 else late.beat(),
            "other runner": other.take(race.random.choice(VERDICTS)),
        }

    await prove(arena, expire)


async def test_of_cancel_and_the_end_of_the_queue_time_one_ends_the_run(arena: Arena) -> None:
    async def wait_too_long(race: Race) -> Mapping[str, Action]:
        runner = await race.runner(race.runs[0])
        race.world.clock.advance(race.world.platform.settings.queue_ttl_s)
        return {
            "cancel": race.cancel(),
            "sweep": race.sweep(),
            "claim": runner.take(race.random.choice(VERDICTS)),
        }

    await prove(arena, wait_too_long)


async def test_of_cancel_and_retry_no_attempt_follows_an_accepted_cancel(arena: Arena) -> None:
    async def retry(race: Race) -> Mapping[str, Action]:
        first, second = await race.holder(race.runs[0]), await race.runner(race.runs[0])
        actions = {"cancel": race.cancel(), "next attempt": second.take(race.random.choice(VERDICTS))}
        if race.random.random() < 0.5:
            return {**actions, "report": first.end(FAILED), "relay": race.relay()}
        assert await first.report(FAILED)
        race.world.clock.advance(60)
        return {**actions, "reap": race.reap(), "sweep": race.sweep()}

    await prove(arena, retry, is_retried=True)


async def test_cancels_of_several_people_are_one_cancel(arena: Arena) -> None:
    async def cancel_again(race: Race) -> Mapping[str, Action]:
        runner = await race.holder(race.runs[0])
        return {
            "cancel": race.cancel(),
            "other cancel": race.cancel(),
            "cancel of one run": race.cancel(race.runs[-1].id),
            "report": runner.install(race.random.choice(VERDICTS)),
            "relay": race.relay(),
        }

    await prove(arena, cancel_again)
