"""ICMP echo messages as bytes (RFC 792, RFC 4443)."""

import struct
from dataclasses import dataclass

from bellrock.domain.specs import IpFamily

PAYLOAD_BYTES = 56
HEADER_BYTES = 8
PACKET_BYTES = HEADER_BYTES + PAYLOAD_BYTES
"""The size of an echo message without its IP header, as `ping` counts it."""

_HEADER = struct.Struct("!BBHHH")
_REQUEST = {IpFamily.V4: 8, IpFamily.V6: 128}
_REPLY = {IpFamily.V4: 0, IpFamily.V6: 129}
_COMPLAINTS = {IpFamily.V4: frozenset({3, 11, 12}), IpFamily.V6: frozenset({1, 2, 3, 4})}
_IPV6_HEADER_BYTES = 40
_WORD_BITS = 16
_WORD = 0xFFFF


@dataclass(frozen=True, slots=True)
class Echo:
    """A message about an echo request of ours: the reply, or a router's complaint.

    ``token`` is the beginning of the payload, empty in a complaint that does not quote it.
    """

    type: int
    code: int
    is_reply: bool
    identifier: int
    sequence: int
    token: bytes


def echo_request(family: IpFamily, *, identifier: int, sequence: int, token: bytes) -> bytes:
    """An echo request whose payload begins with ``token``. The kernel completes IPv6's checksum."""
    payload = token + bytes(range(PAYLOAD_BYTES - len(token)))
    header = _HEADER.pack(_REQUEST[family], 0, 0, identifier, sequence)
    checksum = _checksum(header + payload) if family is IpFamily.V4 else 0
    return _HEADER.pack(_REQUEST[family], 0, checksum, identifier, sequence) + payload


def read_echo(family: IpFamily, message: bytes, *, token_bytes: int) -> Echo | None:
    """What an ICMP message, without IP header, says about an echo request. None where it says nothing."""
    if len(message) < HEADER_BYTES:
        return None
    kind, code, _, identifier, sequence = _HEADER.unpack_from(message)
    if kind == _REPLY[family]:
        token = message[HEADER_BYTES : HEADER_BYTES + token_bytes]
        return Echo(kind, code, is_reply=True, identifier=identifier, sequence=sequence, token=token)
    if kind not in _COMPLAINTS[family]:
        return None
    quoted = without_ip_header(family, message[HEADER_BYTES:])
    if len(quoted) < HEADER_BYTES or quoted[0] != _REQUEST[family]:
        return None
    _, _, _, identifier, sequence = _HEADER.unpack_from(quoted)
    token = quoted[HEADER_BYTES : HEADER_BYTES + token_bytes]
    return Echo(kind, code, is_reply=False, identifier=identifier, sequence=sequence, token=token)


def without_ip_header(family: IpFamily, packet: bytes) -> bytes:
    """What an IP packet carries; extension headers of IPv6 are not looked through."""
    if not packet:
        return b""
    return packet[_IPV6_HEADER_BYTES if family is IpFamily.V6 else (packet[0] & 0x0F) * 4 :]


def _checksum(message: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total >> _WORD_BITS) + (total & _WORD)
    return ~(total + (total >> _WORD_BITS)) & _WORD
