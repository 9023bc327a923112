"""What pings mean: packet loss and assertions become one outcome."""

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import Assertion, IcmpMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable, check_values
from bellrock.runner.asserting import check_all, check_document, unknown_source
from bellrock.runner.executors.icmp.statistics import JsonObject, Latency
from bellrock.runner.probing import failed, judge_assertions

_LATENCY = "LATENCY"
_JSON_RESPONSE = "JSON_RESPONSE"


async def check_assertions(
    monitor: IcmpMonitor, response: JsonObject, latency: Latency, *, left_s: float
) -> tuple[AssertionResult, ...]:
    """Every assertion against the series. Raises AssertionUnusable."""

    def check(assertion: Assertion) -> AssertionResult:
        if assertion.source == _LATENCY:
            return _check_latency(assertion, latency)
        if assertion.source == _JSON_RESPONSE:
            return check_document(assertion, response, subject="The JSON response")
        raise unknown_source(assertion, monitor="An ICMP monitor", allowed=(_LATENCY, _JSON_RESPONSE))

    return await check_all(monitor.assertions, check, left_s=left_s)


def _check_latency(assertion: Assertion, latency: Latency) -> AssertionResult:
    if assertion.property not in latency:
        raise AssertionUnusable(
            f"A latency has no {assertion.property!r}: allowed are {', '.join(sorted(latency))}."
        )
    value = latency[assertion.property]
    subject = f"The latency's {assertion.property} in ms"
    return check_values(assertion, [] if value is None else [value], subject=subject)


def judge_loss(monitor: IcmpMonitor, loss_percent: float, sent: int) -> Outcome:
    """Passed, degraded or failed by packet loss; what is at a limit is over it."""
    lost = f"{loss_percent:g} % of {sent} pings to {monitor.hostname} got no reply"
    if loss_percent >= monitor.max_packet_loss_percent:
        return failed("PACKET_LOSS", f"{lost}: the maximum is {monitor.max_packet_loss_percent:g} %.")
    if loss_percent >= monitor.degraded_packet_loss_percent:
        message = f"{lost}: the degraded limit is {monitor.degraded_packet_loss_percent:g} %."
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "PACKET_LOSS", message)
    return Outcome(Verdict.PASSED)


def judge(
    monitor: IcmpMonitor, results: tuple[AssertionResult, ...], *, loss_percent: float, sent: int
) -> Outcome:
    """The outcome of a series. Loss over the maximum first: it is why latencies are missing."""
    by_loss = judge_loss(monitor, loss_percent, sent)
    if by_loss.verdict is Verdict.FAILED:
        return by_loss
    return judge_assertions(results) or by_loss
