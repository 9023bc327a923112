"""The WebSocket of a subscriber, from its CONNECT to its end."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from bellrock.api.mqtt import packets
from bellrock.api.mqtt.feed import session_messages
from bellrock.api.rate_limit import RateLimiter
from bellrock.domain.access import Principal
from bellrock.domain.errors import BellrockError, Unauthenticated
from bellrock.services import accounts, suites
from bellrock.services.platform import Platform

router = APIRouter(include_in_schema=False)
log = structlog.get_logger(__name__)

_SUBPROTOCOL = "mqtt"
_CONNECT_S = 10.0
_GRACE = 1.5  # of the time in which a client promised to be heard
_MOST_SUBSCRIPTIONS = 8
_PROTOCOL_ERROR = 1_002
_REFUSED = 1_008
_LEVELS_OF_A_FILTER = 7  # account/<id>/ad-hoc-check-results/<suite>/+/+/+


@router.websocket("/")
async def serve(socket: WebSocket) -> None:
    """Serve one subscriber."""
    await socket.accept(subprotocol=_SUBPROTOCOL if _SUBPROTOCOL in _offered(socket) else None)
    connection = _Connection(socket, socket.app.state.platform, socket.app.state.rate_limiter)
    try:
        await connection.serve()
    except packets.MalformedPacket as error:
        log.info("mqtt.malformed", reason=str(error))
        await _close(socket, _PROTOCOL_ERROR)
    except (WebSocketDisconnect, TimeoutError):
        await _close(socket, _REFUSED)


@dataclass(slots=True)
class _Connection:
    socket: WebSocket
    platform: Platform
    limiter: RateLimiter
    reader: packets.Reader = field(default_factory=packets.Reader)
    subscriptions: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(self) -> None:
        """From CONNECT to DISCONNECT. Raises MalformedPacket, WebSocketDisconnect, TimeoutError."""
        incoming = self._packets()
        first = await asyncio.wait_for(anext(incoming), _CONNECT_S)
        if not isinstance(first, packets.Connect):
            raise packets.MalformedPacket("CONNECT comes first")
        principal = await self._authenticate(first)
        if principal is None:
            await _close(self.socket, _REFUSED)
            return
        await self._send(packets.connack(packets.ACCEPTED))
        timeout_s = first.keep_alive_s * _GRACE or None
        try:
            while True:
                packet = await asyncio.wait_for(anext(incoming), timeout_s)
                if isinstance(packet, packets.Disconnect):
                    break
                await self._take(packet, principal)
        finally:
            await _cancel(self.subscriptions.values())

    async def _packets(self) -> AsyncIterator[packets.Packet]:
        while True:
            for packet in self.reader.feed(await self.socket.receive_bytes()):
                yield packet

    async def _authenticate(self, connect: packets.Connect) -> Principal | None:
        """Who it is; None, and the client told so, where nobody knows."""
        if not packets.is_understood(connect):
            await self._send(packets.connack(packets.BAD_LEVEL))
            return None
        address = self.socket.client.host if self.socket.client else "unknown"
        try:
            principal = await accounts.authenticate(
                self.platform, connect.password, _account(connect.username)
            )
            await self.limiter.count_request(principal.account_id)
        except BellrockError as error:
            if isinstance(error, Unauthenticated):
                with suppress(BellrockError):
                    await self.limiter.count_bad_key(address)
            log.info("mqtt.refused", reason=error.message)
            await self._send(packets.connack(packets.NOT_AUTHORIZED))
            return None
        return principal

    async def _take(self, packet: packets.Packet, principal: Principal) -> None:
        match packet:
            case packets.Ping():
                await self._send(packets.pingresp())
            case packets.Subscribe():
                codes = tuple(self._subscribe(each, principal) for each in packet.filters)
                await self._send(packets.suback(packet.packet_id, codes))
            case packets.Unsubscribe():
                ended = [self.subscriptions.pop(each, None) for each in packet.filters]
                await _cancel([task for task in ended if task is not None])
                await self._send(packets.unsuback(packet.packet_id))
            case _:
                raise packets.MalformedPacket("a client connects once")

    def _subscribe(self, topic_filter: str, principal: Principal) -> int:
        suite_id = _suite_in(topic_filter, principal.account_id)
        if suite_id is None or len(self.subscriptions) >= _MOST_SUBSCRIPTIONS:
            return packets.REFUSED
        if topic_filter not in self.subscriptions:
            self.subscriptions[topic_filter] = asyncio.create_task(
                self._tell(topic_filter.removesuffix("+/+/+"), suite_id, principal)
            )
        return packets.GRANTED

    async def _tell(self, topic: str, suite_id: str, principal: Principal) -> None:
        """Publish all that becomes of a suite's session, from its start, whenever that was."""
        with suppress(WebSocketDisconnect, RuntimeError):  # the client is gone: whoever reads will see it
            session_id = await suites.await_session(self.platform, principal, suite_id)
            async for message in session_messages(self.platform, principal, session_id):
                name = f"{topic}{message.run_id}/{session_id}/{message.subtopic}"
                await self._send(packets.publish(name, message.encode()))

    async def _send(self, data: bytes) -> None:
        async with self.sending:
            await self.socket.send_bytes(data)


def _offered(socket: WebSocket) -> Sequence[str]:
    return [str(name) for name in socket.scope.get("subprotocols", ())]


def _account(username: str) -> UUID | None:
    try:
        return UUID(username)
    except ValueError:
        raise Unauthenticated("The user name has to be the account's id.") from None


def _suite_in(topic_filter: str, account_id: UUID) -> str | None:
    levels = topic_filter.split("/")
    if len(levels) != _LEVELS_OF_A_FILTER or levels[4:] != ["+", "+", "+"]:
        return None
    suite_id = levels[3]
    is_ours = levels[:3] == ["account", str(account_id), "ad-hoc-check-results"]
    return suite_id if is_ours and suite_id and not {"+", "#"} & set(suite_id) else None


async def _cancel(tasks: "Iterable[asyncio.Task[None]]") -> None:
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


async def _close(socket: WebSocket, code: int) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):  # closed by the other side
        await socket.close(code)
