"""TCP servers on loopback that misbehave as told."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

_TURNS_TO_TAKE = 5
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(behaviour: Behaviour, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server that treats every connection by ``behaviour``, which may take its time. Its port."""
    at_work: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await behaviour(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(take, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(_TURNS_TO_TAKE):
            await asyncio.sleep(0)  # a connection that is just being taken becomes a task
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
        for _ in range(_TURNS_TO_TAKE):
            await asyncio.sleep(0)  # a connection is closed in one of the loop's next turns


def says(*pieces: bytes) -> Behaviour:
    """Sends one piece after the other, each after a piece of the client's data or at once, then closes."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return behave


async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Takes the connection and whatever comes, and stays silent."""
    while await reader.read(1_024):
        pass
    await asyncio.Event().wait()


async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says again what it hears, and keeps the connection."""
    while heard := await reader.read(1_024):
        writer.write(heard)


async def never_ends(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says more and more."""
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def resets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection and resets it."""
    taken = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def unused_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody listens on."""
    with closing(socket.socket(socket.AF_INET, kind)) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def dropping_connections() -> AsyncIterator[int]:
    """A port whose queue is full: the kernel answers no further connection. Its number."""
    loop = asyncio.get_running_loop()
    with closing(socket.socket()) as listening, closing(socket.socket()) as first:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        first.setblocking(False)
        await loop.sock_connect(first, listening.getsockname())
        yield listening.getsockname()[1]
