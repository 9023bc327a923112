"""TCP monitors against servers that misbehave: the right outcome, the right blame, the phase, in time."""

import asyncio
import time
from contextlib import closing
from dataclasses import replace

import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import Assertion, IpFamily, TcpMonitor
from bellrock.runner.executors.tcp import probe_tcp
from bellrock.runner.executors.tcp.conversation import MOST_BYTES, listen
from bellrock.runner.reaching import connect, resolve
from tests.support.tcp_servers import (
    dropping_connections,
    echoes,
    never_ends,
    resets,
    says,
    says_nothing,
    serving,
    unused_port,
)
from tests.unit.runner.executors.probe_rig import LATE_S, assertion_errors, part, tools_for, verdict_of

PASSED = (Verdict.PASSED, None, None)
HERE = "127.0.0.1"


def contains(text: str, *, pattern: str = "") -> Assertion:
    return Assertion("RESPONSE_DATA", "CONTAINS", text, property=pattern)


def monitor(port: int, **changes: object) -> TcpMonitor:
    return replace(TcpMonitor(HERE, port), **changes)  # type: ignore[arg-type]  # fields by name


async def test_a_connection_that_is_taken_passes_with_the_duration_of_its_phases() -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port)
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert set(result.phases) == {"dns", "connection", "total"}
    assert result.response_time_ms == pytest.approx(result.phases["dns"] + result.phases["connection"])
    assert part(result, "response")["ip"] == HERE


async def test_ipv6_is_used_where_the_check_asks_for_it() -> None:
    async with serving(says_nothing, "::1") as port:
        spec = TcpMonitor("::1", port, ip_family=IpFamily.V6)
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "response")["ip"] == "::1"


async def test_a_refused_connection_is_the_targets_fault() -> None:
    spec = monitor(unused_port())
    result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_REFUSED")
    assert "connection phase" in (result.outcome.message or "")


async def test_a_connection_that_nobody_answers_ends_at_the_deadline() -> None:
    async with dropping_connections() as port:
        spec = monitor(port)
        began = time.monotonic()
        result = await probe_tcp(spec, tools_for(spec, left_s=0.5))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")
    assert "connection phase" in (result.outcome.message or "")


async def test_a_name_that_does_not_exist_is_the_targets_fault() -> None:
    spec = TcpMonitor("no-such-host.invalid", 80)
    result = await probe_tcp(spec, tools_for(spec))
    # A machine without a resolver cannot tell that the name does not exist.
    assert verdict_of(result) in {
        (Verdict.FAILED, Blame.TARGET, "DNS_NOT_FOUND"),
        (Verdict.FAILED, Blame.TARGET, "DNS_FAILED"),
    }
    assert "dns phase" in (result.outcome.message or "")
    assert set(result.phases) == {"dns", "total"}


@pytest.mark.parametrize(
    ("hostname", "port", "code"),
    [
        ("bad..name", 80, "BAD_HOSTNAME"),
        ("x" * 64, 80, "BAD_HOSTNAME"),
        ("localhost\0.example.com", 80, "BAD_HOSTNAME"),
        ("", 80, "BAD_HOSTNAME"),
        ("::1", 80, "WRONG_IP_FAMILY"),
        (HERE, 70_000, "BAD_PORT"),
    ],
)
async def test_a_target_that_cannot_be_written_is_the_checks_fault(
    hostname: str, port: int, code: str
) -> None:
    spec = TcpMonitor(hostname, port)
    result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, code)


async def test_an_answer_to_sent_data_is_asserted() -> None:
    async with serving(echoes) as port:
        spec = monitor(port, data="PING 42\r\n", assertions=(contains("42", pattern=r"PING (\d+)"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "response")["data"] == "PING 42\r\n"
    assert "data" in result.phases


async def test_the_silence_after_an_answer_is_not_counted() -> None:
    async with serving(echoes) as port:
        spec = monitor(port, data="PING", assertions=(Assertion("RESPONSE_TIME", "LESS_THAN", "240"),))
        began = time.monotonic()
        result = await probe_tcp(spec, tools_for(spec))
        took_ms = (time.monotonic() - began) * 1_000
    assert result.response_time_ms is not None
    assert result.response_time_ms < took_ms - 200


async def test_an_assertion_that_does_not_hold_fails_the_check() -> None:
    async with serving(says(b"SSH-1.99\r\n")) as port:
        spec = monitor(port, assertions=(contains("SSH-2"), contains("SSH")))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED")
    assert [error is None for error in assertion_errors(result)] == [False, True]


async def test_an_answer_in_pieces_is_waited_for_until_it_is_enough() -> None:
    went_on = asyncio.Event()

    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"starting")
        await went_on.wait()
        writer.write(b" ready")
        await reader.read(1)

    async def enough(data: bytes) -> bool:
        went_on.set()  # asked in the silence after the first piece
        return data.endswith(b"ready")

    async with serving(in_pieces) as port:
        address = await resolve(HERE, IpFamily.V4, timeout_s=5)
        with closing(await connect(address, port, timeout_s=5, guard=None)) as connection:
            heard = await listen(connection, enough=enough, until=time.monotonic() + LATE_S)
    assert heard.data == b"starting ready"
    assert not heard.has_ended


async def test_a_peer_that_says_nothing_is_named_when_time_is_up() -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port, data="PING", assertions=(contains("PONG"),))
        began = time.monotonic()
        result = await probe_tcp(spec, tools_for(spec, left_s=0.5))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")
    assert "data phase" in (result.outcome.message or "")


async def test_nothing_is_waited_for_beyond_the_maximum_response_time() -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port, assertions=(contains("PONG"),), max_response_time_ms=300)
        began = time.monotonic()
        result = await probe_tcp(spec, tools_for(spec, left_s=60))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")


async def test_a_peer_that_need_not_answer_may_be_silent() -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port, data="log line\n", assertions=(Assertion("RESPONSE_DATA", "IS_EMPTY"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED


async def test_a_peer_that_closes_early_is_judged_by_what_it_said() -> None:
    async with serving(says()) as port:
        spec = monitor(port, assertions=(contains("PONG"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED")


async def test_a_peer_that_resets_the_connection_is_at_fault() -> None:
    async with serving(resets) as port:
        spec = monitor(port, assertions=(contains("PONG"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_RESET")
    assert "data phase" in (result.outcome.message or "")


async def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    async with serving(never_ends) as port:
        spec = monitor(port, assertions=(contains("xxx"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert len(part(result, "response")["data"]) == MOST_BYTES
    assert part(result, "response")["isTruncated"] is True


async def test_a_character_that_is_cut_in_half_does_not_make_a_text_bytes() -> None:
    async with serving(says(b"x" + "é".encode() * MOST_BYTES)) as port:
        spec = monitor(port, assertions=(contains("é"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert part(result, "response")["data"] == "x" + "é" * (MOST_BYTES // 2 - 1)
    assert "dataEncoding" not in part(result, "response")


async def test_bytes_that_are_no_text_are_shown_as_base64() -> None:
    async with serving(says(b"\xff\x00\xfe")) as port:
        spec = monitor(port, assertions=(Assertion("RESPONSE_DATA", "NOT_EMPTY"),))
        result = await probe_tcp(spec, tools_for(spec))
    assert part(result, "response")["data"] == "/wD+"
    assert part(result, "response")["dataEncoding"] == "base64"


@pytest.mark.parametrize(
    "assertion",
    [
        Assertion("STATUS_CODE", "EQUALS", "200"),
        Assertion("RESPONSE_DATA", "CONTAINS", "x", property="("),
        Assertion("RESPONSE_TIME", "LESS_THAN", "soon"),
        Assertion("RESPONSE_DATA", "CONTAINS", "x", property="(a|aa)+$"),
    ],
)
async def test_an_assertion_that_cannot_be_checked_is_the_checks_fault(assertion: Assertion) -> None:
    async with serving(says(b"a" * 64 + b"!")) as port:
        spec = monitor(port, data="x", assertions=(assertion,))
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_ASSERTION")


async def test_a_slow_regular_expression_does_not_hold_up_other_runs() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async with serving(says(b"a" * 64 + b"!")) as port:
        spec = monitor(port, assertions=(contains("x", pattern="(a|aa)+$"),))
        ticking = asyncio.create_task(tick())
        await probe_tcp(spec, tools_for(spec))
        ticking.cancel()
    assert ticks > 10


async def test_a_slow_answer_degrades_and_fails() -> None:
    async with serving(says_nothing) as port:
        degraded = monitor(port, degraded_response_time_ms=0)
        failing = monitor(port, degraded_response_time_ms=0, max_response_time_ms=0)
        assert (await probe_tcp(degraded, tools_for(degraded))).outcome.verdict is Verdict.DEGRADED
        assert verdict_of(await probe_tcp(failing, tools_for(failing)))[2] == "TOO_SLOW"


async def test_a_connection_that_should_fail_passes_when_it_is_refused() -> None:
    spec = monitor(unused_port(), should_fail=True)
    result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert "refused" in str(part(result, "requestError"))


async def test_a_connection_that_should_fail_does_not_pass_when_it_is_taken() -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port, should_fail=True)
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_MADE")


async def test_a_check_that_cannot_be_asked_does_not_pass_because_it_should_fail() -> None:
    spec = TcpMonitor("bad..name", 80, should_fail=True)
    result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_HOSTNAME")


async def test_a_connection_that_took_too_long_is_not_talked_through() -> None:
    async with serving(echoes) as port:
        spec = monitor(port, data="PING", assertions=(contains("PING"),), max_response_time_ms=0)
        result = await probe_tcp(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TOO_SLOW")
    assert "data" not in result.phases


async def test_assertions_that_take_too_long_together_are_the_checks_fault() -> None:
    slow = contains("x", pattern="(a|aa)+$")
    async with serving(says(b"a" * 26 + b"!")) as port:
        spec = monitor(port, assertions=(slow,) * 200)
        began = time.monotonic()
        result = await probe_tcp(spec, tools_for(spec, left_s=1.0))
    assert time.monotonic() - began < LATE_S
    assert result.outcome.verdict is Verdict.FAILED
