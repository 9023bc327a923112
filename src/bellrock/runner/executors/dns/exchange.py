"""One question to one name server, over UDP or TCP."""

import asyncio
import socket
from collections.abc import Callable

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.message

from bellrock.domain.outcomes import Blame
from bellrock.domain.specs import IpFamily
from bellrock.runner.executors.dns.servers import NameServer
from bellrock.runner.reaching import Address, NotReached, Phase, explain

Say = Callable[[str], None]


async def ask(
    question: dns.message.QueryMessage, server: NameServer, *, protocol: str, timeout_s: float, say: Say
) -> dns.message.Message:
    """The server's response. A UDP response that was cut short is asked for again over TCP.

    Nothing is sent twice: a lost datagram is a lost question. Raises NotReached.
    """
    waited_for = "UDP"
    try:
        async with asyncio.timeout(timeout_s):
            if protocol == "UDP":
                response = await _over_udp(question, server)
                if not response.flags & dns.flags.TC:
                    return response
                say(f"{server} cut its answer short: asking again over TCP")
            waited_for = "TCP"
            return await dns.asyncquery.tcp(question, server.ip, port=server.port)
    except TimeoutError as error:
        sentence = f"{server} did not answer within {timeout_s:.1f} s over {waited_for}."
        raise NotReached("TIMED_OUT", Phase.DNS, sentence) from error
    except EOFError as error:
        sentence = f"{server} closed the connection without an answer."
        raise NotReached("CONNECTION_RESET", Phase.DNS, sentence) from error
    except OSError as error:
        raise explain(error, Phase.DNS, _address(server), server.port) from error
    except (dns.exception.DNSException, ValueError) as error:
        sentence = f"{server} answered with something that is no answer to the question: {_kind(error)}."
        raise NotReached("BAD_RESPONSE", Phase.DNS, sentence) from error


async def _over_udp(question: dns.message.QueryMessage, server: NameServer) -> dns.message.Message:
    """By a connected socket: only such a one hears that nobody listens there."""
    backend = dns.asyncbackend.get_backend("asyncio")
    family = _address(server).socket_family
    place = (server.ip, server.port)
    connected = await backend.make_socket(  # type: ignore[no-untyped-call]  # it has no annotations
        family, socket.SOCK_DGRAM, 0, None, place
    )
    async with connected:
        return await dns.asyncquery.udp(question, server.ip, port=server.port, sock=connected)


def no_question(error: Exception, query: str) -> NotReached:
    """The error for a name that cannot be asked for."""
    sentence = f"{query!r} cannot be asked for: {_kind(error)}."
    return NotReached("BAD_QUERY", Phase.DNS, sentence, blame=Blame.CHECK)


def _address(server: NameServer) -> Address:
    return Address(IpFamily.V6 if ":" in server.ip else IpFamily.V4, server.ip)


def _kind(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
