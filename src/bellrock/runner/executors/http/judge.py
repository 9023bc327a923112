"""What a response means: assertions, response times and `shouldFail` become one outcome."""

from collections.abc import Sequence
from typing import Protocol

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.expressions.assertions import AssertionResult
from bellrock.runner.executors.http.request import RequestFailed, Response
from bellrock.runner.probing import failed, judge_assertions, judge_time

FIRST_ERROR_STATUS = 400


class Limits(Protocol):
    """The part of a specification that judges."""

    @property
    def degraded_response_time_ms(self) -> int: ...
    @property
    def max_response_time_ms(self) -> int: ...
    @property
    def should_fail(self) -> bool: ...


def outcome_of_failure(failure: RequestFailed) -> Outcome:
    """The outcome of a request without a response."""
    if failure.blame is Blame.RUNNER:
        return Outcome(Verdict.ERRORED, Blame.RUNNER, failure.code, f"{failure}.")
    return failed(failure.code, f"{failure}.", blame=failure.blame)


def judge(limits: Limits, response: Response, assertions: Sequence[AssertionResult]) -> Outcome:
    """The outcome of a response. Assertions first: what they say cannot be outweighed by speed."""
    if outcome := judge_assertions(assertions):
        return outcome
    status = response.status
    if status >= FIRST_ERROR_STATUS and not limits.should_fail:
        return failed("STATUS_CODE", f"The status code is {status}: below {FIRST_ERROR_STATUS} was expected.")
    return judge_time(
        response.times.total,
        degraded_ms=limits.degraded_response_time_ms,
        max_ms=limits.max_response_time_ms,
    )
