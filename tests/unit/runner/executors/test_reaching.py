"""Where a target is not reached, the one at fault is named: target, check, or this runner's own network."""

import asyncio
import errno
import socket
import threading
from pathlib import Path

import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import IpFamily
from bellrock.runner.reaching import Address, NotReached, Phase, explain, resolve
from bellrock.runner.threads import in_own_thread
from tests.unit.runner.executors.probe_rig import in_network_of_its_own

HERE = Address(IpFamily.V4, "127.0.0.1")

WITHOUT_NETWORK = """
import asyncio
from bellrock.domain.specs import IcmpMonitor, TcpMonitor
from bellrock.runner.executors.icmp import probe_icmp
from bellrock.runner.executors.tcp import probe_tcp
from tests.unit.runner.executors.probe_rig import tools_for
for probe, spec in ((probe_tcp, TcpMonitor("192.0.2.1", 80)), (probe_icmp, IcmpMonitor("192.0.2.1"))):
    outcome = asyncio.run(probe(spec, tools_for(spec))).outcome
    print(outcome.verdict, outcome.blame, outcome.code)
"""


async def test_a_runner_without_a_route_blames_itself() -> None:
    printed = await in_network_of_its_own(WITHOUT_NETWORK)
    assert printed == ["ERRORED runner NO_ROUTE", "ERRORED runner CANNOT_PING"]


OWN_RESOLVER = """
import asyncio
import dns.rcode
from bellrock.domain.specs import TcpMonitor
from bellrock.runner.executors.tcp import probe_tcp
from tests.support.dns_server import dns_server, records, silence
from tests.unit.runner.executors.probe_rig import tools_for
async def look_up(answer):
    spec = TcpMonitor("shop.test", 80)
    async with dns_server(answer, port=53):
        result = await probe_tcp(spec, tools_for(spec, left_s=1.0))
    outcome = result.outcome
    print(outcome.verdict, outcome.blame, outcome.code, "dns phase" in (outcome.message or ""))
async def main():
    for answer in (
        records(code=dns.rcode.NXDOMAIN), records(), records(code=dns.rcode.SERVFAIL), silence,
        records("shop.test. 60 IN A 127.0.0.1"),
    ):
        await look_up(answer)
asyncio.run(main())
"""


async def test_what_the_resolver_says_of_a_name_has_a_code(tmp_path: Path) -> None:
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\n")
    printed = await in_network_of_its_own(
        OWN_RESOLVER, prepared_by=f"ip link set lo up && mount --bind {configuration} /etc/resolv.conf"
    )
    assert printed == [
        "FAILED target DNS_NOT_FOUND True",
        "FAILED target DNS_NO_ADDRESS True",
        "FAILED target DNS_FAILED True",
        "FAILED target TIMED_OUT True",
        "FAILED target CONNECTION_REFUSED False",
    ]


@pytest.mark.parametrize(
    ("number", "code", "blame"),
    [
        (errno.ECONNREFUSED, "CONNECTION_REFUSED", Blame.TARGET),
        (errno.ECONNRESET, "CONNECTION_RESET", Blame.TARGET),
        (errno.ETIMEDOUT, "TIMED_OUT", Blame.TARGET),
        (errno.EHOSTUNREACH, "UNREACHABLE", Blame.TARGET),  # there is a route: it was a router that said so
        (errno.EMFILE, "CANNOT_CONNECT", Blame.RUNNER),
        (errno.EPERM, "CANNOT_CONNECT", Blame.RUNNER),
        (errno.EADDRNOTAVAIL, "CANNOT_CONNECT", Blame.RUNNER),
    ],
)
def test_an_error_of_the_network_has_an_owner(number: int, code: str, blame: Blame) -> None:
    failure = explain(OSError(number, "as the kernel says"), Phase.CONNECTION, HERE, 80)
    assert (failure.code, failure.blame) == (code, blame)
    expected = Verdict.ERRORED if blame is Blame.RUNNER else Verdict.FAILED
    assert failure.outcome.verdict is expected


async def test_a_look_up_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(NotReached, match="dns phase") as caught:
        await resolve("localhost", IpFamily.V4, timeout_s=0)
    assert caught.value.code == "TIMED_OUT"


async def test_an_address_in_brackets_is_an_address() -> None:
    address = await resolve("[::1]", IpFamily.V6, timeout_s=5)
    assert address.at(80) == ("::1", 80, 0, 0)
    assert address.socket_family is socket.AF_INET6


async def test_an_error_in_a_thread_of_its_own_reaches_who_waits() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await in_own_thread(fail)


async def test_work_that_hangs_in_a_thread_of_its_own_is_not_waited_for() -> None:
    began, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        loop.call_soon_threadsafe(began.set)
        may_end.wait()

    working = asyncio.create_task(in_own_thread(hang))
    await began.wait()
    working.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await working
    finally:
        may_end.set()
