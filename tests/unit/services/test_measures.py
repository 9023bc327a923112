"""What is counted: once for what happened, and not at all for what was refused."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bellrock.domain.cancellation import Via
from bellrock.domain.errors import BellrockError
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.cancel_session import cancel_session
from bellrock.services.heartbeat import heartbeat
from bellrock.services.reap import reap, sweep
from bellrock.services.relay import relay_due_orders
from bellrock.services.start_session import start_check_session
from bellrock.services.stock import read_measures
from bellrock.services.views import SessionView
from bellrock.wire.messages import HeartbeatRequest
from tests.unit.services.world import CANCELLED, FAILED, HERE, PASSED, THERE, World, chunks


def count(world: World, name: str, labels: Mapping[str, str] | None = None) -> float | None:
    """A measure of this platform: None where it was never touched."""
    return world.platform.measures.registry.get_sample_value(f"bellrock_{name}", dict(labels or {}))


async def start(world: World, *locations: str) -> SessionView:
    check = await world.suite("shop", *(locations or (HERE,)))
    return await start_check_session(world.platform, world.owner, check_id=check.id)


async def cancel(world: World, view: SessionView) -> None:
    await cancel_session(
        world.platform,
        world.owner,
        view.session.kind,
        session_id=view.session.id,
        sequence_ids=None,
        via=Via.API,
    )


def run_of(view: SessionView) -> UUID:
    return view.runs[0].run.id


async def test_a_session_and_its_end_are_counted_once(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    for _ in range(2):
        assert (await world.report(run_of(view), FAILED)).accepted
    assert count(world, "sessions_started_total", {"kind": "check"}) == 1
    assert count(world, "runs_finished_total", {"verdict": str(FAILED.verdict)}) == 1
    assert count(world, "runs_finished_total", {"verdict": str(PASSED.verdict)}) == 0


async def test_a_session_that_was_refused_is_not_counted(world: World) -> None:
    with pytest.raises(BellrockError):
        await start_check_session(world.platform, world.owner, check_id=uuid4())
    assert count(world, "sessions_started_total", {"kind": "check"}) == 0


async def test_a_cancel_of_a_queued_run_is_final_by_the_queue(world: World) -> None:
    await cancel(world, await start(world, HERE, THERE))
    assert count(world, "cancels_asked_total", {"via": "API"}) == 2
    assert count(world, "cancels_final_total", {"how": "queued"}) == 2
    assert count(world, "cancel_request_to_final_seconds_count") == 2


async def test_a_cancel_that_a_runner_carried_out_is_timed_to_its_last_process(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    await cancel(world, view)
    await cancel(world, view)
    gone_at = world.clock.now + timedelta(seconds=1.2)
    world.clock.advance(1.5)
    receipt = replace(world.runner_receipt(), last_process_gone_at=gone_at)
    await world.report(run_of(view), CANCELLED, receipt=receipt)
    assert count(world, "cancels_asked_total", {"via": "API"}) == 1
    assert count(world, "cancels_final_total", {"how": "runner"}) == 1
    assert count(world, "cancel_request_to_final_seconds_sum") == 1.5
    assert count(world, "cancel_request_to_last_process_gone_seconds_sum") == pytest.approx(1.2)


async def test_a_runners_clock_that_is_behind_gives_no_negative_time(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    await cancel(world, view)
    early = replace(world.runner_receipt(), last_process_gone_at=world.clock.now - timedelta(seconds=5))
    await world.report(run_of(view), CANCELLED, receipt=early)
    assert count(world, "cancel_request_to_last_process_gone_seconds_sum") == 0


async def test_a_run_that_ends_by_itself_after_a_cancel_was_ended_by_its_suite(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    await cancel(world, view)
    await world.report(run_of(view), PASSED)
    assert count(world, "cancels_final_total", {"how": "suite"}) == 1


async def test_a_cancel_whose_runner_is_gone_is_forced_by_the_server(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    await cancel(world, view)
    world.clock.advance(world.platform.settings.lease_s)
    await reap(world.platform)
    await reap(world.platform)
    assert count(world, "cancels_final_total", {"how": "forced_by_server"}) == 1
    assert count(world, "leases_expired_total") == 1
    assert count(world, "cancel_request_to_last_process_gone_seconds_count") == 0


async def test_a_lost_runner_costs_a_lease_and_requeues_until_the_run_is_given_up(world: World) -> None:
    view = await start(world)
    for _ in range(3):
        await world.claim(run_of(view))
        world.clock.advance(world.platform.settings.lease_s)
        await reap(world.platform)
    assert count(world, "leases_expired_total") == 3
    assert count(world, "runs_requeued_total", {"reason": "runner_lost"}) == 2
    assert count(world, "runs_given_up_total", {"code": "RUNNER_LOST"}) == 1


async def test_a_run_that_nobody_takes_is_offered_again_and_then_given_up(world: World) -> None:
    await start(world)
    world.clock.advance(world.platform.settings.reoffer_after_s)
    await sweep(world.platform)
    assert count(world, "runs_offered_again_total") == 1
    world.clock.advance(world.platform.settings.queue_ttl_s)
    await sweep(world.platform)
    assert count(world, "runs_given_up_total", {"code": "NO_RUNNER"}) == 1


async def test_a_cancel_signal_that_nobody_hears_is_counted(world: World) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    await cancel(world, view)
    await relay_due_orders(world.platform)
    assert count(world, "cancel_signals_unheard_total") == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("../key", b"x", "unsafe_name"),
        ("a.log", b"x" * 2_000, "too_large"),
        ("a.log", b"x", "not_the_holder"),
    ],
)
async def test_a_file_that_is_refused_is_counted_with_its_reason(
    world: World, name: str, content: bytes, reason: str
) -> None:
    view = await start(world)
    await world.claim(run_of(view))
    token = uuid4() if reason == "not_the_holder" else world.tokens[run_of(view)]
    small = replace(world.platform, settings=replace(world.platform.settings, max_artifact_bytes=1_000))
    with pytest.raises(BellrockError):
        await accept_artifact(
            small, run_of(view), token=token, name=name, content_type="text/plain", chunks=chunks(content)
        )
    assert count(world, "artifacts_refused_total", {"reason": reason}) == 1


async def test_the_queue_is_shown_by_location_with_the_age_of_its_oldest_run(world: World) -> None:
    await world.hello("ap-south-1")
    first = await start(world, HERE, THERE)
    world.clock.advance(40)
    await world.claim(run_of(first))
    await read_measures(world.platform)
    assert count(world, "runs", {"state": "queued", "location": THERE}) == 1
    assert count(world, "runs", {"state": "running", "location": HERE}) == 1
    assert count(world, "oldest_queued_run_age_seconds", {"location": THERE}) == 40
    assert count(world, "oldest_queued_run_age_seconds", {"location": HERE}) == 0
    assert count(world, "runs", {"state": "queued", "location": "ap-south-1"}) == 0


async def test_the_outbox_is_shown_with_the_age_of_its_oldest_order(world: World) -> None:
    await start(world)
    world.clock.advance(7)
    await read_measures(world.platform)
    assert count(world, "outbox_orders") == 1
    assert count(world, "outbox_oldest_order_age_seconds") == 7
    await relay_due_orders(world.platform)
    await read_measures(world.platform)
    assert count(world, "outbox_orders") == 0
    assert count(world, "outbox_oldest_order_age_seconds") == 0


async def test_runners_are_shown_while_they_are_connected_with_what_they_left(world: World) -> None:
    await world.hello(HERE, THERE, orphans_swept=3)
    request = HeartbeatRequest(
        runner_id="runner-1", location=HERE, busy_slots=1, leftover_processes=2, runs=()
    )
    await heartbeat(world.platform, request)
    await world.hello(HERE, orphans_swept=3)  # a second hello forgets nothing
    await read_measures(world.platform)
    assert count(world, "runners_connected", {"location": HERE}) == 1
    assert count(world, "runner_leftover_processes", {"runner": "runner-1", "location": HERE}) == 2
    assert count(world, "runner_leftover_processes", {"runner": "runner-1", "location": THERE}) == 0
    assert count(world, "runner_orphans_swept", {"runner": "runner-1"}) == 3
    world.clock.advance(world.platform.settings.runner_seen_s + 1)
    await read_measures(world.platform)
    assert count(world, "runners_connected", {"location": HERE}) == 0
    assert count(world, "runner_leftover_processes", {"runner": "runner-1", "location": HERE}) is None


async def test_counters_are_shown_also_while_the_database_does_not_answer(
    world: World, tmp_path: Path
) -> None:
    await start(world)
    await read_measures(world.platform)
    assert count(world, "database_up") == 1
    await world.platform.database._readers.dispose()  # the next query opens the file anew
    shutil.rmtree(tmp_path)
    text = (await read_measures(world.platform)).decode()
    assert 'bellrock_sessions_started_total{kind="check"} 1.0' in text
    assert count(world, "database_up") == 0
