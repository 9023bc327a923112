"""The bus over NATS: how core messages and the RUNS work queue are used, and nats-py's edges filed off.

The edges: `fetch` of more than one message blocks until it has all of them; a fetch that spans a
reconnect waits for an answer that cannot come; reconnecting stops after 60 attempts by default; a
dead peer is noticed after four minutes by default; a flush may overtake what it should flush. What
JetStream acknowledges proves little: after a restart it forgets the ids of messages it no longer
stores.
"""

import asyncio
from dataclasses import dataclass

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

from bellrock.engine.port import BusError, Handler, NobodyListening, ReconnectCallback, TooLarge
from bellrock.wire import subjects

log = structlog.get_logger(__name__)

_DEDUP_WINDOW_S = 120.0
_OFFER_TRIES = 8
_OFFER_TRY_S = 1.0
_OFFER_WAIT_S = 0.25
_RECONNECT_WAIT_S = 0.1
_RECONNECT_WAIT_BEYOND_S = 1.0
_MOST_AT_ONCE = 256
_API_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class NatsOptions:
    """How to reach the server. ``inbox_prefix`` keeps runners from reading each other's answers.

    ``token`` is the password of ``user`` where there is one. ``makes_queues=False`` is for who may not: a
    runner with a location's key, whose queue the control plane prepares when it says hello. ``headers`` open
    the WebSocket of a ws:// or wss:// URL.
    """

    url: str
    user: str | None = None
    token: str | None = None
    name: str = "bellrock"
    inbox_prefix: str = "_INBOX"
    ping_s: float = 5.0
    connect_s: float = 10.0
    ack_wait_s: float = 15.0
    makes_queues: bool = True
    headers: tuple[tuple[str, str], ...] = ()


class NatsBus:
    """`bellrock.engine.port.Bus` over one NATS connection."""

    def __init__(self, options: NatsOptions) -> None:
        self._options = options
        self._client = Client()
        self._js: JetStreamContext = self._client.jetstream(timeout=_API_TIMEOUT_S)
        self._pulls: dict[str, JetStreamContext.PullSubscription] = {}
        self._pull_lock = asyncio.Lock()
        self._renewed = asyncio.Event()
        self._reconnect_callbacks: list[ReconnectCallback] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(cls, options: NatsOptions) -> "NatsBus":
        """Connect, and make sure that the work queue exists.

        :raises BusError: no connection within ``connect_s``.
        """
        bus = cls(options)
        try:
            async with asyncio.timeout(options.connect_s):
                await bus._open()
                if options.makes_queues:
                    await bus._ensure_stream()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            await bus.close()
            reason = str(error) or f"no answer within {options.connect_s:g} s"
            raise BusError(f"cannot use NATS at {options.url}: {reason}") from error
        return bus

    async def _open(self) -> None:
        await self._client.connect(
            servers=self._options.url,
            user=self._options.user,
            password=self._options.token if self._options.user else None,
            token=None if self._options.user else self._options.token,
            name=self._options.name,
            inbox_prefix=self._options.inbox_prefix,
            ws_connection_headers={name: [value] for name, value in self._options.headers} or None,
            ping_interval=self._options.ping_s,  # type: ignore[arg-type]  # floats work
            max_outstanding_pings=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=self._reconnect_wait_s,  # type: ignore[arg-type]  # floats work
            connect_timeout=2,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            error_cb=self._error,
        )

    @property
    def _reconnect_wait_s(self) -> float:
        # A way through the control plane costs it a request and a look at the key for each try.
        return _RECONNECT_WAIT_S if self._options.makes_queues else _RECONNECT_WAIT_BEYOND_S

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected)

    @property
    def most_bytes(self) -> int:
        return int(self._client.max_payload)

    def on_reconnect(self, callback: ReconnectCallback) -> None:
        self._reconnect_callbacks.append(callback)

    # --- core messages ------------------------------------------------------------------------

    async def publish(self, subject: str, body: bytes) -> None:
        self._require_connection()
        try:
            await self._client.publish(subject, body)
        except nats.errors.MaxPayloadError as error:
            raise TooLarge(f"{len(body)} bytes are too many for {subject}") from error
        except nats.errors.Error as error:
            raise BusError(f"cannot publish on {subject}: {error}") from error

    async def request(self, subject: str, body: bytes, *, timeout_s: float) -> bytes:
        self._require_connection()
        try:
            answer = await self._client.request(subject, body, timeout=timeout_s)
        except nats.errors.NoRespondersError as error:
            raise NobodyListening(f"nobody listens on {subject}") from error
        except nats.errors.MaxPayloadError as error:
            raise TooLarge(f"{len(body)} bytes are too many for {subject}") from error
        except TimeoutError as error:
            raise TimeoutError(f"no answer on {subject} within {timeout_s:g} s") from error
        except nats.errors.Error as error:
            raise BusError(f"cannot ask on {subject}: {error}") from error
        return bytes(answer.data)

    async def subscribe(self, subject: str, handler: Handler, *, queue: str | None = None) -> "_Subscription":
        room = asyncio.Semaphore(_MOST_AT_ONCE)

        async def received(message: Msg) -> None:
            await room.acquire()
            task = asyncio.create_task(_handle(message, handler))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: room.release())

        try:
            inner = await self._client.subscribe(subject, queue=queue or "", cb=received)
            # Without this a request made at once by somebody else may find nobody.
            await self._settle(_API_TIMEOUT_S)
        except (TimeoutError, nats.errors.Error) as error:
            raise BusError(f"cannot subscribe to {subject}: {error}") from error
        return _Subscription(inner)

    # --- the work queue -----------------------------------------------------------------------

    async def offer(self, location: str, body: bytes, *, message_id: str) -> None:
        subject = subjects.dispatch(location)
        headers = {"Nats-Msg-Id": message_id}
        problem = ""
        for _ in range(_OFFER_TRIES):
            try:
                await self._js.publish(subject, body, timeout=_OFFER_TRY_S, headers=headers)
                return
            except js_errors.NoStreamResponseError as error:
                problem = str(error)
                await self._restore_stream()
            except (TimeoutError, nats.errors.Error) as error:
                problem = str(error) or "no answer"
            await asyncio.sleep(_OFFER_WAIT_S)
        raise BusError(f"cannot offer on {subject}: {problem}")

    async def next_offer(self, location: str, *, timeout_s: float) -> "_Offer | None":
        if self._client.is_closed:
            raise BusError("the bus is closed")
        renewed = self._renewed
        fetch = asyncio.ensure_future(self._fetch(location, timeout_s))
        interrupted = asyncio.ensure_future(renewed.wait())
        try:
            await asyncio.wait({fetch, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            return fetch.result() if fetch.done() else None
        finally:
            fetch.cancel()
            interrupted.cancel()
            fetch.add_done_callback(_forget)

    async def _fetch(self, location: str, timeout_s: float) -> "_Offer | None":
        try:
            pull = await self._pull(location)
            (message,) = await pull.fetch(1, timeout=timeout_s)
            return _Offer(message)
        except TimeoutError:
            return None
        except js_errors.Error as error:  # the stream or the consumer is gone: a new store
            log.warning("bus.queue_lost", location=location, error=str(error))
            self._pulls.pop(location, None)
            await self._restore_stream()
            await asyncio.sleep(_OFFER_WAIT_S)
            return None
        except nats.errors.Error as error:
            if self._client.is_closed:
                raise BusError("the bus is closed") from error
            await asyncio.sleep(_OFFER_WAIT_S)
            return None

    async def pending_offers(self, location: str) -> int:
        self._require_connection()
        try:
            await self._pull(location)
            info = await self._js.consumer_info(subjects.STREAM, subjects.consumer(location))
        except (TimeoutError, nats.errors.Error) as error:
            raise BusError(f"cannot look at the queue of {location}: {error}") from error
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _pull(self, location: str) -> JetStreamContext.PullSubscription:
        async with self._pull_lock:
            known = self._pulls.get(location)
            if known is not None:
                return known
            if self._options.makes_queues:
                await self._ensure_consumer(location)
            pull = await self._js.pull_subscribe_bind(
                consumer=subjects.consumer(location), stream=subjects.STREAM
            )
            self._pulls[location] = pull
            return pull

    async def prepare_queue(self, location: str) -> None:
        try:
            await self._ensure_stream()
            await self._ensure_consumer(location)
        except (TimeoutError, nats.errors.Error) as error:
            raise BusError(f"cannot prepare the queue of {location}: {error}") from error

    async def _ensure_consumer(self, location: str) -> None:
        config = ConsumerConfig(
            durable_name=subjects.consumer(location),
            filter_subject=subjects.dispatch(location),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._options.ack_wait_s,
            max_deliver=-1,
        )
        await self._js.add_consumer(subjects.STREAM, config)

    async def _ensure_stream(self) -> None:
        config = StreamConfig(
            name=subjects.STREAM,
            subjects=["runs.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            duplicate_window=_DEDUP_WINDOW_S,
        )
        try:
            await self._js.add_stream(config)
        except js_errors.BadRequestError:
            # An operator's own settings of the stream (replicas, limits) are left alone.
            await self._js.stream_info(subjects.STREAM)

    async def _restore_stream(self) -> None:
        if not self._options.makes_queues:
            return
        try:
            await self._ensure_stream()
        except (TimeoutError, nats.errors.Error) as error:
            log.warning("bus.stream_not_restored", error=str(error))

    # --- lifetime -----------------------------------------------------------------------------

    async def check(self, *, timeout_s: float) -> None:
        self._require_connection()
        try:
            await self._settle(timeout_s)
        except (TimeoutError, nats.errors.Error) as error:
            raise BusError("NATS does not answer") from error

    async def _settle(self, timeout_s: float) -> None:
        """Wait until the server has seen everything written so far.

        nats-py writes a flush's PING at once, but commands through a queue: the first PONG may be
        older than the last command. The second is not.
        """
        async with asyncio.timeout(timeout_s):
            for _ in range(2):
                await self._client.flush(timeout=timeout_s)  # type: ignore[arg-type]  # floats work

    async def close(self) -> None:
        await self._client.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _require_connection(self) -> None:
        # nats-py would keep messages for later: a signal or a live event that late only misleads.
        if not self._client.is_connected:
            raise BusError("not connected to NATS")

    async def _disconnected(self) -> None:
        if not self._client.is_closed:
            log.warning("bus.disconnected", url=self._options.url)

    async def _reconnected(self) -> None:
        log.info("bus.reconnected", url=self._options.url)
        self._renewed.set()
        self._renewed = asyncio.Event()
        for callback in self._reconnect_callbacks:
            task = asyncio.create_task(_call(callback))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _error(self, error: Exception) -> None:
        log.debug("bus.error", error=repr(error))


class _Subscription:
    def __init__(self, inner: NatsSubscription) -> None:
        self._inner = inner

    async def close(self) -> None:
        try:
            await self._inner.unsubscribe()
        except nats.errors.Error as error:  # closed before, or with its connection
            log.debug("bus.unsubscribe", error=str(error))


class _Offer:
    def __init__(self, message: Msg) -> None:
        self._message = message

    @property
    def body(self) -> bytes:
        return bytes(self._message.data)

    @property
    def deliveries(self) -> int:
        return int(self._message.metadata.num_delivered or 1)

    async def ack(self) -> None:
        try:
            await self._message.ack()
        except nats.errors.Error as error:  # it comes again, and its claim is refused
            log.debug("bus.ack", error=str(error))


def _forget(fetch: "asyncio.Future[_Offer | None]") -> None:
    """Nobody waits any more for what it ends with."""
    if not fetch.cancelled():
        fetch.exception()


async def _handle(message: Msg, handler: Handler) -> None:
    try:
        answer = await handler(message.subject, bytes(message.data))
        if answer is not None and message.reply:
            await message.respond(answer)
    except nats.errors.Error as error:
        log.warning("bus.answer_lost", subject=message.subject, error=str(error))
    except Exception:  # supervisor of handlers: one bad message must not end the subscription
        log.exception("bus.handler_failed", subject=message.subject)


async def _call(callback: ReconnectCallback) -> None:
    try:
        await callback()
    except Exception:  # supervisor of callbacks: the connection's own task must go on
        log.exception("bus.reconnect_callback_failed")
