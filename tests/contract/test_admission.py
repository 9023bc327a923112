"""What a runner may do that has nothing but a location's key, on a real nats-server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import nats
import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from bellrock.engine.admission import Admission, AdmissionOptions
from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bellrock.engine.nkeys import Issuer
from bellrock.engine.port import BusError
from bellrock.wire import subjects

CELLAR, ATTIC = "cellar", "attic"
KEYS = {"pl_of_the_cellar": CELLAR, "pl_of_the_attic": ATTIC}
SOON_S = 5


@dataclass
class Site:
    """A server, the control plane's connection to it, and the keys that are valid."""

    server: EmbeddedNats
    control: NatsBus
    keys: dict[str, str]

    async def join(self, key: str, location: str) -> NatsBus:
        """A runner's bus."""
        return await NatsBus.connect(
            NatsOptions(
                self.server.url,
                location,
                key,
                inbox_prefix=subjects.inbox(location),
                ping_s=1,
                connect_s=SOON_S,
                makes_queues=False,
            )
        )

    async def bare(self, key: str) -> tuple[Client, list[str]]:
        """A client of somebody who has the key and means harm; and what it was refused."""
        refused: list[str] = []

        async def note(error: Exception) -> None:
            refused.append(str(error))

        client = await nats.connect(
            self.server.url,
            user="anybody",
            password=key,
            inbox_prefix=subjects.inbox(KEYS[key]),
            error_cb=note,
        )
        return client, refused


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    issuer = Issuer(b"0123456789abcdef0123456789abcdef")
    server = EmbeddedNats(EmbeddedNatsOptions(tmp_path / "nats", find_server(), issuer=issuer.public))
    await server.start()
    keys = dict(KEYS)

    async def location_of_key(key: str) -> str | None:
        return keys.get(key)

    admission = Admission(AdmissionOptions(server.url, server.user, server.token, issuer), location_of_key)
    await admission.open()
    control = await NatsBus.connect(NatsOptions(server.url, server.user, server.token, ping_s=1))
    for location in (CELLAR, ATTIC):
        await control.prepare_queue(location)
    yield Site(server, control, keys)
    await control.close()
    await admission.close()
    await server.stop()


async def test_a_runner_with_the_key_takes_offers_asks_and_hears(site: Site) -> None:
    heard: list[bytes] = []

    async def answer(subject: str, body: bytes) -> bytes:
        return f"{subject}: {body.decode()}".encode()

    async def note(_: str, body: bytes) -> None:
        heard.append(body)

    await site.control.subscribe("rpc.*.*", answer)
    await site.control.subscribe("live.>", note)
    runner = await site.join("pl_of_the_cellar", CELLAR)
    stop = await runner.subscribe(subjects.cancel(CELLAR, "run-1"), answer)
    await site.control.offer(CELLAR, b"run-1", message_id="1")
    offer = await runner.next_offer(CELLAR, timeout_s=SOON_S)
    assert offer is not None
    assert offer.body == b"run-1"
    await offer.ack()
    said = await runner.request(subjects.rpc("claim", CELLAR), b"run-1?", timeout_s=SOON_S)
    assert said == b"rpc.claim.cellar: run-1?"
    said = await site.control.request(subjects.cancel(CELLAR, "run-1"), b"stop", timeout_s=SOON_S)
    assert said == b"cancel.cellar.run-1: stop"
    await runner.publish(subjects.live(CELLAR, "session", "run-1"), b"an event")
    await eventually(lambda: heard == [b"an event"])
    await stop.close()
    await eventually_empty(site, CELLAR)
    await runner.close()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)  # between two looks


async def eventually_empty(site: Site, location: str) -> None:
    async with asyncio.timeout(SOON_S):
        while await site.control.pending_offers(location):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)  # between two looks


@pytest.mark.parametrize("key", ["", "pl_wrong", "pl_of_the_cella", "pl_of_the_cellar\x00"])
async def test_nobody_joins_without_a_key_that_is_valid(site: Site, key: str) -> None:
    with pytest.raises(BusError):
        await NatsBus.connect(
            NatsOptions(site.server.url, CELLAR, key or None, connect_s=1, makes_queues=False)
        )


async def test_a_revoked_key_opens_no_further_connection(site: Site) -> None:
    runner = await site.join("pl_of_the_cellar", CELLAR)
    await runner.close()
    del site.keys["pl_of_the_cellar"]
    with pytest.raises(BusError):
        await site.join("pl_of_the_cellar", CELLAR)


ATTIC_PULL = f"$JS.API.CONSUMER.MSG.NEXT.RUNS.{subjects.consumer(ATTIC)}"
PUBLISHES = {
    "another location's offers": ATTIC_PULL,
    "an acknowledgement of another location": f"$JS.ACK.RUNS.{subjects.consumer(ATTIC)}.1.1.1.1.0",
    "a claim of another location": subjects.rpc("claim", ATTIC),
    "a report of another location": subjects.rpc("report", ATTIC),
    "live events of another location": subjects.live(ATTIC, "session", "run"),
    "an offer": subjects.dispatch(CELLAR),
    "a cancel": subjects.cancel(CELLAR, "run"),
    "an announcement": subjects.announce("account", "session"),
    "another's inbox": f"{subjects.inbox(ATTIC)}.x",
    "the stream's messages": "$JS.API.STREAM.MSG.GET.RUNS",
    "the stream's deletion": "$JS.API.STREAM.DELETE.RUNS",
    "the stream's purge": "$JS.API.STREAM.PURGE.RUNS",
    "a consumer of its own": "$JS.API.CONSUMER.CREATE.RUNS",
    "the server's system": "$SYS.REQ.SERVER.PING",
    "who may connect": "$SYS.REQ.USER.AUTH",
}
HEARS = {
    "everything": ">",
    "offers": "runs.*",
    "another location's cancels": subjects.cancel(ATTIC, "*"),
    "another location's answers": f"{subjects.inbox(ATTIC)}.>",
    "the control plane's answers": "_INBOX.>",
    "all live events": "live.>",
    "its own live events": subjects.live_of(CELLAR),
    "questions to the control plane": "rpc.*.*",
    "announcements": "announce.>",
    "who may connect": "$SYS.REQ.USER.AUTH",
    "the server's events": "$SYS.>",
}


@pytest.mark.parametrize("what", list(PUBLISHES))
async def test_a_stolen_key_says_nothing_beyond_its_location(site: Site, what: str) -> None:
    client, refused = await site.bare("pl_of_the_cellar")
    heard: list[bytes] = []
    whole = await nats.connect(site.server.url, user=site.server.user, password=site.server.token)

    async def note(message: object) -> None:
        heard.append(b"something")

    subject = PUBLISHES[what]
    if not subject.startswith("$"):
        await whole.subscribe(subject, cb=note)
        await whole.flush()
    await client.publish(subject, b"{}", reply=f"{subjects.inbox(CELLAR)}.answer")
    await eventually(lambda: any("permissions violation" in each for each in refused))
    await whole.flush()
    assert heard == []
    await client.close()
    await whole.close()


@pytest.mark.parametrize("what", list(HEARS))
async def test_a_stolen_key_hears_nothing_beyond_its_location(site: Site, what: str) -> None:
    client, refused = await site.bare("pl_of_the_cellar")

    async def note(_: object) -> None: ...

    await client.subscribe(HEARS[what], cb=note)
    await eventually(lambda: any("permissions violation" in each for each in refused))
    await client.close()


# nats-py does not close the connection of a try that was refused: here until admission is back as well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_restart_of_the_server_is_survived(site: Site, tmp_path: Path) -> None:
    runner = await site.join("pl_of_the_cellar", CELLAR)
    pid = site.server.pid
    assert pid is not None
    renewed = asyncio.Event()

    async def note() -> None:
        renewed.set()

    runner.on_reconnect(note)
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        await renewed.wait()
    await site.control.offer(CELLAR, b"run-2", message_id="2")
    offer = None
    async with asyncio.timeout(30):
        while offer is None:
            offer = await runner.next_offer(CELLAR, timeout_s=1)
    assert offer.body == b"run-2"
    await runner.close()
