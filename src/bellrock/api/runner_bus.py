"""How a runner reaches NATS that reaches nothing but our HTTP port: its key opens a WebSocket, a wire.

The wire carries NATS' own protocol both ways, unread. What the runner may do at its other end is decided by
NATS, which asks the control plane about the key once more (see `engine.admission`).
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, WebSocket, WebSocketDisconnect

from bellrock.api.auth import PlatformOf
from bellrock.api.bodies.base import Answer
from bellrock.domain.errors import Unauthenticated
from bellrock.services.platform import Platform
from bellrock.services.private_locations import location_of_key

router = APIRouter(prefix="/runner/v1", include_in_schema=False)
log = structlog.get_logger(__name__)

_CHUNK_BYTES = 64 * 1024
_KEY_CHECK_S = 5.0
_CLOSED_FOR_KEY = 4_401
_CLOSED_FOR_NATS = 1_013


class LocationBody(Answer):
    """The location that a key is for."""

    location: str


def key_in(authorization: str) -> str:
    """The key of an `Authorization` header. Raises Unauthenticated."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("A location's key is needed, in 'Authorization: Bearer <key>'.")
    return key.strip()


@router.get("/location")
async def read_location(platform: PlatformOf, authorization: Annotated[str, Header()] = "") -> LocationBody:
    """Which location the runner with this key serves."""
    location = await location_of_key(platform, key_in(authorization))
    return LocationBody(location=location.slug)


@router.websocket("/bus")
async def carry(socket: WebSocket) -> None:
    """Carry NATS' protocol for as long as both sides and the key hold."""
    platform: Platform = socket.app.state.platform
    try:
        key = key_in(socket.headers.get("authorization", ""))
        location = await location_of_key(platform, key)
    except Unauthenticated:
        await socket.close(_CLOSED_FOR_KEY)
        return
    address = platform.settings.bus_address
    try:
        reader, writer = await asyncio.open_connection(*address) if address else _nowhere()
    except OSError as error:
        log.warning("runner_bus.no_nats", error=str(error))
        await socket.close(_CLOSED_FOR_NATS)
        return
    await socket.accept()
    log.info("runner_bus.opened", location=location.slug)
    try:
        await _first_to_end(_to_runner(reader, socket), _to_nats(socket, writer), _while_valid(platform, key))
    finally:
        writer.close()
        with suppress(RuntimeError):  # closed by the other side
            await socket.close(_CLOSED_FOR_KEY)
        log.info("runner_bus.closed", location=location.slug)


def _nowhere() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    raise OSError("the NATS server of this control plane takes TLS or users of its own only")


async def _first_to_end(*parts: Coroutine[object, object, None]) -> None:
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _to_runner(reader: asyncio.StreamReader, socket: WebSocket) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        await socket.send_bytes(chunk)


async def _to_nats(socket: WebSocket, writer: asyncio.StreamWriter) -> None:
    with suppress(WebSocketDisconnect, ConnectionError):
        while True:
            writer.write(await socket.receive_bytes())
            await writer.drain()


async def _while_valid(platform: Platform, key: str) -> None:
    """Return when the key is revoked: its runner is cut off within seconds, on every control plane."""
    with suppress(Unauthenticated):
        while True:
            await asyncio.sleep(_KEY_CHECK_S)
            await location_of_key(platform, key)
