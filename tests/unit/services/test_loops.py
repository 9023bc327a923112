"""What the control plane does by itself: orders reach the bus, lost work is found again, faults pass."""

import asyncio

import pytest
from sqlalchemy import func, select

from bellrock.domain.cancellation import Via
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import RunState
from bellrock.domain.sessions import CheckSessionStatus, SessionKind, TestSessionStatus
from bellrock.measures import Measures
from bellrock.services.cancel_session import cancel_session
from bellrock.services.loops import Loop, run_loops, supervise
from bellrock.services.read_sessions import await_completion, get_session
from bellrock.services.reap import reap, resend_cancel_signals, sweep
from bellrock.services.relay import relay_due_orders
from bellrock.services.start_session import (
    TestSessionRequest,
    start_check_session,
    trigger_test_session,
)
from bellrock.services.views import SessionView
from bellrock.store.tables import outbox
from bellrock.wire import subjects
from bellrock.wire.messages import (
    Announcement,
    CancelAck,
    CancelSignal,
    ClaimReply,
    ClaimRequest,
    Offer,
    ReportReply,
)
from tests.unit.services.world import FAILED, HERE, PASSED, World, eventually


@pytest.fixture
async def session(world: World) -> SessionView:
    check = await world.suite("shop", HERE)
    return await start_check_session(world.platform, world.owner, check_id=check.id)


async def look(world: World, view: SessionView) -> SessionView:
    return await get_session(world.platform, world.owner, view.session.kind, session_id=view.session.id)


async def orders_left(world: World) -> int:
    async with world.platform.database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(outbox))).scalar_one()


async def cancel(world: World, view: SessionView) -> None:
    await cancel_session(
        world.platform,
        world.owner,
        view.session.kind,
        session_id=view.session.id,
        sequence_ids=None,
        via=Via.CLI,
    )


async def test_a_started_run_is_offered_at_its_location(world: World, session: SessionView) -> None:
    await relay_due_orders(world.platform)
    offer = await world.platform.bus.next_offer(HERE, timeout_s=1)
    assert offer is not None
    assert Offer.model_validate_json(offer.body).run_id == session.runs[0].run.id
    assert await orders_left(world) == 0


async def test_a_run_that_goes_well_needs_one_order_and_announces_every_change(
    world: World, session: SessionView
) -> None:
    heard: list[str] = []

    async def on_announcement(_subject: str, body: bytes) -> None:
        heard.append(Announcement.model_validate_json(body).what)

    await world.platform.bus.subscribe("announce.>", on_announcement)
    assert await relay_due_orders(world.platform) == 1
    await world.claim(session.runs[0].run.id)
    await world.report(session.runs[0].run.id)
    assert await relay_due_orders(world.platform) == 0
    await eventually(lambda: heard == ["running", "final"])


async def test_a_change_is_kept_although_it_cannot_be_announced(world: World, session: SessionView) -> None:
    await world.broker.cut()
    assert (await world.claim(session.runs[0].run.id)).granted
    assert (await look(world, session)).runs[0].run.state is RunState.RUNNING


async def test_an_order_outlives_a_lost_connection(world: World, session: SessionView) -> None:
    await world.broker.cut()
    await relay_due_orders(world.platform)
    left = await orders_left(world)
    await world.broker.restore()
    world.clock.advance(20)
    await relay_due_orders(world.platform)
    assert (left, await orders_left(world)) == (1, 0)
    assert await world.platform.bus.pending_offers(HERE) == 1


async def test_an_order_taken_by_a_relay_that_died_is_carried_out_later(
    world: World, session: SessionView, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(world.platform.bus, "offer", dies)
        with pytest.raises(asyncio.CancelledError):
            await relay_due_orders(world.platform)
    assert await relay_due_orders(world.platform) == 0
    world.clock.advance(16)
    assert await relay_due_orders(world.platform) > 0
    assert await world.platform.bus.pending_offers(HERE) == 1


async def test_a_cancel_reaches_the_runner_that_has_the_run(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    heard: list[CancelSignal] = []

    async def on_cancel(_subject: str, body: bytes) -> bytes:
        heard.append(CancelSignal.model_validate_json(body))
        return CancelAck(run_id=run_id, stopping=True).encode()

    await world.platform.bus.subscribe(subjects.cancel(HERE, run_id), on_cancel)
    await world.claim(run_id)
    await cancel(world, session)
    await relay_due_orders(world.platform)
    assert [(signal.run_id, signal.via) for signal in heard] == [(run_id, "CLI")]
    assert await orders_left(world) == 0

    await cancel(world, session)
    await relay_due_orders(world.platform)
    assert len(heard) == 1

    assert await resend_cancel_signals(world.platform) == 1
    await relay_due_orders(world.platform)
    assert len(heard) == 2


async def test_a_signal_that_nobody_hears_is_not_kept(world: World, session: SessionView) -> None:
    await world.claim(session.runs[0].run.id)
    await cancel(world, session)
    await relay_due_orders(world.platform)
    assert await orders_left(world) == 0


async def test_a_run_whose_runner_vanished_is_offered_again_under_a_new_token(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    old_token = world.tokens[run_id]
    world.clock.advance(15)
    await reap(world.platform)
    assert (await look(world, session)).runs[0].run.state is RunState.QUEUED
    assert (await world.claim(run_id)).granted
    new_token, world.tokens[run_id] = world.tokens[run_id], old_token
    assert not (await world.report(run_id, PASSED)).accepted
    world.tokens[run_id] = new_token
    assert (await world.report(run_id, PASSED)).accepted


async def test_a_run_that_loses_three_runners_is_given_up_and_the_runner_blamed(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    for _ in range(3):
        await world.claim(run_id)
        world.clock.advance(15)
        await reap(world.platform)
    after = await look(world, session)
    assert after.status is CheckSessionStatus.TIMED_OUT
    assert after.runs[0].final is not None
    assert after.runs[0].final.outcome.blame is Blame.RUNNER
    assert after.runs[0].final.errors


async def test_a_run_whose_message_was_lost_is_offered_again(world: World, session: SessionView) -> None:
    await relay_due_orders(world.platform)
    world.clock.advance(29)
    assert await sweep(world.platform) == 0
    world.clock.advance(1)
    assert await sweep(world.platform) == 1
    await relay_due_orders(world.platform)
    assert await world.platform.bus.pending_offers(HERE) == 2
    assert await sweep(world.platform) == 0


async def test_a_run_that_nobody_takes_waits_visibly_and_is_given_up_at_the_end(
    world: World, session: SessionView
) -> None:
    waiting = (await look(world, session)).runs[0]
    assert (waiting.waiting_for_runner, waiting.cancellable) == (True, True)
    await world.hello(HERE)
    assert not (await look(world, session)).runs[0].waiting_for_runner
    world.clock.advance(3_600)
    await sweep(world.platform)
    after = await look(world, session)
    assert after.runs[0].run.outcome is not None
    assert after.runs[0].run.outcome.verdict is Verdict.LOST
    assert after.runs[0].run.outcome.blame is Blame.PLATFORM


async def test_a_failed_attempt_is_tried_again_and_both_are_kept(world: World) -> None:
    await world.suite()
    view = await trigger_test_session(
        world.platform,
        world.owner,
        TestSessionRequest("nightly", HERE, retry=RetryPolicy(Backoff.FIXED, 60, max_retries=1)),
    )
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    await world.report(run_id, FAILED)
    assert (await look(world, view)).runs[0].run.state is RunState.RETRY_WAIT
    assert await reap(world.platform) == 0
    world.clock.advance(60)
    assert await reap(world.platform) == 1
    await world.claim(run_id)
    await world.report(run_id, PASSED)
    after = await look(world, view)
    assert [result.result_type for result in after.runs[0].results] == ["ATTEMPT", "FINAL"]
    assert [result.attempt for result in after.runs[0].results] == [1, 2]
    assert after.status is TestSessionStatus.PASSED


async def test_a_cancel_between_attempts_ends_the_run_and_keeps_the_attempt(world: World) -> None:
    await world.suite()
    view = await trigger_test_session(
        world.platform,
        world.owner,
        TestSessionRequest("nightly", HERE, retry=RetryPolicy(Backoff.FIXED, 60)),
    )
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    await world.report(run_id, FAILED)
    await cancel(world, view)
    after = await look(world, view)
    assert [r.outcome.is_cancelled for r in after.runs[0].results] == [False, True]
    world.clock.advance(60)
    assert await reap(world.platform) == 0


async def test_a_failed_report_of_a_cancelled_run_is_an_attempt_and_no_other_follows(
    world: World,
) -> None:
    await world.suite()
    view = await trigger_test_session(
        world.platform,
        world.owner,
        TestSessionRequest("nightly", HERE, retry=RetryPolicy(Backoff.FIXED, 0)),
    )
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    await cancel(world, view)
    await world.report(run_id, FAILED)
    after = await look(world, view)
    assert after.status is TestSessionStatus.CANCELLED
    assert [r.outcome.is_cancelled for r in after.runs[0].results] == [False, True]


async def test_runners_are_answered_over_the_bus(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    started = asyncio.Event()
    loops = asyncio.create_task(run_loops(world.platform, started=started))
    await asyncio.wait_for(started.wait(), 5)
    request = ClaimRequest(run_id=run_id, token=run_id, runner_id="runner-1")
    ask = world.platform.bus.request
    answer = await ask(subjects.rpc("claim", HERE), request.encode(), timeout_s=5)
    reply = ClaimReply.model_validate_json(answer)
    assert reply.job is not None
    assert reply.job.context["CHECKLY_RUN_SOURCE"] == "SCHEDULE_NOW"
    world.tokens[run_id] = run_id
    waiting = asyncio.create_task(
        await_completion(
            world.platform,
            world.owner,
            SessionKind.CHECK,
            session_id=session.session.id,
            max_wait_s=10,
        )
    )
    body = world.a_report(run_id, PASSED).encode()
    answer = await ask(subjects.rpc("report", HERE), body, timeout_s=5)
    assert ReportReply.model_validate_json(answer).accepted
    view = await waiting
    assert view is not None
    assert view.status is CheckSessionStatus.PASSED
    loops.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loops


async def test_a_malformed_request_is_not_answered(world: World) -> None:
    started = asyncio.Event()
    loops = asyncio.create_task(run_loops(world.platform, started=started))
    await asyncio.wait_for(started.wait(), 5)
    with pytest.raises(TimeoutError):
        await world.platform.bus.request(subjects.rpc("claim", HERE), b"?", timeout_s=0.1)
    loops.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loops


async def test_a_loop_survives_faults_of_its_step() -> None:
    calls: list[int] = []

    async def step() -> int:
        calls.append(len(calls))
        if len(calls) < 3:
            raise OSError("the disk is full")
        return 0

    measures = Measures()
    loop = asyncio.create_task(supervise(Loop("faulty", step, 0.01), measures.loops))
    await eventually(lambda: len(calls) >= 4, deadline_s=10)
    assert measures.registry.get_sample_value("bellrock_loop_step_failures_total", {"loop": "faulty"}) == 2
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_a_bell_that_rings_during_a_step_is_heard() -> None:
    bell = asyncio.Event()
    calls: list[int] = []

    async def step() -> int:
        calls.append(1)
        if len(calls) == 1:
            bell.set()
        return 0

    loop = asyncio.create_task(supervise(Loop("relay", step, 3_600, bell), Measures().loops))
    await eventually(lambda: len(calls) == 2)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_a_full_step_is_followed_by_another_at_once_and_one_that_did_less_by_a_rest() -> None:
    bell = asyncio.Event()
    calls: list[int] = []

    async def step() -> int:
        calls.append(1)
        return 100 if len(calls) == 1 else 99

    supervised = Loop("relay", step, 3_600, bell, full_step=100)
    loop = asyncio.create_task(supervise(supervised, Measures().loops))
    await eventually(lambda: len(calls) == 2)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(calls) == 2
    bell.set()
    await eventually(lambda: len(calls) == 3)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
