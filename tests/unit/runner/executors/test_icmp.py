"""ICMP monitors: real pings where this process may, and what is said where it may not."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import Assertion, IcmpMonitor, IpFamily
from bellrock.runner.executors.icmp import probe_icmp, why_no_pings
from bellrock.runner.executors.icmp.judge import judge
from bellrock.runner.executors.icmp.packets import Echo, echo_request, read_echo
from bellrock.runner.executors.icmp.series import Ping
from bellrock.runner.executors.icmp.statistics import latency, packet_loss_percent
from tests.unit.runner.executors.probe_rig import (
    LATE_S,
    in_network_of_its_own,
    part,
    tools_for,
    verdict_of,
)

PASSED = (Verdict.PASSED, None, None)
HERE = "127.0.0.1"
can_ping = pytest.mark.skipif(why_no_pings() is not None, reason=str(why_no_pings()))
can_ping_v6 = pytest.mark.skipif(why_no_pings(IpFamily.V6) is not None, reason=str(why_no_pings(IpFamily.V6)))


@can_ping
async def test_pings_are_told_as_the_contracts_json() -> None:
    spec = IcmpMonitor(HERE, ping_count=2)
    result = await probe_icmp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    response = part(result, "response")
    assert (response["hostname"], response["resolvedIp"], response["ipFamily"]) == (HERE, HERE, "IPv4")
    assert (response["packetsSent"], response["packetsReceived"], response["packetLoss"]) == (2, 2, 0)
    assert (response["pingCount"], response["packetSize"]) == (2, 64)
    assert 0 < response["latency"]["min"] <= response["latency"]["avg"] <= response["latency"]["max"]
    assert result.response_time_ms == response["latency"]["avg"]
    first = response["pingResults"][0]
    assert {**first, "rtt": None} == {
        "sequence": 0,
        "type": 0,
        "code": 0,
        "success": True,
        "rtt": None,
        "ttl": 64,
    }
    assert json.loads(json.dumps(response)) == response


@can_ping_v6
async def test_ipv6_is_used_where_the_check_asks_for_it() -> None:
    spec = IcmpMonitor("::1", ip_family=IpFamily.V6, ping_count=1)
    result = await probe_icmp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    only = part(result, "response")["pingResults"][0]
    assert (only["type"], only["success"], only["ttl"]) == (129, True, 64)


@can_ping
async def test_series_that_run_at_once_do_not_take_each_others_replies() -> None:
    specs = [IcmpMonitor(f"127.0.0.{number}", ping_count=2) for number in range(1, 11)]
    results = await asyncio.gather(*(probe_icmp(spec, tools_for(spec)) for spec in specs))
    assert [verdict_of(each) for each in results] == [PASSED] * 10


@can_ping
@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        (Assertion("LATENCY", "LESS_THAN", "5000", property="avg"), True),
        (Assertion("LATENCY", "GREATER_THAN", "5000", property="max"), False),
        (Assertion("LATENCY", "LESS_THAN", "5000", property="stdDev"), True),
        (Assertion("JSON_RESPONSE", "EQUALS", "64", property="$.pingResults[*].ttl"), True),
        (Assertion("JSON_RESPONSE", "LESS_THAN", "1", property="$.packetsReceived"), False),
    ],
)
async def test_latencies_and_the_response_are_asserted(assertion: Assertion, *, holds: bool) -> None:
    spec = IcmpMonitor(HERE, ping_count=1, assertions=(assertion,))
    result = await probe_icmp(spec, tools_for(spec))
    assert verdict_of(result) == (PASSED if holds else (Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED"))


@can_ping
@pytest.mark.parametrize(
    "assertion",
    [Assertion("LATENCY", "LESS_THAN", "1", property="p95"), Assertion("STATUS_CODE", "EQUALS", "1")],
)
async def test_an_assertion_that_cannot_be_checked_is_the_checks_fault(assertion: Assertion) -> None:
    spec = IcmpMonitor(HERE, ping_count=1, assertions=(assertion,))
    result = await probe_icmp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_ASSERTION")


SILENT_HOST = """
import asyncio, json, time
from bellrock.domain.specs import IcmpMonitor
from bellrock.runner.executors.icmp import probe_icmp
from tests.unit.runner.executors.probe_rig import tools_for
spec = IcmpMonitor("127.0.0.1", ping_count=2)
began = time.monotonic()
result = asyncio.run(probe_icmp(spec, tools_for(spec, left_s=1.0)))
print(result.outcome.verdict, result.outcome.blame, result.outcome.code)
print(json.dumps([result.details["response"], result.response_time_ms, time.monotonic() - began]))
"""


@can_ping
async def test_a_host_that_does_not_answer_has_lost_every_ping_by_the_deadline() -> None:
    outcome, found = await in_network_of_its_own(
        SILENT_HOST, prepared_by="ip link set lo up && echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all"
    )
    assert outcome == "FAILED target PACKET_LOSS"
    response, response_time_ms, took_s = json.loads(found)
    assert (response["packetsSent"], response["packetsReceived"], response["packetLoss"]) == (2, 0, 100)
    assert response["latency"] == {"avg": None, "min": None, "max": None, "stdDev": None}
    assert response_time_ms is None
    assert took_s < LATE_S


@can_ping
async def test_pings_that_the_deadline_leaves_no_time_for_are_not_sent() -> None:
    spec = IcmpMonitor(HERE, ping_count=50)
    began = time.monotonic()
    result = await probe_icmp(spec, tools_for(spec, left_s=0.7))
    assert time.monotonic() - began < LATE_S
    assert part(result, "response")["packetsSent"] == 2


async def test_a_name_that_does_not_exist_is_the_targets_fault() -> None:
    spec = IcmpMonitor("no-such-host.invalid")
    result = await probe_icmp(spec, tools_for(spec))
    assert result.outcome.blame is Blame.TARGET
    assert result.outcome.code in {"DNS_NOT_FOUND", "DNS_FAILED"}


# Rights are given up late: Python itself may lie where only root can read.
WITHOUT_RIGHTS = """
import asyncio, os
from bellrock.domain.specs import IcmpMonitor
from bellrock.runner.executors.icmp import probe_icmp, why_no_pings
from tests.unit.runner.executors.probe_rig import tools_for
spec = IcmpMonitor("127.0.0.1", ping_count=1)
asyncio.run(probe_icmp(spec, tools_for(spec)))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
result = asyncio.run(probe_icmp(spec, tools_for(spec)))
print(result.outcome.verdict, result.outcome.blame, result.outcome.code)
print(why_no_pings())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
async def test_a_runner_without_the_right_to_ping_blames_itself() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ping_group_range").read_text().split())
    if first <= 65_534 <= last:
        pytest.skip("everybody may ping here")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WITHOUT_RIGHTS, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    outcome, reason = printed.decode().splitlines()
    assert outcome == "ERRORED runner CANNOT_PING"
    assert "CAP_NET_RAW" in reason


def pings(*times: float | None) -> list[Ping]:
    return [Ping(number, 0, rtt_ms=each) for number, each in enumerate(times)]


def test_latencies_are_those_of_the_pings_that_came_back() -> None:
    assert latency(pings(1.0, None, 3.0)) == {"avg": 2.0, "min": 1.0, "max": 3.0, "stdDev": 1.0}
    assert packet_loss_percent(pings(1.0, None, 3.0, None)) == 50


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [(0, Verdict.PASSED), (10, Verdict.DEGRADED), (19.9, Verdict.DEGRADED), (20, Verdict.FAILED)],
)
def test_packet_loss_decides_at_its_limits(loss: float, verdict: Verdict) -> None:
    outcome = judge(IcmpMonitor(HERE), (), loss_percent=loss, sent=10)
    assert outcome.verdict is verdict
    assert outcome.blame is (None if verdict is Verdict.PASSED else Blame.TARGET)


@pytest.mark.parametrize("family", list(IpFamily))
def test_a_routers_complaint_is_recognized_by_what_it_quotes(family: IpFamily) -> None:
    request = echo_request(family, identifier=7, sequence=3, token=b"token123")
    ip_header = bytes([0x45]) + bytes(19) if family is IpFamily.V4 else bytes(40)
    unreachable = 3 if family is IpFamily.V4 else 1
    complaint = bytes([unreachable, 1]) + bytes(6) + ip_header + request
    assert read_echo(family, complaint, token_bytes=8) == Echo(
        unreachable, 1, is_reply=False, identifier=7, sequence=3, token=b"token123"
    )
    assert read_echo(family, request, token_bytes=8) is None
    assert read_echo(family, complaint[:20], token_bytes=8) is None
    assert read_echo(family, b"", token_bytes=8) is None


def test_an_ipv4_request_has_a_checksum_that_adds_up() -> None:
    request = echo_request(IpFamily.V4, identifier=0xFFFF, sequence=0xFFFF, token=b"\xff" * 8)
    words = [int.from_bytes(request[place : place + 2], "big") for place in range(0, len(request), 2)]
    total = sum(words)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF
