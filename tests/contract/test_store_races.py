"""Whoever comes first decides, on both databases, with real concurrency and at its own pace."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from bellrock.domain.cancellation import Via
from bellrock.domain.runs import RunState
from bellrock.domain.sessions import CheckSessionStatus, SessionKind
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.cancel_session import cancel_session
from bellrock.services.heartbeat import heartbeat
from bellrock.services.read_sessions import get_session
from bellrock.services.reap import reap
from bellrock.services.relay import relay_due_orders
from bellrock.services.start_session import start_check_session
from bellrock.services.views import CancelSummary, SessionView
from bellrock.store.database import Database
from bellrock.store.results import uploads_of
from bellrock.store.tables import outbox, results
from bellrock.wire.messages import HeartbeatRequest, HeldRun
from tests.unit.services.world import CANCELLED, FAILED, HERE, PASSED, THERE, World, chunks, world_on

ROUNDS = 5


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with world_on(database) as made:
        yield made


async def start(world: World, *locations: str) -> SessionView:
    check = await world.suite("shop", *locations)
    return await start_check_session(world.platform, world.owner, check_id=check.id)


async def look(world: World, view: SessionView) -> SessionView:
    return await get_session(world.platform, world.owner, SessionKind.CHECK, session_id=view.session.id)


async def cancel(world: World, view: SessionView) -> CancelSummary:
    return await cancel_session(
        world.platform,
        world.owner,
        SessionKind.CHECK,
        session_id=view.session.id,
        sequence_ids=None,
        via=Via.API,
    )


async def beat(world: World, *run_ids: UUID) -> None:
    held = tuple(HeldRun(run_id=run_id, token=world.tokens[run_id], stage="testing") for run_id in run_ids)
    request = HeartbeatRequest(
        runner_id="runner-1", location=HERE, busy_slots=1, leftover_processes=0, runs=held
    )
    await heartbeat(world.platform, request)


async def count_finals(world: World, run_id: UUID) -> int:
    query = select(func.count()).select_from(results)
    query = query.where(results.c.run_id == run_id, results.c.result_type == "FINAL")
    async with world.platform.database.read() as connection:
        return (await connection.execute(query)).scalar_one()


async def together(*actions: Awaitable[object]) -> None:
    await asyncio.wait_for(asyncio.gather(*actions), 30)


async def test_of_report_and_lease_expiry_exactly_one_decides(world: World) -> None:
    for round_ in range(ROUNDS):
        view = await start(world, HERE)
        run_id = view.runs[0].run.id
        await world.claim(run_id)
        world.clock.advance(world.platform.settings.lease_s)
        actions = [reap(world.platform), world.report(run_id, PASSED)]
        await together(*(actions if round_ % 2 else reversed(actions)))
        run = (await look(world, view)).runs[0].run
        assert run.state in (RunState.FINAL, RunState.QUEUED)
        assert await count_finals(world, run_id) == (1 if run.is_final else 0)


async def test_a_report_delivered_many_times_at_once_is_stored_once_and_accepted_each_time(
    world: World,
) -> None:
    view = await start(world, HERE)
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    replies = await asyncio.gather(*(world.report(run_id, PASSED) for _ in range(6)))
    assert all(reply.accepted for reply in replies)
    assert await count_finals(world, run_id) == 1


async def test_a_file_that_is_uploaded_several_times_at_once_is_kept_once(world: World) -> None:
    view = await start(world, HERE)
    run_id = view.runs[0].run.id
    await world.claim(run_id)

    async def upload() -> None:
        await accept_artifact(
            world.platform,
            run_id,
            token=world.tokens[run_id],
            name="trace.zip",
            content_type="application/zip",
            chunks=chunks(b"what the browser did"),
        )

    await together(*(upload() for _ in range(6)))
    async with world.platform.database.read() as connection:
        kept = await uploads_of(connection, run_id, 1)
    assert list(kept) == ["trace.zip"]


async def test_two_runners_that_claim_at_once_get_the_run_once(world: World) -> None:
    view = await start(world, HERE)
    run_id = view.runs[0].run.id
    replies = await asyncio.gather(*(world.claim(run_id) for _ in range(6)))
    assert sorted(reply.granted for reply in replies) == [False] * 5 + [True]


async def test_the_last_two_reports_at_once_freeze_the_session(world: World) -> None:
    for _ in range(ROUNDS):
        view = await start(world, HERE, THERE)
        here, there = (run.run.id for run in view.runs)
        await world.claim(here, HERE)
        await world.claim(there, THERE)
        await together(world.report(here, PASSED), world.report(there, FAILED))
        after = await look(world, view)
        assert after.session.status == CheckSessionStatus.FAILED
        assert after.stopped_at == world.clock.now


async def test_cancels_and_heartbeats_of_many_runs_do_not_wait_for_each_other_for_ever(
    world: World,
) -> None:
    view = await start(world, HERE, THERE, "eu-west-1", "eu-west-2")
    run_ids = [run.run.id for run in view.runs]
    for run in view.runs:
        await world.claim(run.run.id, run.run.location)
    await together(
        beat(world, *run_ids),
        cancel(world, view),
        beat(world, *reversed(run_ids)),
        *(world.report(run_id, CANCELLED) for run_id in run_ids),
        cancel(world, view),
    )
    for run_id in run_ids:
        await world.report(run_id, CANCELLED)
    after = await look(world, view)
    assert after.session.status is not None
    assert [await count_finals(world, run_id) for run_id in run_ids] == [1] * 4


async def test_relays_that_take_at_once_lose_no_order_and_leave_none(world: World) -> None:
    views = [await start(world, HERE) for _ in range(5)]
    await asyncio.gather(*(relay_due_orders(world.platform) for _ in range(4)))
    world.clock.advance(60)
    await relay_due_orders(world.platform)
    async with world.platform.database.read() as connection:
        left = (await connection.execute(select(func.count()).select_from(outbox))).scalar_one()
    assert left == 0
    assert await world.platform.bus.pending_offers(HERE) == len(views)
