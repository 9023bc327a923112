"""A DNS server on loopback, UDP and TCP on one port, that answers as told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Answer = Callable[[dns.message.Message], bytes | None]
"""Makes a response of a question; None stays silent."""


@dataclass(slots=True)
class DnsServer:
    """Where it listens, and over what it was asked, in order."""

    port: int
    asked: list[str] = field(default_factory=list)


def records(*lines: str, code: dns.rcode.Rcode = dns.rcode.NOERROR, truncated: bool = False) -> Answer:
    """Answers with these records, written as in a zone file: `name ttl IN type data`."""

    def answer(question: dns.message.Message) -> bytes:
        response = dns.message.make_response(question, recursion_available=True)
        response.set_rcode(code)
        for line in lines:
            name, ttl, _, kind, data = line.split(maxsplit=4)
            response.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
        if truncated:
            response.flags |= dns.flags.TC
        return response.to_wire()

    return answer


def silence(_question: dns.message.Message) -> None:
    """Says nothing."""


def garbage(question: dns.message.Message) -> bytes:
    """Answers with bytes that are no message."""
    return question.id.to_bytes(2, "big") + b"\xff" * 7


def of_another_question(question: dns.message.Message) -> bytes:
    """Answers a question that nobody asked."""
    other = dns.message.make_query("somebody.else.test", "A", id=question.id)
    return dns.message.make_response(other).to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, server: DnsServer) -> None:
        self._answer = answer
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport does not derive from the class of that name.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.asked.append("UDP")
        if wire := self._answer(dns.message.from_wire(data)):
            self._transport.sendto(wire, addr)


@asynccontextmanager
async def dns_server(udp: Answer, tcp: Answer | None = None, *, port: int = 0) -> AsyncIterator[DnsServer]:
    """A server that answers ``udp`` to datagrams, and ``tcp`` (as ``udp`` where not given) to connections."""
    loop = asyncio.get_running_loop()
    answer_tcp = tcp or udp

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            question = dns.message.from_wire(await reader.readexactly(length))
            server.asked.append("TCP")
            wire = answer_tcp(question)
            if wire is None:
                await reader.read()
            else:
                writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", port, family=socket.AF_INET)
    server = DnsServer(listening.sockets[0].getsockname()[1])
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Udp(udp, server), local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        listening.close()
