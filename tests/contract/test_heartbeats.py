"""Heartbeat monitors on both databases: pings, missed pings, and whoever comes first."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from bellrock.api.pings import PingFront
from bellrock.domain.errors import Conflict, NotFound
from bellrock.domain.heartbeats import MARK_AFTER_S, HeartbeatEvent, PingState
from bellrock.services.checks import create_check, delete_check, draft_of, update_check
from bellrock.services.heartbeat_monitors import (
    forget_old_events,
    get_availability,
    list_events,
    mark_missed,
)
from bellrock.services.pings import Pings, Reception
from bellrock.store.database import Database
from bellrock.store.tables import heartbeat_events, heartbeats
from tests.support.heartbeats import GRACE_S, PERIOD_S, create_monitor, draft_of_monitor
from tests.support.stepped_database import SteppedDatabase, go_on
from tests.unit.services.world import World, world_on

MISSED_S = PERIOD_S + GRACE_S + MARK_AFTER_S
ROUNDS = 10


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with world_on(database) as made:
        yield made


@dataclass(slots=True)
class Commits:
    count: int = 0


@contextmanager
def commits_of(world: World) -> Iterator[Commits]:
    commits, engine = Commits(), world.platform.database._writers.sync_engine

    def count(_: object) -> None:
        commits.count += 1

    event.listen(engine, "commit", count)
    yield commits
    event.remove(engine, "commit", count)


async def ping(world: World, token: str, pings: Pings | None = None) -> Reception:
    return await (pings or world.platform.pings).take(token, source="backup-1", user_agent="curl/8")


async def events(world: World, check_id: UUID) -> tuple[HeartbeatEvent, ...]:
    found, _ = await list_events(world.platform, world.owner, check_id)
    return found


async def states(world: World, check_id: UUID) -> list[PingState]:
    return [each.state for each in await events(world, check_id)][::-1]


async def timer(world: World, check_id: UUID) -> tuple[object, bool]:
    query = select(heartbeats.c.due_at, heartbeats.c.failing).where(heartbeats.c.check_id == check_id)
    async with world.platform.database.read() as connection:
        row = (await connection.execute(query)).one()
    return row.due_at, row.failing


def another_replica(world: World) -> Pings:
    return Pings(world.platform.database, world.clock, world.platform.measures)


async def test_an_answered_ping_is_kept_with_who_sent_it(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    assert await ping(world, token) is Reception.RECORDED
    (came,) = await events(world, check.id)
    assert came == HeartbeatEvent(
        came.id, check.id, PingState.RECEIVED, world.clock.now, "backup-1", "curl/8"
    )
    assert await timer(world, check.id) == (world.clock.now + timedelta(seconds=PERIOD_S), False)


async def test_pings_of_one_moment_share_a_few_transactions(world: World) -> None:
    monitors = [await create_monitor(world.platform, world.owner) for _ in range(20)]
    with commits_of(world) as commits:
        answers = await asyncio.gather(*(ping(world, token) for _ in range(10) for _, token in monitors))
    assert answers == [Reception.RECORDED] * 200
    assert commits.count <= 5
    for check, _ in monitors:
        assert await states(world, check.id) == [PingState.RECEIVED] + [PingState.EARLY] * 9


async def test_a_ping_whose_transaction_fails_is_not_answered_and_leaves_nothing(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    async with world.platform.database.write() as connection:
        await connection.execute(text("ALTER TABLE heartbeat_events RENAME TO elsewhere"))
    with pytest.raises(SQLAlchemyError):
        await ping(world, token)
    assert await timer(world, check.id) == (None, False)
    async with world.platform.database.write() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO heartbeat_events"))
    assert await ping(world, token) is Reception.RECORDED


async def test_a_ping_is_answered_only_after_its_commit(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    before_commit, may_commit = asyncio.Event(), asyncio.Event()

    async def hold(where: str) -> None:
        if where == "commit":
            before_commit.set()
            await may_commit.wait()

    stepped = SteppedDatabase(world.platform.database, hold)
    asked = asyncio.create_task(ping(world, token, Pings(stepped, world.clock, world.platform.measures)))
    await before_commit.wait()
    assert await events(world, check.id) == ()
    assert not asked.done()
    may_commit.set()
    assert await asked is Reception.RECORDED
    assert len(await events(world, check.id)) == 1


async def test_a_ping_whose_commit_fails_gets_503_and_is_asked_to_come_again(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)

    async def crash(where: str) -> None:
        if where == "commit":
            raise OSError("the disk is full")

    stepped = SteppedDatabase(world.platform.database, crash)
    pings = Pings(stepped, world.clock, world.platform.measures)
    front = PingFront(Response(status_code=418), pings=pings)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(front), base_url="http://here") as http:
        answer = await http.get(f"/ping/{token}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert await events(world, check.id) == ()
        stepped.step = go_on
        assert (await http.get(f"/ping/{token}")).status_code == 200


async def test_a_sender_that_does_not_wait_for_its_answer_has_pinged_all_the_same(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    assert await ping(world, token) is Reception.RECORDED
    hasty = asyncio.create_task(ping(world, token))
    patient = asyncio.create_task(ping(world, token))
    await asyncio.sleep(0)
    hasty.cancel()
    assert await patient is Reception.RECORDED
    assert len(await events(world, check.id)) == 3


async def test_a_token_is_unknown_until_its_monitor_is_there_and_known_from_then_on(world: World) -> None:
    token = str(uuid4())
    assert await ping(world, token) is Reception.UNKNOWN
    await create_monitor(world.platform, world.owner, token.upper())
    assert await ping(world, token) is Reception.RECORDED


async def test_an_unknown_token_takes_no_writer(world: World) -> None:
    with commits_of(world) as commits:
        await asyncio.gather(*(ping(world, str(uuid4())) for _ in range(20)))
    assert commits.count == 0


async def test_the_token_of_a_deleted_monitor_is_unknown_also_to_who_remembers_it(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    assert await ping(world, token) is Reception.RECORDED
    await delete_check(world.platform, world.owner, check.id)
    assert [await ping(world, token) for _ in range(2)] == [Reception.UNKNOWN] * 2
    async with world.platform.database.read() as connection:
        assert (await connection.execute(select(heartbeat_events))).all() == []


async def test_a_monitor_with_a_new_token_has_left_the_old_one(world: World) -> None:
    check, old = await create_monitor(world.platform, world.owner)
    assert await ping(world, old) is Reception.RECORDED
    new = str(uuid4())
    await update_check(world.platform, world.owner, check.id, change=lambda _: draft_of_monitor(new))
    assert await ping(world, old) is Reception.UNKNOWN
    assert await ping(world, new) is Reception.RECORDED
    other, _ = await create_monitor(world.platform, world.owner, old)
    assert await ping(world, old) is Reception.RECORDED
    assert len(await events(world, other.id)) == 1


async def test_a_token_belongs_to_one_monitor(world: World) -> None:
    _, token = await create_monitor(world.platform, world.owner)
    with pytest.raises(Conflict, match=r"heartbeat\.pingToken"):
        await create_check(world.platform, world.owner, draft_of_monitor(token))
    other, _ = await create_monitor(world.platform, world.owner)
    draft = draft_of_monitor(token.upper())
    with pytest.raises(Conflict, match=r"heartbeat\.pingToken"):
        await update_check(world.platform, world.owner, other.id, change=lambda _: draft)


async def test_a_deactivated_monitor_takes_no_ping_and_misses_none(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    await ping(world, token)
    off = replace(draft_of(check), activated=False)
    await update_check(world.platform, world.owner, check.id, change=lambda _: off)
    world.clock.advance(MISSED_S)
    assert await mark_missed(world.platform) == 0
    assert await ping(world, token) is Reception.DEACTIVATED
    assert await states(world, check.id) == [PingState.RECEIVED]
    await update_check(world.platform, world.owner, check.id, change=lambda _: draft_of(check))
    world.clock.advance(MISSED_S)
    assert await mark_missed(world.platform) == 1


async def test_a_missed_ping_is_marked_once_per_period_and_looking_writes_nothing(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    with commits_of(world) as commits:
        world.clock.advance(10 * MISSED_S)
        assert await mark_missed(world.platform) == 0
    assert commits.count == 0
    await ping(world, token)
    world.clock.advance(MISSED_S)
    assert [await mark_missed(world.platform) for _ in range(3)] == [1, 0, 0]
    world.clock.advance(MISSED_S)
    assert await mark_missed(world.platform) == 1
    assert await states(world, check.id) == [PingState.RECEIVED, PingState.FAILING, PingState.FAILING]
    assert (await timer(world, check.id))[1]
    await ping(world, token)
    assert not (await timer(world, check.id))[1]


async def test_replicas_that_look_at_the_same_moment_mark_a_missed_ping_once(world: World) -> None:
    monitors = [await create_monitor(world.platform, world.owner) for _ in range(10)]
    await asyncio.gather(*(ping(world, token) for _, token in monitors))
    world.clock.advance(MISSED_S)
    await asyncio.wait_for(asyncio.gather(*(mark_missed(world.platform) for _ in range(4))), 30)
    for check, _ in monitors:
        assert await states(world, check.id) == [PingState.RECEIVED, PingState.FAILING]


async def test_a_ping_at_the_moment_of_its_marking_comes_before_or_after_it(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    await ping(world, token)
    for _ in range(ROUNDS):
        before = len(await all_states(world, check.id))
        world.clock.advance(MISSED_S)
        await asyncio.wait_for(asyncio.gather(ping(world, token), mark_missed(world.platform)), 30)
        new = (await all_states(world, check.id))[before:]
        assert new in ([PingState.LATE], [PingState.FAILING, PingState.EARLY])
        assert await timer(world, check.id) == (world.clock.now + timedelta(seconds=PERIOD_S), False)


async def all_states(world: World, check_id: UUID) -> list[PingState]:
    query = select(heartbeat_events.c.state).where(heartbeat_events.c.check_id == check_id)
    async with world.platform.database.read() as connection:
        return list((await connection.execute(query.order_by(heartbeat_events.c.id))).scalars())


async def test_replicas_take_pings_of_the_same_monitors_without_waiting_for_each_other_forever(
    world: World,
) -> None:
    monitors = [await create_monitor(world.platform, world.owner) for _ in range(10)]
    replicas = [another_replica(world) for _ in range(3)]
    sent = [
        ping(world, token, replica)
        for number, replica in enumerate(replicas)
        for _, token in (monitors if number % 2 else monitors[::-1]) * 5
    ]
    assert set(await asyncio.wait_for(asyncio.gather(*sent), 30)) == {Reception.RECORDED}
    for check, _ in monitors:
        assert len(await all_states(world, check.id)) == 15


async def test_availability_is_the_share_of_pings_that_came_now_and_in_the_period_before(
    world: World,
) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    begun = world.clock.now
    world.clock.advance(1)
    await ping(world, token)
    world.clock.advance(MISSED_S)
    await mark_missed(world.platform)
    half = world.clock.now + timedelta(seconds=1)
    world.clock.advance(2)
    for _ in range(2):
        await ping(world, token)
    world.clock.advance(MISSED_S)
    await mark_missed(world.platform)
    found = await get_availability(
        world.platform, world.owner, check.id, from_at=half, to_at=half + (half - begun)
    )
    assert (found.current_percent, found.previous_percent, found.events) == (66.667, 50.0, 3)
    whole = await get_availability(world.platform, world.owner, check.id)
    assert (whole.current_percent, whole.previous_percent, whole.events) == (60.0, None, 5)


async def test_events_are_forgotten_when_they_are_old_the_oldest_first(world: World) -> None:
    check, token = await create_monitor(world.platform, world.owner)
    for _ in range(3):
        await ping(world, token)
        world.clock.advance(86_400)
    assert await forget_old_events(world.platform) == 0
    world.clock.advance(86_400 * 89)
    assert [await forget_old_events(world.platform) for _ in range(2)] == [2, 0]
    assert len(await events(world, check.id)) == 1


async def test_monitors_and_events_of_others_are_not_found(world: World) -> None:
    suite = await world.suite()
    for check_id in (suite.id, uuid4()):
        with pytest.raises(NotFound):
            await list_events(world.platform, world.owner, check_id)
