"""A TCP monitor's probe: look up, connect, talk; judgement; result body."""

import base64
import codecs
import time
from contextlib import closing
from dataclasses import dataclass, field
from socket import socket

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import TcpMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.executors.tcp.conversation import MOST_BYTES, Heard, listen, send
from bellrock.runner.executors.tcp.judge import about_data, check_assertions, is_satisfied, judge
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed
from bellrock.runner.reaching import Address, NotReached, Phase, connect, explain, resolve

_MS = 1_000
_CONNECTING = frozenset({Phase.DNS, Phase.CONNECTION})


@dataclass(slots=True)
class _Findings:
    """What is known of a run, as far as it got. Durations in ms; a phase is there once it is over."""

    started: float
    phases: dict[str, float] = field(default_factory=dict)
    address: Address | None = None
    heard: Heard = field(default_factory=Heard)
    assertions: tuple[AssertionResult, ...] = ()

    @property
    def total_ms(self) -> float:
        return sum(self.phases.values())

    @property
    def text(self) -> str:
        return self.heard.data.decode("utf-8", errors="replace")

    def took(self, phase: Phase, since: float, until: float | None = None) -> None:
        self.phases[phase] = ((time.monotonic() if until is None else until) - since) * _MS


async def probe_tcp(monitor: TcpMonitor, tools: ProbeTools) -> ProbeResult:
    """One connection. What keeps it from being made is the target's fault, but for this runner's own network.

    The response time ends with the last byte that came; the silence after it is not counted. Nothing is
    read where the check neither sends nor asserts data. ``should_fail`` turns round the connection alone:
    then a target that cannot be connected to passes, and one that can fails.
    """
    findings = _Findings(time.monotonic())
    try:
        with closing(await _connected(monitor, tools, findings)) as connection:
            if monitor.should_fail:
                message = f"{monitor.hostname} port {monitor.port} took the connection: none was expected."
                return _result(monitor, findings, failed("CONNECTION_MADE", message))
            if (by_time := judge(monitor, (), total_ms=findings.total_ms)).verdict is Verdict.FAILED:
                return _result(monitor, findings, by_time)  # no time is left to talk in
            await _talk(connection, monitor, tools, findings)
        outcome = await _judged(monitor, findings, tools)
    except NotReached as failure:
        is_expected = monitor.should_fail and failure.phase in _CONNECTING and failure.blame is Blame.TARGET
        outcome = Outcome(Verdict.PASSED) if is_expected else failure.outcome
        return _result(monitor, findings, outcome, error=str(failure))
    return _result(monitor, findings, outcome)


async def _connected(monitor: TcpMonitor, tools: ProbeTools, findings: _Findings) -> socket:
    began = time.monotonic()
    try:
        findings.address = await resolve(monitor.hostname, monitor.ip_family, timeout_s=tools.left_s)
    finally:
        findings.took(Phase.DNS, began)
    tools.say(f"Connecting to {findings.address.ip} port {monitor.port}")
    began = time.monotonic()
    try:
        return await connect(findings.address, monitor.port, timeout_s=tools.left_s, guard=tools.guard)
    finally:
        findings.took(Phase.CONNECTION, began)


async def _talk(connection: socket, monitor: TcpMonitor, tools: ProbeTools, findings: _Findings) -> None:
    """Send and listen, until the maximum response time: what comes later cannot help the check."""
    asserted = about_data(monitor)
    if not monitor.data and not asserted:
        return
    assert findings.address is not None  # noqa: S101 - there is a connection
    latest = min(tools.deadline, findings.started + monitor.max_response_time_ms / _MS)
    began = time.monotonic()

    async def enough(data: bytes) -> bool:
        return await is_satisfied(asserted, data.decode("utf-8", errors="replace"), left_s=tools.left_s)

    try:
        await send(connection, monitor.data.encode(), until=latest)
        spoken = time.monotonic()
        findings.heard = await listen(connection, enough=enough, until=latest)
    except OSError as error:
        findings.took(Phase.DATA, began)
        raise explain(
            error, Phase.DATA, findings.address, monitor.port, waited_s=time.monotonic() - began
        ) from error
    heard = findings.heard
    findings.took(Phase.DATA, began, heard.last_at or spoken)
    tools.say(f"{len(heard.data)} bytes came")
    if not (heard.data or heard.has_ended) and not await enough(b""):
        findings.took(Phase.DATA, began)
        silence = TimeoutError()
        raise explain(silence, Phase.DATA, findings.address, monitor.port, waited_s=time.monotonic() - spoken)


async def _judged(monitor: TcpMonitor, findings: _Findings, tools: ProbeTools) -> Outcome:
    total_ms = findings.total_ms
    try:
        findings.assertions = await check_assertions(
            monitor.assertions, findings.text, total_ms=total_ms, left_s=tools.left_s
        )
    except AssertionUnusable as error:
        return failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
    return judge(monitor, findings.assertions, total_ms=total_ms)


def _result(
    monitor: TcpMonitor, findings: _Findings, outcome: Outcome, *, error: str | None = None
) -> ProbeResult:
    phases = {**findings.phases, "total": findings.total_ms}
    details: dict[str, object] = {
        "request": {
            "hostname": monitor.hostname,
            "port": monitor.port,
            "ipFamily": monitor.ip_family,
            "data": monitor.data,
        },
        "response": {
            "ip": findings.address.ip if findings.address else None,
            "timingPhases": {name: round(ms, 3) for name, ms in phases.items()},
            **_answer(findings.heard),
        },
        "assertions": assertion_details(findings.assertions),
        "requestError": error,
    }
    return ProbeResult(outcome, findings.total_ms, details, phases)


def _answer(heard: Heard) -> dict[str, object]:
    answer: dict[str, object] = {"isTruncated": heard.is_cut, "mostBytes": MOST_BYTES}
    try:
        # Of an answer that is cut, the last character may be half there.
        text = codecs.getincrementaldecoder("utf-8")().decode(heard.data, final=not heard.is_cut)
        return {**answer, "data": text}
    except UnicodeDecodeError:
        return {**answer, "data": base64.b64encode(heard.data).decode(), "dataEncoding": "base64"}
