"""The way to a target: its name looked up, a TCP connection made; and whose fault it is where that fails."""

import asyncio
import errno
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import IpFamily
from bellrock.runner.network import NetworkGuard
from bellrock.runner.threads import in_own_thread

HIGHEST_PORT = 65_535


class Phase(StrEnum):
    """What a probe of a connection is doing; the contract's names."""

    DNS = "dns"
    CONNECTION = "connection"
    HANDSHAKE = "handshake"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a target. ``scope`` is the interface of a link-local IPv6 address."""

    family: IpFamily
    ip: str
    scope: int = 0

    @property
    def socket_family(self) -> socket.AddressFamily:
        """As sockets are made with it."""
        return _FAMILIES[self.family]

    def at(self, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """What the operating system takes for this address and a port."""
        return (self.ip, port) if self.family is IpFamily.V4 else (self.ip, port, 0, self.scope)


class NotReached(Exception):
    """The target was not reached. ``code`` is a stable word, the message a sentence that names the phase."""

    def __init__(self, code: str, phase: Phase, sentence: str, *, blame: Blame = Blame.TARGET) -> None:
        super().__init__(f"In the {phase} phase: {sentence}")
        self.code = code
        self.phase = phase
        self.blame = blame

    @property
    def outcome(self) -> Outcome:
        """Failed where the target or the check is at fault, errored where this runner is."""
        verdict = Verdict.ERRORED if self.blame is Blame.RUNNER else Verdict.FAILED
        return Outcome(verdict, self.blame, self.code, str(self))


_FAMILIES = {IpFamily.V4: socket.AF_INET, IpFamily.V6: socket.AF_INET6}
_REFUSED_BY_TARGET = {
    errno.ECONNREFUSED: ("CONNECTION_REFUSED", "refused the connection"),
    errno.ECONNRESET: ("CONNECTION_RESET", "reset the connection"),
    errno.EPIPE: ("CONNECTION_RESET", "closed the connection"),
    errno.ECONNABORTED: ("CONNECTION_RESET", "aborted the connection"),
    errno.ETIMEDOUT: ("TIMED_OUT", "did not answer"),
}
# The C library would take what comes before a NUL for the whole name.
_WRITTEN_AS_NAME = re.compile(r"[^\x00-\x20\x7f]+")
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
_NO_SUCH_NAME = {
    socket.EAI_NONAME: ("DNS_NOT_FOUND", "does not exist"),
    socket.EAI_NODATA: ("DNS_NO_ADDRESS", "has no address of this family"),
    socket.EAI_AGAIN: ("DNS_FAILED", "could not be looked up for now"),
    socket.EAI_FAIL: ("DNS_FAILED", "could not be looked up"),
}


async def resolve(hostname: str, family: IpFamily, *, timeout_s: float) -> Address:
    """The first address of a host, as this machine's resolver has it, its hosts file included.

    Raises NotReached.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await in_own_thread(lambda: _look_up(hostname, family))
    except TimeoutError as error:
        sentence = f"{hostname} could not be looked up within {timeout_s:.1f} s."
        raise NotReached("TIMED_OUT", Phase.DNS, sentence) from error
    except socket.gaierror as error:
        raise _no_address(hostname, family, error) from error
    except ValueError as error:  # the name cannot be written in DNS: an empty or too long label, a NUL
        sentence = f"{hostname!r} is no host name: {error}."
        raise NotReached("BAD_HOSTNAME", Phase.DNS, sentence, blame=Blame.CHECK) from error


def _look_up(hostname: str, family: IpFamily) -> Address:
    if not _WRITTEN_AS_NAME.fullmatch(hostname):
        raise ValueError("it is empty or holds a space or a control character")
    bare = hostname[1:-1] if hostname.startswith("[") and hostname.endswith("]") else hostname
    found = socket.getaddrinfo(bare, None, family=_FAMILIES[family], type=socket.SOCK_STREAM)
    address = found[0][4]
    scope = int(address[3]) if len(address) == 4 else 0  # noqa: PLR2004 - IPv6: address, port, flow, scope
    return Address(family, str(address[0]), scope)


def _no_address(hostname: str, family: IpFamily, error: socket.gaierror) -> NotReached:
    if error.errno == socket.EAI_ADDRFAMILY:
        sentence = f"{hostname} is no {family} address, and {family} was asked for."
        return NotReached("WRONG_IP_FAMILY", Phase.DNS, sentence, blame=Blame.CHECK)
    if error.errno in _NO_SUCH_NAME:
        code, what = _NO_SUCH_NAME[error.errno]
        return NotReached(code, Phase.DNS, f"{hostname} {what} ({family}: {error.strerror}).")
    sentence = f"this runner cannot look up {hostname}: {error.strerror}."
    return NotReached("CANNOT_RESOLVE", Phase.DNS, sentence, blame=Blame.RUNNER)


def refuse_denied(guard: NetworkGuard | None, address: Address, port: int | None, phase: Phase) -> None:
    """Raises NotReached where the runner's network policy keeps an address from being reached.

    ``port`` None for what has none: a ping.
    """
    if guard and guard.refuses(address.ip, port):
        place = address.ip if port is None else f"{address.ip}, port {port}"
        sentence = f"this runner's network policy refuses {place}."
        raise NotReached("DESTINATION_REFUSED", phase, sentence, blame=Blame.CHECK)


async def connect(
    address: Address, port: int, *, timeout_s: float, guard: NetworkGuard | None
) -> socket.socket:
    """A connected TCP socket, non-blocking; whoever asked closes it. Raises NotReached."""
    if not 0 < port <= HIGHEST_PORT:
        sentence = f"{port} is no port: allowed is 1 to {HIGHEST_PORT}."
        raise NotReached("BAD_PORT", Phase.CONNECTION, sentence, blame=Blame.CHECK)
    refuse_denied(guard, address, port, Phase.CONNECTION)
    try:
        connecting = socket.socket(address.socket_family, socket.SOCK_STREAM)
    except OSError as error:
        raise explain(error, Phase.CONNECTION, address, port) from error
    try:
        connecting.settimeout(0)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(connecting, address.at(port))
        return connecting
    except BaseException as error:
        connecting.close()
        if isinstance(error, TimeoutError | OSError):
            raise explain(error, Phase.CONNECTION, address, port, waited_s=timeout_s) from error
        raise


def explain(
    error: OSError, phase: Phase, address: Address, port: int, *, waited_s: float | None = None
) -> NotReached:
    """Whose fault an error of the network is. ``waited_s`` is told with a timeout."""
    place = f"{address.ip} port {port}"
    if isinstance(error, TimeoutError) and error.errno is None:
        within = "" if waited_s is None else f" within {waited_s:.1f} s"
        return NotReached("TIMED_OUT", phase, f"{place} did not answer{within}.")
    if error.errno in _REFUSED_BY_TARGET:
        code, what = _REFUSED_BY_TARGET[error.errno]
        return NotReached(code, phase, f"{place} {what}.")
    if error.errno in _NO_WAY and has_route(address):
        return NotReached("UNREACHABLE", phase, f"{place} cannot be reached: {error.strerror}.")
    code = "NO_ROUTE" if error.errno in _NO_WAY else "CANNOT_CONNECT"
    sentence = f"this runner cannot connect to {place}: {error.strerror or error}."
    return NotReached(code, phase, sentence, blame=Blame.RUNNER)


def has_route(address: Address) -> bool:
    """Whether this machine knows a way to an address: a router's complaint looks the same to a TCP socket."""
    try:
        with closing(socket.socket(address.socket_family, socket.SOCK_DGRAM)) as trial:
            trial.connect(address.at(9))  # sends nothing
    except OSError:
        return False
    return True
