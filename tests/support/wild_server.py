"""A server on loopback that answers byte by byte as a test says, well or badly."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[["Visit"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Visit:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "WildServer"

    async def read(self) -> Asked:
        """The whole request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(first.split()[0], first.split()[1], headers, body)
        self.server.asked.append(asked)
        return asked

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Until the client goes away."""
        while await self.reader.read(64 * 1024):
            pass

    def reset(self) -> None:
        """End the connection with RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass
class WildServer:
    port: int = 0
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    visited: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[WildServer]:
    """A server whose every connection is treated by ``behaviour`` and then closed."""
    server = WildServer(scheme="https" if tls else "http")
    visits: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.visited.set()
        task = asyncio.current_task()
        assert task is not None
        visits.add(task)
        ways_out = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError)
        with contextlib.suppress(*ways_out):
            try:
                if tls:
                    # By hand, so that a handshake that breaks off is one of the visits that are tidied up.
                    await writer.start_tls(tls)
                await behaviour(Visit(reader, writer, server))
                writer.close()
                await writer.wait_closed()
            except BaseException:
                # Not after a regular end: a transport that still had something to send when it was
                # closed is gone by now, and does not know that it cannot be aborted.
                writer.transport.abort()
                raise
            finally:
                visits.discard(task)

    listener = await asyncio.start_server(visit, "127.0.0.1", 0, limit=2**20)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in visits:
            task.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        await listener.wait_closed()


def answers(*responses: bytes) -> Behaviour:
    """Each connection gets the next response; the last one stays."""
    left = list(responses)

    async def behave(visit: Visit) -> None:
        await visit.read()
        await visit.send(left.pop(0) if len(left) > 1 else left[0])

    return behave


def response(
    body: bytes = b"", *, status: str = "200 OK", content_type: str = "text/plain", headers: str = ""
) -> bytes:
    """A well-formed response."""
    extra = f"{headers}\r\n" if headers else ""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return response(status=f"{status} Moved", headers=f"Location: {location}")
