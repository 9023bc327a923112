"""The bus's promises, held by NATS with a real server and by the in-memory double alike."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.engine.memory_bus import MemoryBroker, MemoryBus
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bellrock.engine.port import Bus, BusError, NobodyListening, TooLarge

ACK_WAIT_S = 1.0


@dataclass(frozen=True)
class Rig:
    """A server of either kind: how to connect to it, and how to lose and regain it."""

    connect: Callable[[], Awaitable[Bus]]
    break_down: Callable[[], Awaitable[None]]
    come_back: Callable[[], Awaitable[None]]


@pytest.fixture(params=["memory", "nats"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    buses: list[Bus] = []
    if request.param == "memory":
        broker = MemoryBroker(ack_wait_s=ACK_WAIT_S)

        async def connect_memory() -> Bus:
            buses.append(MemoryBus(broker))
            return buses[-1]

        yield Rig(connect_memory, broker.cut, broker.restore)
    else:
        server = EmbeddedNats(EmbeddedNatsOptions(tmp_path / "nats", find_server()))
        await server.start()
        options = NatsOptions(server.url, server.user, server.token, ping_s=1, ack_wait_s=ACK_WAIT_S)

        async def connect_nats() -> Bus:
            buses.append(await NatsBus.connect(options))
            return buses[-1]

        async def kill() -> None:
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            await until(lambda: all(not bus.is_connected for bus in buses))

        async def come_back() -> None:
            await until(lambda: all(bus.is_connected for bus in buses))

        yield Rig(connect_nats, kill, come_back)
        for bus in buses:
            await bus.close()
        await server.stop()
        return
    for bus in buses:
        await bus.close()


async def until(condition: Callable[[], bool], *, timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the condition is another object's state
            await asyncio.sleep(0.005)


def new_location() -> str:
    return f"place-{uuid4().hex[:8]}"


async def echo(subject: str, body: bytes) -> bytes:
    return subject.encode() + b"|" + body


async def test_a_request_is_answered_by_its_subscriber(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()
    await answerer.subscribe("rpc.claim.*", echo)
    assert await asker.request("rpc.claim.eu", b"x", timeout_s=2) == b"rpc.claim.eu|x"


async def test_who_has_subscribed_is_found_at_once(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()
    for number in range(200):
        await answerer.subscribe(f"rpc.at.{number}", echo)
        await asker.request(f"rpc.at.{number}", b"", timeout_s=2)


async def test_a_request_that_nobody_listens_to_fails_at_once(rig: Rig) -> None:
    asker = await rig.connect()
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(NobodyListening):
        await asker.request(f"cancel.eu.{uuid4()}", b"", timeout_s=10)
    assert loop.time() - start < 2


async def test_a_request_without_an_answer_ends_at_its_deadline(rig: Rig) -> None:
    asker, silent = await rig.connect(), await rig.connect()

    async def never(subject: str, body: bytes) -> None:
        return None

    await silent.subscribe("rpc.slow", never)
    with pytest.raises(TimeoutError):
        await asker.request("rpc.slow", b"", timeout_s=0.2)


async def test_a_message_that_is_too_large_is_refused_at_once_and_one_that_fits_is_carried(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()

    async def count(_subject: str, body: bytes) -> bytes:
        return str(len(body)).encode()

    await answerer.subscribe("rpc.large", count)
    largest = bytes(asker.most_bytes)
    assert await asker.request("rpc.large", largest, timeout_s=5) == str(len(largest)).encode()
    with pytest.raises(TooLarge):
        await asker.request("rpc.large", largest + b"x", timeout_s=5)
    with pytest.raises(TooLarge):
        await asker.publish("rpc.large", largest + b"x")


async def test_of_a_queue_group_one_member_gets_each_message(rig: Rig) -> None:
    asker, first, second = await rig.connect(), await rig.connect(), await rig.connect()
    got: list[bytes] = []

    async def take(subject: str, body: bytes) -> bytes:
        got.append(body)
        return b"ok"

    await first.subscribe("rpc.report.*", take, queue="control")
    await second.subscribe("rpc.report.*", take, queue="control")
    for number in range(20):
        await asker.request("rpc.report.eu", str(number).encode(), timeout_s=2)
    assert sorted(got) == sorted(str(number).encode() for number in range(20))


async def test_a_publication_reaches_every_subscriber(rig: Rig) -> None:
    publisher, first, second = await rig.connect(), await rig.connect(), await rig.connect()
    got: list[str] = []

    async def note(subject: str, body: bytes) -> None:
        got.append(subject)

    await first.subscribe("live.>", note)
    await second.subscribe("live.s1.*", note)
    await publisher.publish("live.s1.r1", b"")
    await publisher.publish("live.s2.r1", b"")
    await until(lambda: len(got) == 3)
    assert sorted(got) == ["live.s1.r1", "live.s1.r1", "live.s2.r1"]


async def test_a_closed_subscription_gets_nothing_more(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()
    subscription = await answerer.subscribe("rpc.hello.eu", echo)
    await asker.request("rpc.hello.eu", b"", timeout_s=2)
    await subscription.close()
    await subscription.close()
    await answerer.check(timeout_s=2)
    with pytest.raises(NobodyListening):
        await asker.request("rpc.hello.eu", b"", timeout_s=2)


async def test_a_slow_message_holds_up_no_other(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()
    release = asyncio.Event()

    async def slow_once(subject: str, body: bytes) -> bytes:
        if body == b"slow":
            await release.wait()
        return body

    await answerer.subscribe("rpc.x", slow_once)
    slow = asyncio.create_task(asker.request("rpc.x", b"slow", timeout_s=10))
    await asyncio.sleep(0)
    assert await asker.request("rpc.x", b"fast", timeout_s=5) == b"fast"
    release.set()
    assert await slow == b"slow"


async def test_a_failing_handler_ends_no_subscription(rig: Rig) -> None:
    asker, answerer = await rig.connect(), await rig.connect()

    async def fail_on_bad(subject: str, body: bytes) -> bytes:
        if body == b"bad":
            raise ValueError("bad")
        return b"ok"

    await answerer.subscribe("rpc.y", fail_on_bad)
    with pytest.raises(TimeoutError):
        await asker.request("rpc.y", b"bad", timeout_s=0.2)
    assert await asker.request("rpc.y", b"good", timeout_s=2) == b"ok"


async def test_an_offer_is_taken_once_and_gone_when_acknowledged(rig: Rig) -> None:
    control, runner = await rig.connect(), await rig.connect()
    location = new_location()
    await control.offer(location, b"run-1", message_id="1")
    offer = await runner.next_offer(location, timeout_s=5)
    assert offer is not None
    assert (offer.body, offer.deliveries) == (b"run-1", 1)
    assert await runner.next_offer(location, timeout_s=0.2) is None
    await offer.ack()
    await runner.check(timeout_s=2)
    assert await control.pending_offers(location) == 0


async def test_an_unacknowledged_offer_comes_again(rig: Rig) -> None:
    control, lost, other = await rig.connect(), await rig.connect(), await rig.connect()
    location = new_location()
    await control.offer(location, b"run-1", message_id="1")
    first = await lost.next_offer(location, timeout_s=5)
    again = await other.next_offer(location, timeout_s=10)
    assert first is not None
    assert again is not None
    assert (again.body, again.deliveries) == (b"run-1", 2)
    assert await control.pending_offers(location) == 1


async def test_a_waiting_runner_gets_an_offer_when_it_is_made(rig: Rig) -> None:
    control, runner = await rig.connect(), await rig.connect()
    location = new_location()
    waiting = asyncio.create_task(runner.next_offer(location, timeout_s=10))
    await asyncio.sleep(0)
    await control.offer(location, b"run-1", message_id="1")
    offer = await waiting
    assert offer is not None
    assert offer.body == b"run-1"


async def test_an_offer_with_a_known_id_is_not_stored_twice(rig: Rig) -> None:
    control = await rig.connect()
    location = new_location()
    for _ in range(3):
        await control.offer(location, b"run-1", message_id="same")
    assert await control.pending_offers(location) == 1


async def test_locations_do_not_see_each_others_offers(rig: Rig) -> None:
    control, runner = await rig.connect(), await rig.connect()
    here, there = new_location(), new_location()
    await control.offer(there, b"run-1", message_id="1")
    assert await runner.next_offer(here, timeout_s=0.2) is None


async def test_offers_and_subscriptions_survive_the_loss_of_the_server(rig: Rig) -> None:
    control, runner = await rig.connect(), await rig.connect()
    location = new_location()
    renewed = asyncio.Event()

    async def note() -> None:
        renewed.set()

    runner.on_reconnect(note)
    await runner.subscribe("cancel.eu.r1", echo)
    await control.offer(location, b"run-1", message_id="1")
    await rig.break_down()
    with pytest.raises(BusError):
        await control.publish("live.a.b", b"")
    await rig.come_back()
    await asyncio.wait_for(renewed.wait(), 10)
    offer = await runner.next_offer(location, timeout_s=10)
    assert offer is not None
    assert offer.body == b"run-1"
    await offer.ack()
    assert await control.request("cancel.eu.r1", b"now", timeout_s=5) == b"cancel.eu.r1|now"
    await control.offer(location, b"run-2", message_id="2")
    later = await runner.next_offer(location, timeout_s=10)
    assert later is not None
    assert later.body == b"run-2"


async def test_a_wait_for_offers_ends_when_the_connection_is_renewed(rig: Rig) -> None:
    runner = await rig.connect()
    location = new_location()
    await runner.next_offer(location, timeout_s=0.05)
    waiting = asyncio.create_task(runner.next_offer(location, timeout_s=60))
    await asyncio.sleep(0)
    await rig.break_down()
    await rig.come_back()
    assert await asyncio.wait_for(waiting, 10) is None


async def test_a_closed_bus_refuses_everything(rig: Rig) -> None:
    bus = await rig.connect()
    await bus.close()
    with pytest.raises(BusError):
        await bus.publish("live.a.b", b"")
    with pytest.raises(BusError):
        await bus.next_offer("eu", timeout_s=1)
    with pytest.raises(BusError):
        await bus.check(timeout_s=1)
