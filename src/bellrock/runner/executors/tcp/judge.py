"""What a conversation means: assertions and response times become one outcome."""

from bellrock.domain.outcomes import Outcome
from bellrock.domain.specs import Assertion, TcpMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable, check_values
from bellrock.runner.asserting import check_all, check_text, unknown_source
from bellrock.runner.probing import judge_assertions, judge_time

_RESPONSE_DATA = "RESPONSE_DATA"
_RESPONSE_TIME = "RESPONSE_TIME"


def about_data(monitor: TcpMonitor) -> tuple[Assertion, ...]:
    """The assertions that need the peer's answer."""
    return tuple(each for each in monitor.assertions if each.source == _RESPONSE_DATA)


async def check_assertions(
    assertions: tuple[Assertion, ...], text: str, *, total_ms: float, left_s: float
) -> tuple[AssertionResult, ...]:
    """Every assertion against the peer's answer and the response time. Raises AssertionUnusable."""

    def check(assertion: Assertion) -> AssertionResult:
        if assertion.source == _RESPONSE_DATA:
            return check_text(assertion, text, subject="The response data")
        if assertion.source == _RESPONSE_TIME:
            return check_values(assertion, [round(total_ms)], subject="The response time in ms")
        allowed = (_RESPONSE_DATA, _RESPONSE_TIME)
        raise unknown_source(assertion, monitor="A TCP monitor", allowed=allowed)

    return await check_all(assertions, check, left_s=left_s)


async def is_satisfied(assertions: tuple[Assertion, ...], text: str, *, left_s: float) -> bool:
    """Whether all hold, or one of them can never be judged, so that waiting for more is idle."""
    try:
        results = await check_assertions(assertions, text, total_ms=0, left_s=left_s)
    except AssertionUnusable:
        return True
    return all(each.error is None for each in results)


def judge(monitor: TcpMonitor, results: tuple[AssertionResult, ...], *, total_ms: float) -> Outcome:
    """The outcome of a connection that was made."""
    return judge_assertions(results) or judge_time(
        total_ms, degraded_ms=monitor.degraded_response_time_ms, max_ms=monitor.max_response_time_ms
    )
