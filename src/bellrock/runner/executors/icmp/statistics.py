"""What a series of pings amounts to, as the contract's JSON response."""

from collections.abc import Sequence
from statistics import fmean, pstdev

from bellrock.domain.specs import IcmpMonitor
from bellrock.runner.executors.icmp.packets import PACKET_BYTES
from bellrock.runner.executors.icmp.series import Ping
from bellrock.runner.reaching import Address

JsonObject = dict[str, object]
Latency = dict[str, float | None]


def latency(pings: Sequence[Ping]) -> Latency:
    """avg, min, max and stdDev in ms; None where nothing was answered."""
    times = [each.rtt_ms for each in pings if each.rtt_ms is not None]
    if not times:
        return dict.fromkeys(("avg", "min", "max", "stdDev"))
    return {"avg": fmean(times), "min": min(times), "max": max(times), "stdDev": pstdev(times)}


def packet_loss_percent(pings: Sequence[Ping]) -> float:
    """The share of pings without a reply; 100 where none was sent."""
    if not pings:
        return 100.0
    return 100 * sum(each.rtt_ms is None for each in pings) / len(pings)


def as_json(monitor: IcmpMonitor, address: Address, pings: Sequence[Ping], *, dns_ms: float) -> JsonObject:
    """The contract's JSON response. Times in ms, ``packetSize`` in bytes with ICMP's header."""
    return {
        "hostname": monitor.hostname,
        "resolvedIp": address.ip,
        "ipFamily": str(monitor.ip_family),
        "pingCount": monitor.ping_count,
        "packetsSent": len(pings),
        "packetsReceived": sum(each.rtt_ms is not None for each in pings),
        "packetSize": PACKET_BYTES,
        "packetLoss": packet_loss_percent(pings),
        "latency": latency(pings),
        "dnsResolutionTime": dns_ms,
        "pingResults": [_result(each) for each in pings],
    }


def _result(ping: Ping) -> JsonObject:
    return {
        "sequence": ping.sequence,
        "type": ping.type,
        "code": ping.code,
        "success": ping.rtt_ms is not None,
        "rtt": ping.rtt_ms,
        "ttl": ping.ttl,
    }
