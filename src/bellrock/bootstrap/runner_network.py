"""A runner's network policy: made of its settings and of where its platform lives, kept while it serves."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from urllib.parse import urlsplit

import structlog

from bellrock.bootstrap.errors import CannotStart
from bellrock.runner.network import (
    BadDestination,
    Destination,
    FilterUnavailable,
    NetworkPolicy,
    find_packet_filter,
    parse_destination,
)
from bellrock.runner.network.policy import METADATA
from bellrock.settings import Settings

log = structlog.get_logger(__name__)

_NATS_PORT = 4222
_NOT_KEPT = "The network is open to a suite: it can reach what this machine can reach"


def policy_of(settings: Settings) -> NetworkPolicy:
    """The policy that the settings ask for. Raises CannotStart, naming the variable."""
    platform = platform_destinations(settings.nats_url, default_port=_NATS_PORT)
    asked = _destinations("NETWORK_DENY", settings.network_deny)
    others = _destinations("PLATFORM_ADDRESSES", settings.platform_addresses)
    deny = (*METADATA, *platform, *others, *asked)
    return NetworkPolicy(
        allow=_destinations("NETWORK_ALLOW", settings.network_allow),
        deny=deny,
        # A server that listens on every address is reached by each of them.
        deny_here=tuple(sorted({each.port for each in deny if each.port and _is_of_this_machine(each)})),
        is_open=settings.network == "open",
    )


def platform_destinations(url: str | None, *, default_port: int) -> tuple[Destination, ...]:
    """Where a part of the platform listens, by its address as a URL; nothing for a file or no URL."""
    parts = urlsplit(url or "")
    if not parts.hostname:
        return ()
    port = parts.port or default_port
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        log.warning("network.name_not_resolved", host=parts.hostname, error=str(error))
        return ()
    addresses = sorted({str(entry[4][0]).partition("%")[0] for entry in found})
    return tuple(Destination(ip_network(address), port) for address in addresses)


@contextmanager
def network_kept(settings: Settings) -> Iterator[str]:
    """Keep the policy during the block; yields what holds, in words.

    :raises CannotStart: a list is wrong, or a policy was asked for that cannot be kept here.
    """
    policy = policy_of(settings)
    try:
        packet_filter = find_packet_filter()
        packet_filter.keep(policy)
    except FilterUnavailable as error:
        if settings.network == "closed" or settings.network_allow or settings.network_deny:
            message = f"the network policy that BELLROCK_NETWORK… asks for cannot be kept here: {error}"
            raise CannotStart(message) from error
        log.warning("network.open", reason=str(error))
        yield f"{_NOT_KEPT} ({error})."
        return
    log.info("network.kept", policy=policy.in_words())
    try:
        yield f"The network: {policy.in_words()}."
    finally:
        with suppress(FilterUnavailable):
            packet_filter.remove()


def _destinations(variable: str, texts: tuple[str, ...]) -> tuple[Destination, ...]:
    try:
        return tuple(map(parse_destination, texts))
    except BadDestination as error:
        raise CannotStart(f"BELLROCK_{variable}: {error}") from error


def _is_of_this_machine(destination: Destination) -> bool:
    """Whether a socket could be bound to it: then it is one of our own addresses."""
    address = destination.network.network_address
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP versions
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return destination.network.num_addresses == 1
