"""Runs DNS monitors: a question to a name server, and its answer."""

from bellrock.runner.executors.dns.executor import DnsProbe
from bellrock.runner.executors.dns.servers import PUBLIC_RESOLVERS, NameServer

__all__ = ["PUBLIC_RESOLVERS", "DnsProbe", "NameServer"]
