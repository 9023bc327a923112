"""MQTT packets, however the bytes of a connection are cut."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellrock.api.mqtt.packets import (
    Connect,
    Disconnect,
    MalformedPacket,
    Ping,
    Reader,
    Subscribe,
    Unsubscribe,
    publish,
    suback,
)

CONNECT = b"\x10\x1e\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02id\x00\x05Admin\x00\x07sesame!"
SUBSCRIBE = b"\x82\x0c\x00\x01\x00\x03a/+\x00\x00\x01b\x01"
UNSUBSCRIBE = b"\xa2\x07\x00\x02\x00\x03a/+"
STREAM = CONNECT + SUBSCRIBE + b"\xc0\x00" + UNSUBSCRIBE + b"\xe0\x00"
PACKETS = [
    Connect(4, "Admin", "sesame!", 60),
    Subscribe(1, ("a/+", "b")),
    Ping(),
    Unsubscribe(2, ("a/+",)),
    Disconnect(),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_packets_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    reader, found = Reader(), []
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in pairwise(places):
        found += reader.feed(STREAM[begin:end])
    assert found == PACKETS


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    with suppress(MalformedPacket):
        Reader().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x10\xff\xff\xff\xff\x01",  # the length does not end
        b"\x82\xff\xff\x7f",  # larger than anything a subscriber sends
        b"\x30\x03\x00\x01a",  # a client that publishes
        b"\x80\x05\x00\x01\x00\x01a",  # SUBSCRIBE without its flags
        b"\x82\x02\x00\x01",  # to nothing
        b"\x82\x06\x00\x01\x00\x09ab",  # shorter than it says
        b"\x10\x0a\x00\x04HTTP\x04\x00\x00\x00",
        b"\x82\x06\x00\x01\x00\x01\xff\x00",  # no UTF-8
    ],
)
def test_what_a_subscriber_does_not_send_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Reader().feed(data)


@pytest.mark.parametrize(
    ("size", "head"), [(0, "3003"), (124, "307f"), (125, "308001"), (20_000, "30a39c01")]
)
def test_a_message_says_its_length_in_as_many_bytes_as_it_takes(size: int, head: str) -> None:
    packet = publish("t", b"x" * size)
    assert packet.hex().startswith(head + "000174")
    assert len(packet) == len(bytes.fromhex(head)) + 3 + size


def test_a_subscription_is_answered_topic_by_topic() -> None:
    assert suback(258, (0, 0x80)).hex() == "900401020080"
