"""DNS monitors against name servers that misbehave: the right outcome, the right blame, in time."""

import time
from dataclasses import replace
from socket import SOCK_DGRAM

import dns.rcode
import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import Assertion, DnsMonitor
from bellrock.runner.executors.dns import DnsProbe, NameServer
from tests.support.dns_server import dns_server, garbage, of_another_question, records, silence
from tests.support.tcp_servers import resets, says, serving, unused_port
from tests.unit.runner.executors.probe_rig import LATE_S, part, tools_for, verdict_of

PASSED = (Verdict.PASSED, None, None)
HERE = "127.0.0.1"
ADDRESS = "shop.test. 60 IN A 192.0.2.1"
probe = DnsProbe(answer_s=2.0)


def monitor(port: int, **changes: object) -> DnsMonitor:
    spec = DnsMonitor("shop.test", name_server=HERE, port=port, max_response_time_ms=5_000)
    return replace(spec, degraded_response_time_ms=5_000, **changes)  # type: ignore[arg-type]  # by name


async def test_an_answer_is_shown_as_the_contracts_json() -> None:
    async with dns_server(records(ADDRESS)) as server:
        spec = monitor(server.port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "response")["json"] == {
        "Answer": [{"name": "shop.test.", "type": "A", "TTL": 60, "data": "192.0.2.1"}],
        "Question": [{"name": "shop.test.", "type": "A"}],
        "Status": "NOERROR",
        "TC": False,
        "RD": True,
        "RA": True,
        "AD": False,
        "CD": False,
    }
    assert "shop.test. 60 IN A 192.0.2.1" in part(result, "response")["text"]
    assert set(result.phases) == {"total"}


@pytest.mark.parametrize(
    ("record_type", "written", "shown"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8::1", "2001:db8::1"),
        ("CNAME", "www.shop.test.", "www.shop.test."),
        ("MX", "10 mail.shop.test.", "10 mail.shop.test."),
        ("TXT", '"v=spf1 " "include:_spf.test ~all"', "v=spf1 include:_spf.test ~all"),
        ("NS", "ns1.shop.test.", "ns1.shop.test."),
        (
            "SOA",
            "ns1.shop.test. admin.shop.test. 2024010100 7200 3600 1209600 3600",
            "ns1.shop.test. admin.shop.test. 2024010100 7200 3600 1209600 3600",
        ),
        ("HTTPS", '1 . alpn="h2,h3"', '1 . alpn="h2,h3"'),
    ],
)
async def test_every_record_type_can_be_asked_for(record_type: str, written: str, shown: str) -> None:
    async with dns_server(records(f"shop.test. 300 IN {record_type} {written}")) as server:
        spec = monitor(server.port, record_type=record_type)
        result = await probe(spec, tools_for(spec))
    assert [each["data"] for each in part(result, "response")["json"]["Answer"]] == [shown]
    assert verdict_of(result) == PASSED


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_any_other_code_than_noerror_fails(code: dns.rcode.Rcode) -> None:
    async with dns_server(records(code=code)) as server:
        spec = monitor(server.port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, dns.rcode.to_text(code))


async def test_a_code_that_is_asserted_passes() -> None:
    async with dns_server(records(code=dns.rcode.NXDOMAIN)) as server:
        spec = monitor(server.port, assertions=(Assertion("RESPONSE_CODE", "EQUALS", "NXDOMAIN"),))
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        (Assertion("JSON_ANSWER", "EQUALS", "192.0.2.1", property="$.Answer[0].data"), True),
        (Assertion("JSON_ANSWER", "GREATER_THAN", "60", property="$.Answer[*].TTL"), False),
        (Assertion("JSON_ANSWER", "EQUALS", "1", property="$.Answer.length"), True),
        (Assertion("TEXT_ANSWER", "CONTAINS", "192.0.2.1"), True),
        (Assertion("TEXT_ANSWER", "EQUALS", "60", property=r"shop\.test\. (\d+) IN A"), True),
        (Assertion("TEXT_ANSWER", "NOT_CONTAINS", "192.0.2.1"), False),
        (Assertion("RESPONSE_TIME", "LESS_THAN", "5000"), True),
        (Assertion("RESPONSE_CODE", "EQUALS", "NXDOMAIN"), False),
    ],
)
async def test_answers_are_asserted(assertion: Assertion, *, holds: bool) -> None:
    async with dns_server(records(ADDRESS)) as server:
        spec = monitor(server.port, assertions=(assertion,))
        result = await probe(spec, tools_for(spec))
    expected = PASSED if holds else (Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED")
    assert verdict_of(result) == expected


@pytest.mark.parametrize(
    "assertion",
    [
        Assertion("STATUS_CODE", "EQUALS", "200"),
        Assertion("JSON_ANSWER", "EQUALS", "1", property="Answer"),
        Assertion("TEXT_ANSWER", "CONTAINS", "1", property="["),
    ],
)
async def test_an_assertion_that_cannot_be_checked_is_the_checks_fault(assertion: Assertion) -> None:
    async with dns_server(records(ADDRESS)) as server:
        spec = monitor(server.port, assertions=(assertion,))
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_ASSERTION")


async def test_a_question_over_tcp_goes_over_tcp_alone() -> None:
    async with dns_server(silence, records(ADDRESS)) as server:
        spec = monitor(server.port, protocol="TCP")
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert server.asked == ["TCP"]


async def test_an_answer_that_was_cut_short_is_asked_for_again_over_tcp() -> None:
    async with dns_server(records(truncated=True), records(ADDRESS)) as server:
        spec = monitor(server.port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert server.asked == ["UDP", "TCP"]
    assert part(result, "response")["json"]["TC"] is False


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
async def test_a_name_server_that_says_nothing_is_at_fault_when_time_is_up(protocol: str) -> None:
    async with dns_server(silence) as server:
        spec = monitor(server.port, protocol=protocol)
        began = time.monotonic()
        result = await probe(spec, tools_for(spec, left_s=0.5))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")
    assert "dns phase" in (result.outcome.message or "")


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize("answer", [garbage, of_another_question])
async def test_an_answer_that_is_none_is_the_name_servers_fault(protocol: str, answer: object) -> None:
    async with dns_server(answer) as server:  # type: ignore[arg-type]  # one of two functions
        spec = monitor(server.port, protocol=protocol)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "BAD_RESPONSE")


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
async def test_where_no_name_server_listens_the_target_is_at_fault(protocol: str) -> None:
    spec = monitor(unused_port(SOCK_DGRAM), protocol=protocol)
    result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_REFUSED")


@pytest.mark.parametrize("behaviour", [resets, says()])
async def test_a_name_server_that_hangs_up_is_at_fault(behaviour: object) -> None:
    async with serving(behaviour) as port:  # type: ignore[arg-type]  # one of two functions
        spec = monitor(port, protocol="TCP")
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_RESET")


async def test_without_a_name_server_the_next_resolver_is_asked_where_one_is_silent() -> None:
    async with dns_server(silence) as mute, dns_server(records(ADDRESS)) as good:
        chain = DnsProbe((NameServer(HERE, mute.port), NameServer(HERE, good.port)), answer_s=0.3)
        spec = monitor(53, name_server=None)
        said: list[str] = []
        began = time.monotonic()
        result = await chain(spec, tools_for(spec, said=said))
        took_ms = (time.monotonic() - began) * 1_000
    assert verdict_of(result) == PASSED
    assert part(result, "response")["port"] == good.port
    assert result.response_time_ms is not None
    assert result.response_time_ms < took_ms - 290  # the silence of the first is not the second's
    assert any("did not answer" in line for line in said)


async def test_an_answer_of_the_first_resolver_stands_whatever_it_is() -> None:
    async with dns_server(records(code=dns.rcode.SERVFAIL)) as first, dns_server(records(ADDRESS)) as second:
        chain = DnsProbe((NameServer(HERE, first.port), NameServer(HERE, second.port)))
        spec = monitor(53, name_server=None)
        result = await chain(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "SERVFAIL")
    assert second.asked == []


async def test_resolvers_that_are_all_silent_are_the_runners_fault() -> None:
    async with dns_server(silence) as mute:
        servers = (NameServer(HERE, mute.port), NameServer(HERE, unused_port(SOCK_DGRAM)))
        chain = DnsProbe(servers, and_system=False, answer_s=0.3)
        spec = monitor(53, name_server=None)
        result = await chain(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.ERRORED, Blame.RUNNER, "NO_RESOLVER_ANSWERED")
    assert "TIMED_OUT" in (result.outcome.message or "")


async def test_the_deadline_holds_for_the_whole_chain() -> None:
    async with dns_server(silence) as mute:
        chain = DnsProbe((NameServer(HERE, mute.port),) * 50, and_system=False, answer_s=5)
        spec = monitor(53, name_server=None)
        began = time.monotonic()
        result = await chain(spec, tools_for(spec, left_s=0.5))
    assert time.monotonic() - began < LATE_S
    assert result.outcome.blame is Blame.RUNNER


@pytest.mark.parametrize(
    ("query", "record_type"), [("bad..name", "A"), ("x" * 64 + ".test", "A"), ("shop.test", "PTR")]
)
async def test_a_question_that_cannot_be_asked_is_the_checks_fault(query: str, record_type: str) -> None:
    spec = monitor(53, query=query, record_type=record_type)
    result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_QUERY")


async def test_a_name_server_may_be_named() -> None:
    async with dns_server(records(ADDRESS)) as server:
        spec = monitor(server.port, name_server="localhost")
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "response")["nameServer"] == HERE


async def test_of_a_huge_answer_all_is_asserted_and_the_beginning_kept() -> None:
    many = records(*(f"shop.test. 60 IN A 192.0.{number // 250}.{number % 250}" for number in range(900)))
    async with dns_server(many) as server:
        spec = monitor(
            server.port,
            protocol="TCP",
            assertions=(Assertion("JSON_ANSWER", "EQUALS", "900", property="$.Answer.length"),),
        )
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert len(part(result, "response")["json"]["Answer"]) == 500
    assert part(result, "response")["isTruncated"] is True


async def test_a_slow_answer_degrades_and_fails() -> None:
    async with dns_server(records(ADDRESS)) as server:
        degraded = replace(monitor(server.port), degraded_response_time_ms=0)
        failing = replace(degraded, max_response_time_ms=0)
        assert (await probe(degraded, tools_for(degraded))).outcome.verdict is Verdict.DEGRADED
        assert verdict_of(await probe(failing, tools_for(failing)))[2] == "TOO_SLOW"
