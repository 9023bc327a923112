"""Which destinations a run may reach. Names are resolved by whoever makes a policy, once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_WITH_PORT = re.compile(
    r"^(?:\[(?P<v6>[0-9a-fA-F:.]+(?:/\d+)?)\]|(?P<v4>[0-9.]+(?:/\d+)?)):(?P<port>\d{1,5})$"
)
_LARGEST_PORT = 65_535


class BadDestination(ValueError):
    """A text that names no destination. The message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Addresses, and one TCP port of theirs or (None) everything."""

    network: Network
    port: int | None = None

    def includes(self, address: Address, port: int | None) -> bool:
        """Whether what is sent there goes to this destination. ``port`` None: it has none."""
        return address in self.network and self.port in (None, port)

    def __str__(self) -> str:
        """As `parse_destination` reads it."""
        one = self.network.num_addresses == 1
        address = str(self.network.network_address if one else self.network)
        if self.port is None:
            return address
        return (
            f"[{address}]:{self.port}" if isinstance(self.network, IPv6Network) else f"{address}:{self.port}"
        )


METADATA = (
    Destination(ip_network("169.254.169.254/32")),
    Destination(ip_network("fd00:ec2::254/128")),
    Destination(ip_network("100.100.100.200/32")),
)
"""Where clouds hand a machine's credentials to whoever asks from it."""


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """The first list that names a destination decides: ``allow``, then ``deny``, then ``is_open``.

    ``is_open`` False refuses what no list names, the machine's own loopback excepted: suites serve
    their own shops there. ``deny_here`` are TCP ports that are refused on every address of this machine.
    """

    allow: tuple[Destination, ...] = ()
    deny: tuple[Destination, ...] = METADATA
    deny_here: tuple[int, ...] = ()
    is_open: bool = True

    def refuses(self, address: Address, port: int | None, *, is_own: Callable[[Address], bool]) -> bool:
        """Whether nothing may be sent there. ``is_own``: whether an address is this machine's.

        For what the runner sends by itself, which no packet filter can tell from its other traffic.
        ``port`` None stands for pings, which have none: destinations with a port do not concern them.
        """
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # it is reached by IPv4
        if any(each.includes(address, port) for each in self.allow):
            return False
        if port in self.deny_here and is_own(address):
            return True
        if any(each.includes(address, port) for each in self.deny):
            return True
        return not self.is_open and not is_own(address)

    def in_words(self) -> str:
        """For people, after «The network: »."""
        open_or_not = "open" if self.is_open else "closed but for what is allowed and loopback"
        refused = ", ".join(map(str, self.deny))
        here = f", ports {', '.join(map(str, self.deny_here))} of this machine" if self.deny_here else ""
        return f"{open_or_not}; refused are {refused}{here}"


def parse_destination(text: str) -> Destination:
    """An address or network, with or without a port: 10.0.0.0/8, 10.1.2.3:5432, [fd00::1]:5432, fd00::/8.

    Raises BadDestination.
    """
    match = _WITH_PORT.match(text.strip())
    address, port = (match["v6"] or match["v4"], int(match["port"])) if match else (text.strip(), None)
    try:
        network = ip_network(address)
    except ValueError as error:
        message = (
            f"{text!r} is no destination: an address or network is needed, such as 10.0.0.0/8,"
            f" 10.1.2.3:5432 or [fd00::1]:5432 ({error})"
        )
        raise BadDestination(message) from error
    if port is not None and not 0 < port <= _LARGEST_PORT:
        raise BadDestination(f"{text!r}: a port is a number from 1 to {_LARGEST_PORT}")
    return Destination(network, port)


def rules_of(policy: NetworkPolicy, users: tuple[int, int], table: str) -> str:
    """The policy for a range of users, as nftables wants it: one table that replaces its namesake."""
    lines = [
        *(f"{_match(each)} accept" for each in policy.allow),
        *(f"fib daddr type local tcp dport {port} reject with tcp reset" for port in policy.deny_here),
        *(f"{_match(each)} {_verdict(each)}" for each in policy.deny),
    ]
    if not policy.is_open:
        lines += ["fib daddr type local accept", "reject"]
    body = "\n".join(f"    {line}" for line in lines)
    first, last = users
    return (
        f"table inet {table}\n"
        f"delete table inet {table}\n"
        f"table inet {table} {{\n"
        f"  chain runs {{\n{body}\n  }}\n"
        "  chain output {\n"
        "    type filter hook output priority filter; policy accept;\n"
        f"    meta skuid {first}-{last} jump runs\n"
        "  }\n}\n"
    )


def _match(destination: Destination) -> str:
    family = "ip" if isinstance(destination.network, IPv4Network) else "ip6"
    port = f" tcp dport {destination.port}" if destination.port is not None else ""
    return f"{family} daddr {destination.network}{port}"


def _verdict(destination: Destination) -> str:
    return "reject with tcp reset" if destination.port is not None else "reject"
