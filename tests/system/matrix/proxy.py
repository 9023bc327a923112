"""A TCP line that a test can cut, silence, or hold at a request."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

_CHUNK_BYTES = 64 * 1024


@dataclass
class Line:
    """Forwards connections on ``port`` to ``target`` on this machine, as long as it is whole."""

    target: int
    port: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _passes: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _is_cut: bool = False
    _held_request: bytes | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Listen, on a free port unless one was given."""
        self._passes.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection, and listen no more."""
        if self._server:
            self._server.close()
        self._abort()

    # --- what befalls it ----------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every connection; new ones are reset at once."""
        self._is_cut = True
        self._abort()

    def silence(self) -> None:
        """Let connections stand and nothing through, in neither direction."""
        self._passes.clear()

    def mend(self) -> None:
        """Let everything through again; what was under way in a silence arrives late."""
        self._is_cut = False
        self._passes.set()

    def hold(self, request: bytes) -> None:
        """Keep requests that begin so from arriving, until `release`. ``held`` says when one came."""
        self._held_request = request
        self.held.clear()
        self._released.clear()

    def release(self) -> None:
        """Let held requests go on."""
        self._held_request = None
        self._released.set()

    # --- forwarding ---------------------------------------------------------------------------

    def _abort(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self._is_cut:
                await self._forward(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passes.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        self._writers.add(far_writer)
        ways = (
            asyncio.create_task(self._pump(reader, far_writer, may_hold=True)),
            asyncio.create_task(self._pump(far_reader, writer, may_hold=False)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, may_hold: bool
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if may_hold and self._held_request and chunk.startswith(self._held_request):
                    self.held.set()
                    await self._released.wait()
                await self._passes.wait()
                writer.write(chunk)
                await writer.drain()
