"""The policy for what the runner sends by itself: asked before anything is sent."""

import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from bellrock.runner.network.policy import Address, NetworkPolicy


@dataclass(frozen=True, slots=True)
class NetworkGuard:
    """Says of an address, after its name was looked up, whether it may be reached."""

    policy: NetworkPolicy

    def refuses(self, address: str, port: int | None) -> bool:
        """Whether nothing may be sent to this numeric address; ``port`` None for pings."""
        return self.policy.refuses(_parsed(address), port, is_own=is_own)


@lru_cache(maxsize=1_024)
def _parsed(address: str) -> Address:
    return ip_address(address.partition("%")[0])


def is_own(address: Address) -> bool:
    """Whether a socket could be bound to it: then it is one of this machine's."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
