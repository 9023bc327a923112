"""Pings over many connections, each sent when the last is answered; as little work as possible per ping."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

_OK = b"HTTP/1.1 200 "
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(slots=True)
class Load:
    """What came of it. ``waits_ms`` is from each request to its answer."""

    waits_ms: list[float] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def per_second(self) -> float:
        """Answered pings per second."""
        return len(self.waits_ms) / self.took_s


class _Sender(asyncio.Protocol):
    """One connection that pings until it is told to stop."""

    def __init__(self, requests: Sequence[bytes], load: Load) -> None:
        self._requests = requests
        self._load = load
        self._number = 0
        self._asked = 0.0
        self._received = b""
        self._stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def stop(self) -> None:
        self._stopping = True

    def _send(self) -> None:
        self._asked = time.monotonic()
        self._transport.write(self._requests[self._number % len(self._requests)])
        self._number += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end or len(body) < int(head.lower().split(_LENGTH)[1].split(b"\r\n")[0]):
            return
        if not head.startswith(_OK):
            self._end(SystemExit(f"a ping was answered {head.splitlines()[0].decode()}"))
            return
        self._load.waits_ms.append((time.monotonic() - self._asked) * 1000)
        self._received = b""
        if self._stopping:
            self._end(None)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(SystemExit(f"the connection was lost: {exc}"))

    def _end(self, problem: SystemExit | None) -> None:
        if not self.done.done():
            if problem:
                self.done.set_exception(ConnectionError(str(problem)))
            else:
                self.done.set_result(None)
        self._transport.close()


async def ping_for(seconds: float, url: str, tokens: Sequence[str], *, connections: int) -> Load:
    """Keep so many connections busy for so long. Raises ConnectionError for any answer but 200."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    requests = [_request(token, address.netloc) for token in tokens]
    load, loop = Load(), asyncio.get_running_loop()
    senders = []
    begun = time.monotonic()
    for number in range(connections):
        mine = [*requests[number % len(requests) :], *requests[: number % len(requests)]]
        make = partial(_Sender, mine, load)
        _, sender = await loop.create_connection(make, address.hostname, address.port)
        senders.append(sender)
    await asyncio.sleep(seconds)
    for sender in senders:
        sender.stop()
    await asyncio.wait_for(asyncio.gather(*(sender.done for sender in senders)), 30)
    load.took_s = time.monotonic() - begun
    return load


def _request(token: str, host: str) -> bytes:
    lines = (f"GET /ping/{token} HTTP/1.1", f"Host: {host}", "User-Agent: curl/8.5.0", "Accept: */*", "", "")
    return "\r\n".join(lines).encode()
