"""The bus inside one process: the same rules without a server, for tests of what stands on it.

A broker holds queues and subscriptions; each `MemoryBus` is one connection to it. The contract
tests hold this and the NATS bus to the same behaviour.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count

import structlog

from bellrock.engine.port import BusError, Handler, NobodyListening, ReconnectCallback, TooLarge
from bellrock.wire import subjects

log = structlog.get_logger(__name__)

MOST_BYTES = 1024**2
"""As NATS has it where nobody says otherwise."""


@dataclass(slots=True, eq=False)
class _Queued:
    body: bytes
    deliveries: int = 0
    invisible_until: float = 0.0


@dataclass(slots=True, eq=False)
class _Interest:
    pattern: tuple[str, ...]
    handler: Handler
    queue: str | None
    bus: "MemoryBus"


@dataclass(slots=True)
class MemoryBroker:
    """What a server would hold: the work queues and who subscribes to what."""

    ack_wait_s: float = 15.0
    queues: dict[str, deque[_Queued]] = field(default_factory=dict)
    seen_ids: set[str] = field(default_factory=set)
    interests: list[_Interest] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    connections: list["MemoryBus"] = field(default_factory=list)
    turn: "count[int]" = field(default_factory=count)

    def receivers(self, subject: str) -> list[_Interest]:
        """Who gets a message: every subscription without a queue, one per queue group in turn."""
        matching = [i for i in self.interests if _matches(i.pattern, subject) and i.bus.is_connected]
        groups: dict[str, list[_Interest]] = {}
        for interest in matching:
            if interest.queue:
                groups.setdefault(interest.queue, []).append(interest)
        chosen = [i for i in matching if not i.queue]
        return chosen + [members[next(self.turn) % len(members)] for members in groups.values()]

    async def cut(self) -> None:
        """Lose every connection, as when a server dies. What was stored stays."""
        for bus in self.connections:
            bus.lose_connection()
        async with self.changed:
            self.changed.notify_all()

    async def restore(self) -> None:
        """Let every connection find its way back."""
        for bus in tuple(self.connections):
            await bus.renew_connection()
        async with self.changed:
            self.changed.notify_all()


def _refuse_large(subject: str, body: bytes) -> None:
    if len(body) > MOST_BYTES:
        raise TooLarge(f"{len(body)} bytes are too many for {subject}")


def _matches(pattern: tuple[str, ...], subject: str) -> bool:
    tokens = subject.split(".")
    if pattern[-1] == ">":
        head = pattern[:-1]
        return len(tokens) > len(head) and all(p in ("*", t) for p, t in zip(head, tokens, strict=False))
    return len(pattern) == len(tokens) and all(p in ("*", t) for p, t in zip(pattern, tokens, strict=True))


class MemoryBus:
    """`bellrock.engine.port.Bus` over a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._connected = True
        self._connection = 1
        self._closed = False
        self._callbacks: list[ReconnectCallback] = []
        self._tasks: set[asyncio.Task[bytes | None]] = set()
        broker.connections.append(self)

    @property
    def is_connected(self) -> bool:
        return self._connected and not self._closed

    @property
    def most_bytes(self) -> int:
        return MOST_BYTES

    def on_reconnect(self, callback: ReconnectCallback) -> None:
        self._callbacks.append(callback)

    def lose_connection(self) -> None:
        """What `MemoryBroker.cut` does to each connection."""
        self._connected = False

    async def renew_connection(self) -> None:
        """What `MemoryBroker.restore` does to each connection."""
        self._connected = True
        self._connection += 1
        for callback in self._callbacks:
            await callback()

    async def publish(self, subject: str, body: bytes) -> None:
        self._require_connection()
        _refuse_large(subject, body)
        for interest in self._broker.receivers(subject):
            interest.bus.spawn(interest.handler, subject, body)

    async def request(self, subject: str, body: bytes, *, timeout_s: float) -> bytes:
        self._require_connection()
        _refuse_large(subject, body)
        receivers = self._broker.receivers(subject)
        if not receivers:
            raise NobodyListening(f"nobody listens on {subject}")
        tasks = {interest.bus.spawn(interest.handler, subject, body) for interest in receivers}
        deadline = time.monotonic() + timeout_s
        while tasks:
            left_s = deadline - time.monotonic()
            done, tasks = await asyncio.wait(
                tasks, timeout=max(left_s, 0), return_when=asyncio.FIRST_COMPLETED
            )
            given = (task.result() for task in done if not task.cancelled())
            answers = [answer for answer in given if answer is not None and len(answer) <= MOST_BYTES]
            if answers:
                return answers[0]
            if not done:
                break
        await asyncio.sleep(max(deadline - time.monotonic(), 0))  # an asker cannot know that none will come
        raise TimeoutError(f"no answer on {subject} within {timeout_s:g} s")

    async def subscribe(self, subject: str, handler: Handler, *, queue: str | None = None) -> "_Subscription":
        self._require_connection()
        interest = _Interest(tuple(subject.split(".")), handler, queue, self)
        self._broker.interests.append(interest)
        return _Subscription(self._broker, interest)

    async def offer(self, location: str, body: bytes, *, message_id: str) -> None:
        subject = subjects.dispatch(location)
        self._require_connection()
        if message_id in self._broker.seen_ids:
            return
        self._broker.seen_ids.add(message_id)
        self._broker.queues.setdefault(subject, deque()).append(_Queued(body))
        async with self._broker.changed:
            self._broker.changed.notify_all()

    async def prepare_queue(self, location: str) -> None:
        """There always is one."""

    async def next_offer(self, location: str, *, timeout_s: float) -> "_Offer | None":
        subject = subjects.dispatch(location)
        deadline = time.monotonic() + timeout_s
        connection = self._connection
        while True:
            if self._closed:
                raise BusError("the bus is closed")
            now = time.monotonic()
            if self._connection != connection:
                return None
            taken = self._take(subject, now) if self._connected else None
            if taken:
                return taken
            if now >= deadline:
                return None
            wait_s = min(deadline - now, self._until_visible(subject, now))
            try:
                async with asyncio.timeout(wait_s), self._broker.changed:
                    await self._broker.changed.wait()
            except TimeoutError:
                continue

    def _take(self, subject: str, now: float) -> "_Offer | None":
        queue = self._broker.queues.get(subject, deque())
        for queued in queue:
            if queued.invisible_until <= now:
                queued.deliveries += 1
                queued.invisible_until = now + self._broker.ack_wait_s
                return _Offer(queue, queued)
        return None

    def _until_visible(self, subject: str, now: float) -> float:
        waits = [q.invisible_until - now for q in self._broker.queues.get(subject, ())]
        return max(min(waits, default=1.0), 0.001)

    async def pending_offers(self, location: str) -> int:
        self._require_connection()
        return len(self._broker.queues.get(subjects.dispatch(location), ()))

    async def check(self, *, timeout_s: float) -> None:
        del timeout_s  # there is nothing to wait for
        self._require_connection()

    async def close(self) -> None:
        self._closed = True
        self._broker.interests[:] = [i for i in self._broker.interests if i.bus is not self]
        if self in self._broker.connections:
            self._broker.connections.remove(self)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._broker.changed:
            self._broker.changed.notify_all()

    def spawn(self, handler: Handler, subject: str, body: bytes) -> "asyncio.Task[bytes | None]":
        """Handle a message in a task of this connection."""
        task = asyncio.ensure_future(_handle(handler, subject, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _require_connection(self) -> None:
        if not self.is_connected:
            raise BusError("not connected")


class _Subscription:
    def __init__(self, broker: MemoryBroker, interest: _Interest) -> None:
        self._broker = broker
        self._interest = interest

    async def close(self) -> None:
        if self._interest in self._broker.interests:
            self._broker.interests.remove(self._interest)


class _Offer:
    def __init__(self, queue: deque[_Queued], queued: _Queued) -> None:
        self._queue = queue
        self._queued = queued

    @property
    def body(self) -> bytes:
        return self._queued.body

    @property
    def deliveries(self) -> int:
        return self._queued.deliveries

    async def ack(self) -> None:
        if self._queued in self._queue:
            self._queue.remove(self._queued)


async def _handle(handler: Handler, subject: str, body: bytes) -> bytes | None:
    try:
        return await handler(subject, body)
    except Exception:  # supervisor of handlers: one bad message must not end the subscription
        log.exception("bus.handler_failed", subject=subject)
        return None
