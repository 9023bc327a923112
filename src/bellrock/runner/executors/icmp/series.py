"""A series of pings: sent at a steady pace, whatever comes back gathered meanwhile."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from bellrock.runner.executors.icmp.packets import Echo, echo_request, read_echo
from bellrock.runner.executors.icmp.sockets import PingSocket
from bellrock.runner.reaching import Address

INTERVAL_S = 0.5
LAST_REPLY_S = 2.0
"""How long replies are waited for after the last ping."""

_TOKEN_BYTES = 8
_IDENTIFIERS = 1 << 16
_MS = 1_000


@dataclass(slots=True)
class Ping:
    """One ping. ``rtt_ms`` is None where no reply came.

    ``type`` and ``code`` are the reply's, or those of a router's complaint. ``error`` is why the kernel
    would not send it.
    """

    sequence: int
    sent_at: float
    rtt_ms: float | None = None
    ttl: int | None = None
    type: int | None = None
    code: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Series:
    """The pings of one run, in order. A token in each tells them from everybody else's."""

    pings: list[Ping] = field(default_factory=list)
    identifier: int = field(default_factory=lambda: secrets.randbelow(_IDENTIFIERS))
    token: bytes = field(default_factory=lambda: secrets.token_bytes(_TOKEN_BYTES))
    all_answered: asyncio.Event = field(default_factory=asyncio.Event)


async def ping_series(
    ping_socket: PingSocket, address: Address, *, count: int, deadline: float, interval_s: float = INTERVAL_S
) -> list[Ping]:
    """Send ``count`` pings and wait a while for the last replies, never beyond ``deadline`` (monotonic).

    Where the deadline comes first, fewer are sent.
    """
    series = Series()
    loop = asyncio.get_running_loop()
    loop.add_reader(ping_socket.socket, _read_all, ping_socket, address, series, count)
    try:
        began = time.monotonic()
        for sequence in range(count):
            due = began + sequence * interval_s
            if due >= deadline:
                break
            await asyncio.sleep(due - time.monotonic())
            _send(ping_socket, address, series, sequence)
        left_s = min(LAST_REPLY_S, deadline - time.monotonic())
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await series.all_answered.wait()
        except TimeoutError:
            pass
    finally:
        loop.remove_reader(ping_socket.socket)
    return series.pings


def _send(ping_socket: PingSocket, address: Address, series: Series, sequence: int) -> None:
    message = echo_request(
        address.family, identifier=series.identifier, sequence=sequence, token=series.token
    )
    ping = Ping(sequence, time.perf_counter())
    series.pings.append(ping)
    try:
        ping_socket.send(message, address)
    except OSError as error:
        ping.error = error.strerror or str(error)


def _read_all(ping_socket: PingSocket, address: Address, series: Series, count: int) -> None:
    while True:
        now = time.perf_counter()
        try:
            received = ping_socket.receive()
        except OSError:
            return  # an error that a former ping left at the socket: reading it has taken it away
        if received is None:
            return
        echo = read_echo(address.family, received.message, token_bytes=_TOKEN_BYTES)
        if echo is not None and _is_ours(echo, ping_socket, series):
            _note(echo, received.ttl, series.pings[echo.sequence], now)
        if sum(each.type is not None or each.error is not None for each in series.pings) == count:
            series.all_answered.set()


def _is_ours(echo: Echo, ping_socket: PingSocket, series: Series) -> bool:
    if echo.sequence >= len(series.pings):
        return False
    if echo.is_reply:
        return echo.token == series.token
    # A complaint need not quote more than the header of what was sent.
    is_same = ping_socket.sets_identifier or echo.identifier == series.identifier
    return is_same and series.token.startswith(echo.token)


def _note(echo: Echo, ttl: int | None, ping: Ping, now: float) -> None:
    if ping.rtt_ms is not None:
        return  # a duplicate: the first reply counts
    ping.type, ping.code = echo.type, echo.code
    if echo.is_reply:
        ping.rtt_ms, ping.ttl = (now - ping.sent_at) * _MS, ttl
