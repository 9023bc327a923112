"""A DNS monitor's probe: question, answer, judgement, result body."""

import time
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rdatatype

from bellrock.domain.outcomes import Blame, Outcome
from bellrock.domain.specs import DnsMonitor, IpFamily
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.executors.dns.answer import as_json, as_text, for_result
from bellrock.runner.executors.dns.exchange import ask, no_question
from bellrock.runner.executors.dns.judge import check_assertions, judge
from bellrock.runner.executors.dns.servers import PUBLIC_RESOLVERS, NameServer, system_resolvers
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed
from bellrock.runner.reaching import NotReached, Phase, refuse_denied, resolve

RECORD_TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "TXT", "SOA", "NS", "HTTPS"})
"""What the contract lets a check ask for."""
ANSWER_S = 5.0
"""How long one name server may take: longer than any check's maximum response time."""

_MS = 1_000


@dataclass(frozen=True, slots=True)
class _Exchange:
    server: NameServer
    response: dns.message.Message
    total_ms: float


class DnsProbe:
    """Asks the check's own name server, or without one a chain of resolvers until one answers.

    Any answer is an answer, SERVFAIL too; the next resolver is asked only where none came. A name server
    of the check that is silent is the target's fault. The chain is the runner's own: when all of it is
    silent, nothing is known about the target.
    """

    def __init__(
        self,
        resolvers: tuple[NameServer, ...] = PUBLIC_RESOLVERS,
        *,
        and_system: bool = True,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._resolvers = resolvers
        self._and_system = and_system
        self._answer_s = answer_s

    async def __call__(self, monitor: DnsMonitor, tools: ProbeTools) -> ProbeResult:
        """One question. The response time is that of the server that answered."""
        began = time.monotonic()
        try:
            question = _question(monitor)
            exchange = await self._ask(monitor, question, tools)
        except NotReached as failure:
            total_ms = (time.monotonic() - began) * _MS
            details = _details(monitor, assertions=(), error=str(failure))
            return ProbeResult(failure.outcome, None, details, {"total": total_ms})
        return await _answered(monitor, exchange, tools)

    async def _ask(
        self, monitor: DnsMonitor, question: dns.message.QueryMessage, tools: ProbeTools
    ) -> _Exchange:
        if monitor.name_server:
            server = await _own_server(monitor.name_server, monitor.port, tools)
            return await self._exchange(monitor, question, server, tools)
        silent: list[str] = []
        system = await system_resolvers() if self._and_system else ()
        for server in (*self._resolvers, *system):
            try:
                return await self._exchange(monitor, question, server, tools)
            except NotReached as failure:
                tools.say(str(failure))
                silent.append(f"{server} ({failure.code})")
        sentence = f"none of this runner's resolvers answered: {', '.join(silent) or 'it has none'}."
        raise NotReached("NO_RESOLVER_ANSWERED", Phase.DNS, sentence, blame=Blame.RUNNER)

    async def _exchange(
        self,
        monitor: DnsMonitor,
        question: dns.message.QueryMessage,
        server: NameServer,
        tools: ProbeTools,
    ) -> _Exchange:
        tools.say(f"Asking {server} for {monitor.query} {monitor.record_type} over {monitor.protocol}")
        began = time.monotonic()
        response = await ask(
            question,
            server,
            protocol=monitor.protocol,
            timeout_s=min(self._answer_s, tools.left_s),
            say=tools.say,
        )
        return _Exchange(server, response, (time.monotonic() - began) * _MS)


def _question(monitor: DnsMonitor) -> dns.message.QueryMessage:
    if monitor.record_type not in RECORD_TYPES:
        allowed = ", ".join(sorted(RECORD_TYPES))
        raise no_question(ValueError(f"the record type is none of {allowed}"), monitor.record_type)
    try:
        return dns.message.make_query(monitor.query, dns.rdatatype.from_text(monitor.record_type))
    except (dns.exception.DNSException, ValueError) as error:
        raise no_question(error, monitor.query) from error


async def _own_server(name: str, port: int, tools: ProbeTools) -> NameServer:
    """The check's name server, of which only the name may be known. Its first address, IPv4 before IPv6."""
    try:
        address = await resolve(name, IpFamily.V4, timeout_s=tools.left_s)
    except NotReached as failure:
        if failure.code not in {"DNS_NO_ADDRESS", "WRONG_IP_FAMILY"}:
            raise
        address = await resolve(name, IpFamily.V6, timeout_s=tools.left_s)
    refuse_denied(tools.guard, address, port, Phase.DNS)
    return NameServer(address.ip, port)


async def _answered(monitor: DnsMonitor, exchange: _Exchange, tools: ProbeTools) -> ProbeResult:
    answer, text = as_json(exchange.response), as_text(exchange.response)
    results: tuple[AssertionResult, ...] = ()
    outcome: Outcome
    try:
        results = await check_assertions(
            monitor, answer, text, total_ms=exchange.total_ms, left_s=tools.left_s
        )
        outcome = judge(monitor, str(answer["Status"]), results, total_ms=exchange.total_ms)
    except AssertionUnusable as error:
        outcome = failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
    response: dict[str, object] = {
        "nameServer": exchange.server.ip,
        "port": exchange.server.port,
        **for_result(answer, text),
        "timingPhases": {"total": round(exchange.total_ms, 3)},
    }
    details = _details(monitor, assertions=results, response=response)
    return ProbeResult(outcome, exchange.total_ms, details, {"total": exchange.total_ms})


def _details(
    monitor: DnsMonitor,
    *,
    assertions: tuple[AssertionResult, ...],
    response: dict[str, object] | None = None,
    error: str | None = None,
) -> dict[str, object]:
    return {
        "request": {
            "query": monitor.query,
            "recordType": monitor.record_type,
            "nameServer": monitor.name_server,
            "port": monitor.port,
            "protocol": monitor.protocol,
        },
        "response": response,
        "assertions": assertion_details(assertions),
        "requestError": error,
    }
