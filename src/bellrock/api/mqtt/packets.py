"""MQTT 3.1.1 as far as a subscriber at QoS 0 needs it: its packets read, ours written. No I/O.

Source: OASIS MQTT Version 3.1.1. The libraries that there are bring a whole broker, or a client alone.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum

_LARGEST_PACKET_BYTES = 64 * 1024
_LONGEST_LENGTH = 4
_LEVEL = 4
_FLAGS_OF_SUBSCRIBE = 0x02  # which the standard wants there, and of UNSUBSCRIBE
_HAS_USERNAME, _HAS_PASSWORD, _HAS_WILL = 0x80, 0x40, 0x04

ACCEPTED, BAD_LEVEL, NOT_AUTHORIZED = 0, 1, 5
GRANTED, REFUSED = 0x00, 0x80


class _Kind(IntEnum):
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class MalformedPacket(Exception):
    """The client does not speak MQTT 3.1.1, or more of it than a subscriber needs."""


@dataclass(frozen=True, slots=True)
class Connect:
    """A client introduces itself. ``keep_alive_s`` is 0 where it promises nothing."""

    level: int
    username: str
    password: str = field(repr=False)
    keep_alive_s: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client wants messages whose topics match these filters."""

    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """It wants them no longer."""

    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """It is still there."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """It leaves."""


Packet = Connect | Subscribe | Unsubscribe | Ping | Disconnect


class Reader:
    """Takes the bytes as they come, in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are complete now. Raises MalformedPacket."""
        self._rest += data
        packets = []
        while (found := _split(self._rest)) is not None:
            head, body, self._rest = found
            packets.append(_packet(head, body))
        return packets


def connack(code: int) -> bytes:
    """The answer to CONNECT."""
    return _written(_Kind.CONNACK, bytes([0, code]))


def suback(packet_id: int, codes: tuple[int, ...]) -> bytes:
    """The answer to SUBSCRIBE: a code per filter."""
    return _written(_Kind.SUBACK, struct.pack("!H", packet_id) + bytes(codes))


def unsuback(packet_id: int) -> bytes:
    """The answer to UNSUBSCRIBE."""
    return _written(_Kind.UNSUBACK, struct.pack("!H", packet_id))


def pingresp() -> bytes:
    """The answer to PINGREQ."""
    return _written(_Kind.PINGRESP, b"")


def publish(topic: str, payload: bytes) -> bytes:
    """A message at QoS 0."""
    return _written(_Kind.PUBLISH, _text(topic) + payload)


def _split(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first packet's head and body, and what follows; None while it is not complete."""
    length = 0
    for place, byte in enumerate(data[1 : 1 + _LONGEST_LENGTH]):
        length |= (byte & 0x7F) << (7 * place)
        if length > _LARGEST_PACKET_BYTES:
            raise MalformedPacket("the packet is too large")
        if not byte & 0x80:
            begin = 2 + place
            if len(data) < begin + length:
                return None
            return data[0], data[begin : begin + length], data[begin + length :]
    if len(data) > _LONGEST_LENGTH:
        raise MalformedPacket("the packet's length does not end")
    return None


def _packet(head: int, body: bytes) -> Packet:
    cursor = _Cursor(body)
    match head >> 4:
        case _Kind.CONNECT:
            return _connect(cursor)
        case _Kind.SUBSCRIBE if head & 0x0F == _FLAGS_OF_SUBSCRIBE:
            return Subscribe(cursor.number(), _filters(cursor, with_qos=True))
        case _Kind.UNSUBSCRIBE if head & 0x0F == _FLAGS_OF_SUBSCRIBE:
            return Unsubscribe(cursor.number(), _filters(cursor, with_qos=False))
        case _Kind.PINGREQ:
            return Ping()
        case _Kind.DISCONNECT:
            return Disconnect()
    raise MalformedPacket(f"a packet of type {head >> 4} is none that a subscriber sends")


def _connect(cursor: "_Cursor") -> Connect:
    name, level, flags, keep_alive_s = cursor.text(), cursor.byte(), cursor.byte(), cursor.number()
    if name != "MQTT":
        raise MalformedPacket(f"{name!r} is not MQTT")
    cursor.text()  # the client's id: its sessions are always clean
    if flags & _HAS_WILL:
        cursor.text()
        cursor.text()
    username = cursor.text() if flags & _HAS_USERNAME else ""
    password = cursor.text() if flags & _HAS_PASSWORD else ""
    return Connect(level, username, password, keep_alive_s)


def is_understood(connect: Connect) -> bool:
    """Whether it is our version of the protocol."""
    return connect.level == _LEVEL


def _filters(cursor: "_Cursor", *, with_qos: bool) -> tuple[str, ...]:
    filters = []
    while not cursor.is_at_end:
        filters.append(cursor.text())
        if with_qos:
            cursor.byte()
    if not filters:
        raise MalformedPacket("there is no topic in the packet")
    return tuple(filters)


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        return self._take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self._take(2))

    def text(self) -> str:
        try:
            return self._take(self.number()).decode()
        except UnicodeDecodeError as error:
            raise MalformedPacket("a text of the packet is not UTF-8") from error

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise MalformedPacket("the packet ends too early")
        self._at += count
        return taken


def _written(kind: _Kind, body: bytes) -> bytes:
    length = len(body)
    encoded = bytearray()
    while True:
        length, byte = divmod(length, 128)
        encoded.append(byte | (0x80 if length else 0))
        if not length:
            return bytes([kind << 4]) + bytes(encoded) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded
