"""What a caller is told of its transfer, and when: not held up by others for longer than a moment."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pycurl

from bellrock.runner.executors.http.transfers import Transfers

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
_LONGEST_WAIT_S = 5


@asynccontextmanager
async def web_server() -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@contextmanager
def silent_server() -> Iterator[str]:
    """One that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def request(url: str) -> Callable[[pycurl.Curl], None]:
    def prepare(curl: pycurl.Curl) -> None:
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.TIMEOUT, _LONGEST_WAIT_S)
        curl.setopt(pycurl.WRITEFUNCTION, len)

    return prepare


def nothing_went_wrong(_curl: pycurl.Curl, error: pycurl.error | None) -> None:
    assert error is None


async def test_an_end_is_told_while_another_transfer_goes_on() -> None:
    transfers = Transfers()
    try:
        async with web_server() as quick:
            with silent_server() as silent:
                hangs = asyncio.create_task(transfers.perform(request(silent), nothing_went_wrong))
                begun = time.monotonic()
                await transfers.perform(request(quick), nothing_went_wrong)
                assert time.monotonic() - begun < _LONGEST_WAIT_S / 2
                assert not hangs.done()
                hangs.cancel()
    finally:
        transfers.close()


async def test_all_that_end_together_are_told() -> None:
    transfers = Transfers()
    try:
        async with web_server() as quick:
            each = [transfers.perform(request(quick), nothing_went_wrong) for _ in range(50)]
            await asyncio.gather(*each)
    finally:
        transfers.close()
