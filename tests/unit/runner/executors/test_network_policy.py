"""What the network policy of a runner refuses is reached by no probe."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import DnsMonitor, IcmpMonitor, IpFamily, SslMonitor, TcpMonitor
from bellrock.runner.executors.dns import DnsProbe
from bellrock.runner.executors.icmp import probe_icmp
from bellrock.runner.executors.ssl import SslProbe
from bellrock.runner.executors.tcp import probe_tcp
from bellrock.runner.network import NetworkGuard, NetworkPolicy, parse_destination
from bellrock.runner.probing import ProbeResult
from tests.support.tcp_servers import says_nothing, serving
from tests.unit.runner.executors.probe_rig import tools_for, verdict_of

REFUSED = (Verdict.FAILED, Blame.CHECK, "DESTINATION_REFUSED")
PLACES = [
    ("127.0.0.1", IpFamily.V4),
    ("localhost", IpFamily.V4),
    ("0.0.0.0", IpFamily.V4),
    ("::ffff:127.0.0.1", IpFamily.V6),
]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A port of this machine at which a connection would be taken."""
    async with serving(says_nothing) as port:
        yield port


async def _tcp(host: str, port: int, family: IpFamily, guard: NetworkGuard) -> ProbeResult:
    spec = TcpMonitor(host, port, ip_family=family)
    return await probe_tcp(spec, tools_for(spec, guard=guard))


async def _ssl(host: str, port: int, family: IpFamily, guard: NetworkGuard) -> ProbeResult:
    spec = SslMonitor(host, port, ip_family=family)
    return await SslProbe()(spec, tools_for(spec, guard=guard))


async def _dns_over_tcp(host: str, port: int, _family: IpFamily, guard: NetworkGuard) -> ProbeResult:
    spec = DnsMonitor("example.org", "A", name_server=host, port=port, protocol="TCP")
    return await DnsProbe()(spec, tools_for(spec, guard=guard))


async def _dns_over_udp(host: str, port: int, _family: IpFamily, guard: NetworkGuard) -> ProbeResult:
    spec = DnsMonitor("example.org", "A", name_server=host, port=port, protocol="UDP")
    return await DnsProbe()(spec, tools_for(spec, guard=guard))


@pytest.mark.parametrize(("host", "family"), PLACES)
@pytest.mark.parametrize("probe", [_tcp, _ssl, _dns_over_tcp, _dns_over_udp])
async def test_a_port_that_is_refused_here_is_refused_under_every_name_of_this_machine(
    probe: Callable[[str, int, IpFamily, NetworkGuard], Awaitable[ProbeResult]],
    host: str,
    family: IpFamily,
    port: int,
) -> None:
    guard = NetworkGuard(NetworkPolicy(deny_here=(port,)))
    result = await probe(host, port, family, guard)
    assert verdict_of(result) == REFUSED
    assert f"port {port}" in (result.outcome.message or "")


async def test_an_address_that_is_refused_is_not_pinged() -> None:
    spec = IcmpMonitor("169.254.169.254")
    result = await probe_icmp(spec, tools_for(spec, guard=NetworkGuard(NetworkPolicy())))
    assert verdict_of(result) == REFUSED


async def test_a_refused_port_does_not_keep_its_address_from_being_pinged(port: int) -> None:
    spec = IcmpMonitor("127.0.0.1", ping_count=1)
    denied = parse_destination(f"127.0.0.1:{port}")
    guard = NetworkGuard(NetworkPolicy(deny=(denied,), deny_here=(port,)))
    result = await probe_icmp(spec, tools_for(spec, guard=guard))
    assert verdict_of(result)[2] != "DESTINATION_REFUSED"


async def test_what_the_policy_does_not_name_is_connected_to(port: int) -> None:
    result = await _tcp("127.0.0.1", port, IpFamily.V4, NetworkGuard(NetworkPolicy(deny_here=(port + 1,))))
    assert result.outcome.verdict is Verdict.PASSED
