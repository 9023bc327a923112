"""A control plane as `bellrock dev` composes it, but without a runner: tests play the runner.

Real nats-server, SQLite in a file, artifacts in a folder, control loops, and HTTP on a free port.
It lives in a thread with an event loop of its own, so that a test's client is a real client and
synchronous tests (a browser's) work as well.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI

from bellrock.api.app import create_app
from bellrock.api.config import ApiConfig
from bellrock.api.rate_limit import RateLimits
from bellrock.artifacts.store import folder_store
from bellrock.domain.access import Principal
from bellrock.engine.embedded import USER, EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bellrock.services import accounts
from bellrock.services.loops import run_loops
from bellrock.services.platform import ControlSettings, Platform, create_platform
from bellrock.store.database import open_database
from bellrock.store.vault import open_vault

Result = TypeVar("Result")

_START_S = 30.0
_PATIENT = RateLimits(bad_keys=100_000)  # every test is the same address
_STOP_S = 15.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How to compose the server. ``extend`` adds to the application (the pages, for browser tests)."""

    api: ApiConfig = field(default_factory=lambda: ApiConfig(keep_alive_s=1.0, rate_limits=_PATIENT))
    control: ControlSettings = field(default_factory=ControlSettings)
    extend: Callable[[FastAPI, Platform], None] | None = None


@dataclass(frozen=True, slots=True)
class TestAccount:
    """An account of its own for one test, with the key of its owner."""

    __test__ = False

    id: UUID
    key: str


class RunningServer:
    """The server, from `start` to `stop`."""

    def __init__(self, folder: Path, options: ServerOptions | None = None) -> None:
        self.folder = folder
        self.options = options or ServerOptions()
        # Bound at once: a port that is only looked up may be somebody else's by the time it is needed.
        self._listening = socket.create_server(("127.0.0.1", 0))
        # As the real server does: without it an answer's body waits 40 ms for its head.
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = int(self._listening.getsockname()[1])
        self.nats_url = ""
        self.nats_token = ""
        self._platform: Platform | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready: Future[None] = Future()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=f"server-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def platform(self) -> Platform:
        """Its parts. Use them with `call`: they belong to the server's event loop."""
        assert self._platform is not None
        return self._platform

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._thread.start()
        self._ready.result(_START_S)

    def stop(self) -> None:
        """Stop it, and everything it started."""
        if self._loop and self._stop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STOP_S)
        assert not self._thread.is_alive(), "the server did not stop"

    async def call(self, make: Callable[[Platform], Awaitable[Result]]) -> Result:
        """Await something inside the server, from a test's own event loop."""
        assert self._loop is not None

        async def inside() -> Result:
            return await make(self.platform)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(inside(), self._loop))

    def call_now(self, make: Callable[[Platform], Awaitable[Result]]) -> Result:
        """The same, from a test without an event loop."""
        assert self._loop is not None

        async def inside() -> Result:
            return await make(self.platform)

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(_START_S)

    async def new_account(self) -> TestAccount:
        """An account that no other test uses, so that lists and rate limits are its own."""
        account, key = uuid4(), f"cu_{uuid4().hex}"
        await self.call(
            lambda platform: accounts.ensure_first_account(platform, account_id=account, api_key=key)
        )
        return TestAccount(account, key)

    async def principal_of(self, account: TestAccount | None) -> Principal:
        """Who the account's key acts for, to use a service as something else than the API would."""
        assert account is not None
        return await self.call(lambda platform: accounts.authenticate(platform, account.key, None))

    async def connect_bus(self) -> NatsBus:
        """A connection of one's own to the server's NATS, as a runner has it."""
        return await NatsBus.connect(NatsOptions(self.nats_url, USER, self.nats_token))

    # --- inside the thread --------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._parts() as platform, _loops(platform):
            self._platform = platform
            app = create_app(platform, self.options.api)
            if self.options.extend:
                self.options.extend(app, platform)
            config = uvicorn.Config(
                app,
                log_level="warning",
                lifespan="on",
                timeout_graceful_shutdown=1,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server._serve([self._listening]))
            while not server.started:
                if serving.done():
                    await serving  # which says why
                await asyncio.sleep(0.01)
            self._ready.set_result(None)
            await self._stop.wait()
            await platform.live.close()
            server.should_exit = True
            await serving

    @asynccontextmanager
    async def _parts(self) -> AsyncIterator[Platform]:
        nats = EmbeddedNats(EmbeddedNatsOptions(folder=self.folder / "nats", program=find_server()))
        await nats.start()
        self.nats_url, self.nats_token = nats.url, nats.token
        database = await open_database(f"sqlite:///{self.folder / 'bellrock.sqlite'}")
        bus = await NatsBus.connect(NatsOptions(nats.url, nats.user, nats.token))
        platform = create_platform(
            database,
            bus,
            artifacts=folder_store(self.folder / "artifacts"),
            vault=open_vault(self.folder / "key"),
            settings=replace(self.options.control, control_url=self.url),
        )
        await platform.live.start()
        try:
            yield platform
        finally:
            await bus.close()
            await database.close()
            await nats.stop()


@asynccontextmanager
async def _loops(platform: Platform) -> AsyncIterator[None]:
    started = asyncio.Event()
    task = asyncio.create_task(run_loops(platform, started=started))
    try:
        await asyncio.wait_for(started.wait(), _START_S)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
