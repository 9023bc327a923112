"""What runs may reach on the network: the policy as data, and the kernel's packet filter that keeps it."""

from bellrock.runner.network.filter import FilterUnavailable, PacketFilter, find_packet_filter
from bellrock.runner.network.guard import NetworkGuard
from bellrock.runner.network.policy import BadDestination, Destination, NetworkPolicy, parse_destination

__all__ = [
    "BadDestination",
    "Destination",
    "FilterUnavailable",
    "NetworkGuard",
    "NetworkPolicy",
    "PacketFilter",
    "find_packet_filter",
    "parse_destination",
]
