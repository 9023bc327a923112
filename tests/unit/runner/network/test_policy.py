"""What a list of destinations may say, and how a policy reads."""

from ipaddress import ip_address, ip_network

import pytest

from bellrock.runner.network import BadDestination, Destination, NetworkPolicy, parse_destination
from bellrock.runner.network.guard import is_own
from bellrock.runner.network.policy import METADATA


@pytest.mark.parametrize(
    ("text", "network", "port"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", None),
        ("10.1.2.3", "10.1.2.3/32", None),
        (" 10.1.2.3:5432 ", "10.1.2.3/32", 5432),
        ("10.1.0.0/16:443", "10.1.0.0/16", 443),
        ("fd00::/8", "fd00::/8", None),
        ("[fd00::1]:5432", "fd00::1/128", 5432),
        ("::1", "::1/128", None),
    ],
)
def test_a_destination_is_an_address_or_a_network_with_or_without_a_port(
    text: str, network: str, port: int | None
) -> None:
    assert parse_destination(text) == Destination(ip_network(network), port)


@pytest.mark.parametrize("text", ["shop.test", "10.0.0.1/8", "10.1.2.3:0", "10.1.2.3:70000", "", "1.2.3:80"])
def test_what_is_no_destination_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadDestination, match=r"address or network is needed|a port is a number"):
        parse_destination(text)


def test_a_policy_says_in_words_what_it_refuses() -> None:
    policy = NetworkPolicy(
        deny=(Destination(ip_network("10.0.0.0/8")), Destination(ip_network("fd00::1/128"), 5432)),
        deny_here=(4222,),
    )
    assert policy.in_words() == "open; refused are 10.0.0.0/8, [fd00::1]:5432, ports 4222 of this machine"


@pytest.mark.parametrize(
    ("address", "port", "refused"),
    [
        ("93.184.216.34", 80, False),
        ("169.254.169.254", 80, True),
        ("::ffff:169.254.169.254", 80, True),
        ("10.1.2.3", 80, True),
        ("10.1.2.3", 443, False),  # allowed by name, before it is refused with its network
        ("192.168.1.1", 4222, True),
        ("192.168.1.1", 4223, False),
        ("93.184.216.34", 4222, False),  # refused on this machine only
    ],
)
def test_the_first_list_that_names_a_destination_decides(address: str, port: int, refused: bool) -> None:
    policy = NetworkPolicy(
        allow=(parse_destination("10.1.2.3:443"),),
        deny=(*METADATA, parse_destination("10.0.0.0/8")),
        deny_here=(4222,),
    )
    own = ip_address("192.168.1.1")
    assert policy.refuses(ip_address(address), port, is_own=lambda it: it == own) is refused


def test_a_closed_network_leaves_the_machine_itself_and_what_is_allowed() -> None:
    policy = NetworkPolicy(allow=(parse_destination("10.0.0.0/8"),), is_open=False)
    addresses = ["10.9.9.9", "127.0.0.1", "93.184.216.34"]
    refused = [policy.refuses(ip_address(each), 80, is_own=is_own) for each in addresses]
    assert refused == [False, False, True]
