"""Whoever follows a session sees each run's events in order and without a gap, whatever got lost."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from uuid import UUID

import pytest

from bellrock.domain.live import (
    LiveEvent,
    Output,
    Stage,
    StageEntered,
    TestEnded,
    TestRef,
    TestsFound,
    TestStarted,
)
from bellrock.engine.port import Subscription
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.relay import relay_due_orders
from bellrock.services.start_session import start_check_session
from bellrock.services.views import SessionView
from bellrock.wire import subjects
from bellrock.wire.messages import LIVE_EVENT, Announcement, Artifact, LiveBatch, ReplayRequest
from tests.unit.services.world import HERE, PASSED, World, chunks, eventually


def output(seq: int, *, at_ms: int = 0) -> LiveEvent:
    return Output(seq, at_ms or seq, "stdout", f"line {seq}\n")


@pytest.fixture
async def session(world: World) -> SessionView:
    check = await world.suite("shop", HERE)
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    await world.claim(view.runs[0].run.id)
    await relay_due_orders(world.platform)
    return view


async def publish(world: World, view: SessionView, *events: LiveEvent) -> None:
    run_id, session_id = view.runs[0].run.id, view.session.id
    batch = LiveBatch(run_id=run_id, session_id=session_id, events=events)
    await world.platform.bus.publish(subjects.live(HERE, session_id, run_id), batch.encode())


async def runner_replays(world: World, view: SessionView, events: list[LiveEvent]) -> Subscription:
    run_id, session_id = view.runs[0].run.id, view.session.id

    async def answer(_subject: str, body: bytes) -> bytes:
        request = ReplayRequest.model_validate_json(body)
        later = [event for event in events if event.seq > request.after_seq][:2]
        return LiveBatch(run_id=run_id, session_id=session_id, events=tuple(later)).encode()

    return await world.platform.bus.subscribe(subjects.replay(HERE, run_id), answer)


async def read(frames: AsyncIterator[object], until: Callable[[list[int]], bool]) -> list[int]:
    seen: list[int] = []
    async with asyncio.timeout(5):
        async for frame in frames:
            if isinstance(frame, LiveBatch):
                seen += [event.seq for event in frame.events]
            if until(seen):
                break
    return seen


async def test_a_late_reader_first_gets_what_was_missed(world: World, session: SessionView) -> None:
    events = [output(seq) for seq in range(1, 6)]
    await runner_replays(world, session, events)
    async with aclosing(world.platform.live.follow(session.session.id, {})) as frames:
        assert await read(frames, lambda seen: len(seen) == 5) == [1, 2, 3, 4, 5]


async def test_a_reader_that_comes_back_gets_only_what_is_new_to_it(
    world: World, session: SessionView
) -> None:
    await runner_replays(world, session, [output(seq) for seq in range(1, 6)])
    after = {session.runs[0].run.id: 3}
    async with aclosing(world.platform.live.follow(session.session.id, after)) as frames:
        assert await read(frames, lambda seen: 5 in seen) == [4, 5]


async def test_a_lost_batch_is_fetched_from_the_runner(world: World, session: SessionView) -> None:
    events: list[LiveEvent] = []
    await runner_replays(world, session, events)
    async with aclosing(world.platform.live.follow(session.session.id, {})) as frames:
        reading = asyncio.create_task(read(frames, lambda seen: 6 in seen))
        await eventually(lambda: session.session.id in world.platform.live._readers)
        events += [output(1), output(2)]
        await publish(world, session, output(1), output(2))
        events += [output(3), output(4), output(5), output(6)]
        await publish(world, session, output(6))
        assert await reading == [1, 2, 3, 4, 5, 6]


async def test_a_finished_run_is_read_from_its_stored_file(world: World, session: SessionView) -> None:
    await store_events(world, session.runs[0].run.id, [output(seq) for seq in range(1, 4)])
    async with aclosing(world.platform.live.follow(session.session.id, {})) as frames:
        assert await read(frames, lambda seen: len(seen) == 3) == [1, 2, 3]
    assert (await world.platform.live.snapshot(session.session.id))[session.runs[0].run.id].last_seq == 3


async def test_the_end_of_a_run_is_announced_after_its_last_events(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    kinds: list[object] = []
    async with aclosing(world.platform.live.follow(session.session.id, {})) as frames:

        async def read_to_the_end() -> None:
            async for frame in frames:
                kinds.append(frame.what if isinstance(frame, Announcement) else len(frame.events))
                if kinds[-1] == "final":
                    return

        reading = asyncio.create_task(read_to_the_end())
        await eventually(lambda: session.session.id in world.platform.live._readers)
        await store_events(world, run_id, [output(1), output(2)])
        await relay_due_orders(world.platform)
        await asyncio.wait_for(reading, 5)
    assert kinds[-2:] == [2, "final"]


async def test_events_that_arrive_twice_are_seen_once(world: World, session: SessionView) -> None:
    async with aclosing(world.platform.live.follow(session.session.id, {})) as frames:
        reading = asyncio.create_task(read(frames, lambda seen: 3 in seen))
        await eventually(lambda: session.session.id in world.platform.live._readers)
        await publish(world, session, output(1), output(2))
        await publish(world, session, output(1), output(2))
        await publish(world, session, output(2), output(3))
        assert await reading == [1, 2, 3]


async def test_a_run_that_is_executed_again_begins_anew(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    live = world.platform.live
    await publish(world, session, StageEntered(1, 10, Stage.PREPARING), *map(output, (2, 3)))
    await eventually(lambda: live.stage(run_id) == Stage.PREPARING)
    await publish(world, session, StageEntered(1, 99, Stage.INSTALLING))
    await eventually(lambda: live.stage(run_id) == Stage.INSTALLING)
    assert (await live.snapshot(session.session.id))[run_id].last_seq == 1


async def test_counts_are_live(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    tests = tuple(TestRef(id_, "chromium", "shop.spec.ts", 1, (id_,)) for id_ in ("a", "b", "c"))
    await publish(
        world,
        session,
        TestsFound(1, 1, "1.65.1", 1, tests),
        TestStarted(2, 2, "a", 0),
        TestEnded(3, 3, "a", 0, status="passed", outcome="expected", final=True, duration_ms=5),
        TestStarted(4, 4, "b", 0),
    )
    await eventually(lambda: world.platform.live.counts(run_id) is not None)
    counts = world.platform.live.counts(run_id)
    assert counts is not None
    assert (counts.total, counts.passed, counts.running, counts.not_started) == (3, 1, 1, 1)


async def test_closing_the_hub_ends_its_readers(world: World, session: SessionView) -> None:
    async def read_all() -> None:
        async for _ in world.platform.live.follow(session.session.id, {}):
            pass

    reading = asyncio.create_task(read_all())
    await eventually(lambda: session.session.id in world.platform.live._readers)
    await world.platform.live.close()
    await asyncio.wait_for(reading, 5)


async def test_malformed_events_disturb_nobody(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    await world.platform.bus.publish(subjects.live(HERE, session.session.id, run_id), b"{not json")
    await publish(world, session, StageEntered(1, 1, Stage.TESTING))
    await eventually(lambda: world.platform.live.stage(run_id) == Stage.TESTING)


async def store_events(world: World, run_id: UUID, events: list[LiveEvent]) -> None:
    body = b"".join(LIVE_EVENT.dump_json(event) + b"\n" for event in events) + b'{"seq": 99, "cut'
    await accept_artifact(
        world.platform,
        run_id,
        token=world.tokens[run_id],
        name="events.ndjson",
        content_type="application/x-ndjson",
        chunks=chunks(body),
    )
    artifact = Artifact(
        name="events.ndjson",
        type="log",
        content_type="application/x-ndjson",
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )
    assert (await world.report(run_id, PASSED, artifacts=(artifact,))).accepted
