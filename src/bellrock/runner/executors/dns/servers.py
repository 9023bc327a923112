"""Which name servers are asked."""

from dataclasses import dataclass

import dns.exception
import dns.resolver

from bellrock.runner.threads import in_own_thread

DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class NameServer:
    """An address to send questions to."""

    ip: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        """As people write it: the port only where it is an unusual one."""
        return self.ip if self.port == DNS_PORT else f"{self.ip} port {self.port}"


PUBLIC_RESOLVERS = (NameServer("8.8.8.8"), NameServer("1.1.1.1"))
"""The contract's default resolvers, in turn; this machine's own come after them."""


async def system_resolvers() -> tuple[NameServer, ...]:
    """The resolvers in this machine's configuration, as it is now. Empty where there are none."""

    def read() -> tuple[NameServer, ...]:
        try:
            servers = dns.resolver.Resolver().nameservers
        except dns.exception.DNSException:
            return ()
        return tuple(NameServer(each) for each in servers if isinstance(each, str))

    return await in_own_thread(read)
