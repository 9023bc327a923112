"""An ICMP monitor's probe: look up, ping, judgement, result body."""

import time
from collections.abc import Sequence
from contextlib import closing

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import IcmpMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.executors.icmp.judge import check_assertions, judge
from bellrock.runner.executors.icmp.series import Ping, ping_series
from bellrock.runner.executors.icmp.sockets import CannotPing, open_ping_socket
from bellrock.runner.executors.icmp.statistics import JsonObject, as_json, latency, packet_loss_percent
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed
from bellrock.runner.reaching import Address, NotReached, Phase, has_route, refuse_denied, resolve

_MS = 1_000


async def probe_icmp(monitor: IcmpMonitor, tools: ProbeTools) -> ProbeResult:
    """One series of pings. The response time is the average latency.

    Where this process may not ping, or has no way to the address, nothing is known about the target.
    """
    began = time.monotonic()
    try:
        address = await resolve(monitor.hostname, monitor.ip_family, timeout_s=tools.left_s)
        refuse_denied(tools.guard, address, None, Phase.CONNECTION)
    except NotReached as failure:
        phases = {str(Phase.DNS): (time.monotonic() - began) * _MS}
        return ProbeResult(failure.outcome, None, _details(monitor, error=str(failure)), phases)
    dns_ms = (time.monotonic() - began) * _MS
    try:
        pings = await _pinged(monitor, address, tools)
    except CannotPing as error:
        outcome = Outcome(Verdict.ERRORED, Blame.RUNNER, "CANNOT_PING", str(error))
        return ProbeResult(outcome, None, _details(monitor, error=str(error)), {str(Phase.DNS): dns_ms})
    return await _judged(monitor, address, pings, dns_ms=dns_ms, left_s=tools.left_s)


async def _pinged(monitor: IcmpMonitor, address: Address, tools: ProbeTools) -> list[Ping]:
    if not has_route(address):
        raise CannotPing(f"This runner has no route to {address.ip}.")
    opened = open_ping_socket(monitor.ip_family)
    tools.say(f"Pinging {address.ip} {monitor.ping_count} times")
    with closing(opened.socket):
        pings = await ping_series(opened, address, count=monitor.ping_count, deadline=tools.deadline)
    for each in pings:
        tools.say(_line(each))
    if pings and all(each.error for each in pings):
        raise CannotPing(f"This runner cannot send pings to {address.ip}: {pings[0].error}.")
    return pings


async def _judged(
    monitor: IcmpMonitor, address: Address, pings: Sequence[Ping], *, dns_ms: float, left_s: float
) -> ProbeResult:
    latencies, response = latency(pings), as_json(monitor, address, pings, dns_ms=round(dns_ms, 3))
    results: tuple[AssertionResult, ...] = ()
    try:
        results = await check_assertions(monitor, response, latencies, left_s=left_s)
        outcome = judge(monitor, results, loss_percent=packet_loss_percent(pings), sent=len(pings))
    except AssertionUnusable as error:
        outcome = failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
    details = _details(monitor, response=response, assertions=results)
    return ProbeResult(outcome, latencies["avg"], details, {str(Phase.DNS): dns_ms})


def _line(ping: Ping) -> str:
    if ping.rtt_ms is not None:
        return f"icmp_seq={ping.sequence} ttl={ping.ttl} time={ping.rtt_ms:.3f} ms"
    if ping.error:
        return f"icmp_seq={ping.sequence} not sent: {ping.error}"
    return f"icmp_seq={ping.sequence} " + (
        "no reply" if ping.type is None else f"refused: type {ping.type} code {ping.code}"
    )


def _details(
    monitor: IcmpMonitor,
    *,
    response: JsonObject | None = None,
    assertions: tuple[AssertionResult, ...] = (),
    error: str | None = None,
) -> dict[str, object]:
    return {
        "request": {
            "hostname": monitor.hostname,
            "ipFamily": str(monitor.ip_family),
            "pingCount": monitor.ping_count,
        },
        "response": response,
        "assertions": assertion_details(assertions),
        "requestError": error,
    }
