"""A control plane that can die between any two steps, and be started anew over the same database and bus.

The services, the store, SQLite and the in-memory bus are the real ones; only the moment of death is ours.
"""

import asyncio
import atexit
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import delete

from bellrock.artifacts.store import ArtifactStore
from bellrock.domain.access import Principal
from bellrock.engine.memory_bus import MemoryBroker, MemoryBus
from bellrock.services.loops import in_touch_with_runners
from bellrock.services.platform import Platform, create_platform
from bellrock.store.database import open_database
from bellrock.store.tables import outbox, runners, sessions
from bellrock.store.vault import Vault
from tests.support.inline_sqlite import run_inline
from tests.support.stepped_database import SteppedDatabase, go_on
from tests.unit.services.world import HERE, THERE, Clock, world_on

Value = TypeVar("Value")


class Crash(BaseException):
    """The control plane's process ended here."""


Doom = int | str
"""After so many more steps, or at the next step of that name."""


@dataclass(slots=True)
class Life:
    """The control plane lives on as it likes without a ``doom``."""

    doom: Doom | None = None
    is_over: bool = False

    async def step(self, where: str) -> None:
        if self.doom in (0, where):
            self.is_over = True
        if self.is_over:  # what else was going on in the process ends with it
            raise Crash(where)
        if isinstance(self.doom, int):
            self.doom -= 1


class MortalBus(MemoryBus):
    """The control plane's connection: it may die before it sends, and after."""

    def __init__(self, broker: MemoryBroker, life: Life) -> None:
        super().__init__(broker)
        self._life = life

    async def publish(self, subject: str, body: bytes) -> None:
        await self._life.step("publish")
        await super().publish(subject, body)
        await self._life.step("published")

    async def request(self, subject: str, body: bytes, *, timeout_s: float) -> bytes:
        await self._life.step("request")
        answer = await super().request(subject, body, timeout_s=timeout_s)
        await self._life.step("answered")
        return answer

    async def offer(self, location: str, body: bytes, *, message_id: str) -> None:
        await self._life.step("offer")
        await super().offer(location, body, message_id=message_id)
        await self._life.step("offered")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What a service returned to somebody who was still there to hear it."""

    value: Value


@dataclass(frozen=True, slots=True)
class Ground:
    """What outlives every control plane, made once per process: a database with checks, keys, files."""

    database: SteppedDatabase
    owner: Principal
    artifacts: ArtifactStore
    vault: Vault
    suite: UUID
    suite_in_two_places: UUID
    url_monitor: UUID


@dataclass(slots=True)
class ControlPlane:
    """One life of the control plane."""

    platform: Platform
    life: Life
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)


@cache
def ground() -> Ground:
    """The ground of this process. SQLite lies in memory where the system has a folder for that."""
    memory = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(prefix="bellrock-crash-", dir=memory if memory.is_dir() else None)
    atexit.register(folder.cleanup)
    return asyncio.run(_make_ground(Path(folder.name)))


async def _make_ground(folder: Path) -> Ground:
    plain = await open_database(f"sqlite:///{folder / 'bellrock.sqlite'}")
    await run_inline(plain)
    database = SteppedDatabase(plain)
    async with world_on(database) as world:
        made = Ground(
            database,
            world.owner,
            artifacts=world.platform.artifacts,
            vault=world.platform.vault,
            suite=(await world.suite("shop", HERE)).id,
            suite_in_two_places=(await world.suite("basket", HERE, THERE)).id,
            url_monitor=(await world.url_monitor()).id,
        )
    await database.close()
    return made


class CrashWorld:
    """One example's world: its own event loop, clock and bus, over the cleared ground."""

    def __init__(self) -> None:
        self.ground = ground()
        self.clock = Clock()
        self.plane: ControlPlane | None = None
        self._loop = asyncio.new_event_loop()
        # What nobody acknowledged can be taken again at once: the model's clock is not the broker's.
        self.broker = MemoryBroker(ack_wait_s=0)
        self.run(self._clear())

    def run(self, doing: Coroutine[Any, Any, Value]) -> Value:
        """Wait for something that is not the control plane's: nothing can crash it."""
        return self._loop.run_until_complete(doing)

    def attempt(self, action: Callable[[Platform], Awaitable[Value]]) -> Answer[Value] | None:
        """Let the control plane do something: its answer, or None if it died before it gave one."""
        plane = self.plane
        assert plane is not None

        async def act() -> Value:
            return await action(plane.platform)

        return self._unless_it_dies(plane, act())

    def start(self, *, doom: Doom | None = None, loses_messages: bool = False) -> bool:
        """Begin a new life, as after a start of the process. False: it died while it started."""
        assert self.plane is None
        if loses_messages:
            self.broker.queues.clear()
            self.broker.seen_ids.clear()
        life = Life(doom)
        platform = create_platform(
            self.ground.database,
            MortalBus(self.broker, life),
            artifacts=self.ground.artifacts,
            vault=self.ground.vault,
            clock=self.clock,
        )
        self.plane = plane = ControlPlane(platform, life)
        return self._unless_it_dies(plane, _open(plane)) is not None

    def die(self) -> None:
        """End the control plane's life between two actions."""
        if self.plane is not None:
            plane, self.plane = self.plane, None
            plane.life.is_over = True
            self.run(_bury(plane))

    def close(self) -> None:
        self.die()
        self.run(self.ground.database.close())
        self.run(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _unless_it_dies(self, plane: ControlPlane, doing: Coroutine[Any, Any, Value]) -> Answer[Value] | None:
        self.ground.database.step = plane.life.step
        try:
            return Answer(self.run(doing))
        except Crash:
            self.die()
            return None
        finally:
            self.ground.database.step = go_on

    async def _clear(self) -> None:
        async with self.ground.database.write() as connection:
            for table in (outbox, runners, sessions):
                await connection.execute(delete(table))


async def _open(plane: ControlPlane) -> None:
    plane.closing.push_async_callback(plane.platform.bus.close)
    await plane.platform.live.start()
    await plane.closing.enter_async_context(in_touch_with_runners(plane.platform))


async def _bury(plane: ControlPlane) -> None:
    """Nothing of a dead process goes on, and its connection is gone."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await plane.closing.aclose()
