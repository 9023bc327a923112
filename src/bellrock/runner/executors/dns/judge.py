"""What an answer means: response code, assertions and response times become one outcome."""

from bellrock.domain.outcomes import Outcome
from bellrock.domain.specs import Assertion, DnsMonitor
from bellrock.expressions.assertions import AssertionResult, check_values
from bellrock.runner.asserting import check_all, check_document, check_text, unknown_source
from bellrock.runner.executors.dns.answer import JsonObject
from bellrock.runner.probing import failed, judge_assertions, judge_time

_RESPONSE_CODE = "RESPONSE_CODE"
_SOURCES = (_RESPONSE_CODE, "RESPONSE_TIME", "TEXT_ANSWER", "JSON_ANSWER")


async def check_assertions(
    monitor: DnsMonitor, answer: JsonObject, text: str, *, total_ms: float, left_s: float
) -> tuple[AssertionResult, ...]:
    """Every assertion against the answer. Raises AssertionUnusable."""

    def check(assertion: Assertion) -> AssertionResult:
        match assertion.source:
            case "RESPONSE_CODE":
                return check_values(assertion, [answer["Status"]], subject="The response code")
            case "RESPONSE_TIME":
                return check_values(assertion, [round(total_ms)], subject="The response time in ms")
            case "TEXT_ANSWER":
                return check_text(assertion, text, subject="The text answer")
            case "JSON_ANSWER":
                return check_document(assertion, answer, subject="The JSON answer")
            case _:
                raise unknown_source(assertion, monitor="A DNS monitor", allowed=_SOURCES)

    return await check_all(monitor.assertions, check, left_s=left_s)


def judge(
    monitor: DnsMonitor, code: str, results: tuple[AssertionResult, ...], *, total_ms: float
) -> Outcome:
    """The outcome of an answer. Any code may be asserted; without that only NOERROR is good."""
    if outcome := judge_assertions(results):
        return outcome
    is_code_asserted = any(each.source == _RESPONSE_CODE for each in monitor.assertions)
    if code != "NOERROR" and not is_code_asserted:
        message = f"The response code for {monitor.query} {monitor.record_type} is {code}, not NOERROR."
        return failed(code, message)
    return judge_time(
        total_ms, degraded_ms=monitor.degraded_response_time_ms, max_ms=monitor.max_response_time_ms
    )
