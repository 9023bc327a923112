"""A connection for events that is cut in the middle of a run of the `checkly` command."""

import asyncio
import os
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import pytest

from tests.compat.checkly_rig import COMMAND_S, MONITOR, Done, Shell, Site
from tests.compat.versions import USUAL, with_versions

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.xdist_group("checkly"),
    with_versions(USUAL),
]

CUTS = int(os.environ.get("BELLROCK_TEST_CUTS", "1"))


@dataclass
class Wire:
    """A way to the server that can be cut."""

    target: str
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        there, back = await asyncio.open_connection(address.hostname, address.port)
        self.connections += 1
        self.open |= {writer, back}
        self.connected.set()
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self.open -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def test_a_connection_for_events_that_is_cut_loses_no_result(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    async with Wire(shell.dev.url) as wire:
        shell.variables["CHECKLY_EVENTS_URL"] = wire.url
        _, length_s = await cut_once(shell, wire, after_s=COMMAND_S)
        moments_s: list[float] = []
        came_back = 0
        while len(moments_s) < CUTS:
            before, moment_s = wire.connections, random.uniform(0, length_s)
            was_cut, _ = await cut_once(shell, wire, after_s=moment_s)
            if was_cut:
                moments_s.append(moment_s)
                came_back += wire.connections - before - 1
    print(  # noqa: T201
        f"checkly test {shell.version}, cut {CUTS} times between {min(moments_s):.2f} and "
        f"{max(moments_s):.2f} s of {length_s:.2f} s: every result told, {came_back} reconnections"
    )


async def cut_once(shell: Shell, wire: Wire, *, after_s: float) -> tuple[bool, float]:
    """Whether a run was cut that long after its connection was there, and how long it went on after that."""
    wire.connected.clear()
    command = asyncio.create_task(shell.checkly("test", "--no-record"))
    await asyncio.wait_for(wire.connected.wait(), COMMAND_S)
    began = time.monotonic()
    await asyncio.wait({command}, timeout=after_s)
    was_cut = not command.done()
    wire.cut()
    told(await command)
    return was_cut, time.monotonic() - began


def told(done: Done) -> None:
    """It told how every check ended."""
    assert done.returncode == 0, done.stdout
    missing = {"✔ Front page", "✔ Shop suite", "2 passed, 2 total"}
    assert {each for each in missing if each not in done.stdout} == set(), done.stdout
