"""Sockets that can ping, of whichever kind the kernel grants this process."""

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from bellrock.domain.specs import IpFamily
from bellrock.runner.executors.icmp.packets import without_ip_header
from bellrock.runner.reaching import Address

_LARGEST_PACKET_BYTES = 2_048
_ANCILLARY_BYTES = 256
_PROTOCOLS = {
    IpFamily.V4: (socket.AF_INET, socket.IPPROTO_ICMP),
    IpFamily.V6: (socket.AF_INET6, socket.IPPROTO_ICMPV6),
}
# Not in Python's socket module: the number of Linux.
_IP_RECVTTL = 12
_TTL_MESSAGES = frozenset({(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)})


class CannotPing(Exception):
    """This process may not ping. The message says what the kernel said and what would help."""


@dataclass(frozen=True, slots=True)
class Received:
    """An ICMP message without its IP header. ``ttl`` is what was left of it, None where not told."""

    message: bytes
    source: str
    ttl: int | None


@dataclass(frozen=True, slots=True)
class PingSocket:
    """A non-blocking socket for ICMP. ``sets_identifier`` says that the kernel chooses it (a ping socket)."""

    socket: socket.socket
    family: IpFamily
    sets_identifier: bool

    def send(self, message: bytes, address: Address) -> None:
        """Send one ICMP message. Raises OSError."""
        self.socket.sendto(message, address.at(0))

    def receive(self) -> Received | None:
        """The next message. None where there is none now."""
        try:
            packet, ancillary, _, source = self.socket.recvmsg(_LARGEST_PACKET_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return None
        if self.family is IpFamily.V4 and not self.sets_identifier:
            packet = without_ip_header(self.family, packet)
        ttls = [
            struct.unpack("=i", data)[0]
            for level, kind, data in ancillary
            if (level, kind) in _TTL_MESSAGES and len(data) == struct.calcsize("=i")
        ]
        return Received(packet, source[0], ttls[0] if ttls else None)


def open_ping_socket(family: IpFamily) -> PingSocket:
    """A socket to ping with: one that needs no rights where allowed, a raw one otherwise.

    Raises CannotPing.
    """
    reasons: list[str] = []
    for kind, name in ((socket.SOCK_DGRAM, "a ping socket"), (socket.SOCK_RAW, "a raw socket")):
        domain, protocol = _PROTOCOLS[family]
        try:
            opened = socket.socket(domain, kind, protocol)
        except OSError as error:
            reasons.append(f"{name}: {error.strerror}")
            continue
        opened.settimeout(0)
        with suppress(OSError):  # without it only the TTL of replies stays unknown
            if family is IpFamily.V4:
                opened.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            else:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        return PingSocket(opened, family, sets_identifier=kind == socket.SOCK_DGRAM)
    raise CannotPing(
        f"This runner cannot ping over {family} ({', '.join(reasons)}): it needs CAP_NET_RAW,"
        " or its group in net.ipv4.ping_group_range."
    )


def why_no_pings(family: IpFamily = IpFamily.V4) -> str | None:
    """Why this process cannot ping, found by opening a socket for it. None where it can."""
    try:
        open_ping_socket(family).socket.close()
    except CannotPing as error:
        return str(error)
    return None
