"""What a response means: assertions, response times and `shouldFail` become one outcome."""

from dataclasses import dataclass

from bellrock.domain.checks import StatusAssertion, UrlMonitor
from bellrock.domain.outcomes import Blame, Outcome, Verdict

FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """An assertion with what was found. ``error`` is a sentence where it does not hold."""

    assertion: StatusAssertion
    actual: int
    error: str | None


def check_assertions(monitor: UrlMonitor, status: int) -> tuple[AssertionResult, ...]:
    """Every assertion against the status code."""
    return tuple(_check(assertion, status) for assertion in monitor.assertions)


def judge(
    monitor: UrlMonitor, status: int, *, response_time_ms: float, assertions: tuple[AssertionResult, ...]
) -> Outcome:
    """The outcome of a response. Assertions first: what they say cannot be outweighed by speed."""
    for result in assertions:
        if result.error:
            return _failed("ASSERTION_FAILED", result.error)
    if status >= FIRST_ERROR_STATUS and not monitor.should_fail:
        return _failed(
            "STATUS_CODE", f"The status code is {status}: below {FIRST_ERROR_STATUS} was expected."
        )
    if response_time_ms > monitor.max_response_time_ms:
        return _failed("TOO_SLOW", _slow(response_time_ms, monitor.max_response_time_ms, "maximum"))
    if response_time_ms > monitor.degraded_response_time_ms:
        message = _slow(response_time_ms, monitor.degraded_response_time_ms, "degraded limit")
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "SLOW", message)
    return Outcome(Verdict.PASSED)


def _check(assertion: StatusAssertion, status: int) -> AssertionResult:
    try:
        target = int(assertion.target)
    except ValueError:
        error = f"The assertion's target {assertion.target!r} is no status code."
        return AssertionResult(assertion, status, error)
    holds = {
        "EQUALS": status == target,
        "NOT_EQUALS": status != target,
        "LESS_THAN": status < target,
        "GREATER_THAN": status > target,
    }.get(assertion.comparison)
    if holds:
        return AssertionResult(assertion, status, None)
    words = assertion.comparison.lower().replace("_", " ")
    return AssertionResult(assertion, status, f"The status code is {status}: {words} {target} was asserted.")


def _slow(actual_ms: float, limit_ms: int, name: str) -> str:
    return f"The response took {actual_ms:.0f} ms: the {name} is {limit_ms} ms."


def _failed(code: str, message: str) -> Outcome:
    return Outcome(Verdict.FAILED, Blame.TARGET, code, message)
