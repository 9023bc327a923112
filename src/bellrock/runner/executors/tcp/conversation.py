"""What goes through a connection: the check's data there, the peer's answer back."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MOST_BYTES = 64 * 1024
QUIET_S = 0.25
"""After this silence of a peer that has begun to speak, its answer is taken for whole."""
FIRST_BYTE_S = 1.0
"""Silence of a peer that has not begun: of which nothing needs to come."""

_READ_BYTES = 16 * 1024

Enough = Callable[[bytes], Awaitable[bool]]


@dataclass(slots=True)
class Heard:
    """The peer's answer so far. ``last_at`` is when its last byte came, of `time.monotonic`.

    ``is_cut`` says that more than `MOST_BYTES` came: the rest was not read.
    """

    data: bytes = b""
    last_at: float | None = None
    has_ended: bool = False
    is_cut: bool = False


async def send(connection: socket.socket, data: bytes, *, until: float) -> None:
    """Send all of it, by a moment of `time.monotonic`. Raises OSError, TimeoutError among them."""
    async with asyncio.timeout(max(0.0, until - time.monotonic())):
        await asyncio.get_running_loop().sock_sendall(connection, data)


async def listen(connection: socket.socket, *, enough: Enough, until: float) -> Heard:
    """What the peer says until it closes, says too much, or falls silent when ``enough`` is content.

    Without content it is listened to until ``until``, of `time.monotonic`. ``enough`` is asked in
    silences only: what has come by then may be the beginning of something longer.
    Raises OSError where the connection breaks before anything came.
    """
    heard = Heard()
    is_content: bool | None = None
    while not (heard.has_ended or heard.is_cut):
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        silence_s = QUIET_S if heard.data else FIRST_BYTE_S
        try:
            async with asyncio.timeout(left_s if is_content is False else min(silence_s, left_s)):
                await _hear(connection, heard)
            is_content = None
        except TimeoutError:
            if is_content is None:
                is_content = await enough(heard.data)
            if is_content:
                break
    return heard


async def _hear(connection: socket.socket, heard: Heard) -> None:
    try:
        chunk = await asyncio.get_running_loop().sock_recv(connection, _READ_BYTES)
    except ConnectionError:
        if not heard.data:
            raise
        chunk = b""  # who has answered may hang up as it likes
    if not chunk:
        heard.has_ended = True
        return
    heard.last_at = time.monotonic()
    heard.is_cut = len(heard.data) + len(chunk) > MOST_BYTES
    heard.data = (heard.data + chunk)[:MOST_BYTES]
