"""Probes: checks that ask a target something and judge the answer, in this process and within seconds.

A probe is a function of what the check wants and of a deadline; everything around it, its report first of
all, is the same for all of them.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, cast

from pydantic_core import PydanticSerializationError, to_json

from bellrock.domain.live import Stage
from bellrock.domain.outcomes import TOO_SLOW, Blame, Outcome, Verdict
from bellrock.domain.specs import Spec
from bellrock.expressions.assertions import AssertionResult
from bellrock.runner.network import NetworkGuard
from bellrock.runner.recorder import RunContext
from bellrock.runner.scrub import Scrubber
from bellrock.wire.messages import JobSpec, Report, Timing

RUN_CAP_S = 30.0
_MARGIN_S = 2.0
_LEFT_OUT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ProbeTools:
    """What a probe has besides its specification: a deadline of `time.monotonic`, the job, and a voice.

    ``context`` is the whole run, for a probe that starts processes. ``guard`` says where nothing may be
    sent; None: everything may be reached.
    """

    job: JobSpec
    deadline: float
    say: Callable[[str], None]
    context: RunContext | None = None
    guard: NetworkGuard | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, not below 0."""
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found. ``details`` is the contract's result body of its type; ``phases`` in ms."""

    outcome: Outcome
    response_time_ms: float | None = None
    details: dict[str, object] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)


S = TypeVar("S", bound=Spec)
Probe = Callable[[S, ProbeTools], Awaitable[ProbeResult]]


class ProbeExecutor(Generic[S]):
    """Carries out checks of one type by a probe. ``cap_s`` bounds the whole run.

    The probe keeps the deadline by itself, so that it can say what it was waiting for; one that does not is
    ended shortly after, which is the runner's fault.
    """

    def __init__(
        self,
        spec_type: type[S],
        probe: Probe[S],
        *,
        cap_s: float = RUN_CAP_S,
        guard: NetworkGuard | None = None,
    ) -> None:
        self._spec_type = spec_type
        self._probe = probe
        self._guard = guard
        self._cap_s = cap_s

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        """One run of the probe, to its end: cancels do not apply."""
        started_at = context.clock()
        spec = job.spec
        if not isinstance(spec, self._spec_type):
            message = f"The job is a {spec.type} check, and this is no executor for it."
            result = ProbeResult(Outcome(Verdict.ERRORED, Blame.RUNNER, "BAD_JOB", message))
        else:
            context.events.stage(Stage.TESTING)
            tools = ProbeTools(
                job,
                time.monotonic() + self._cap_s,
                lambda text: context.events.output("system", f"{text}\n"),
                context,
                self._guard,
            )
            result = await self._within_cap(spec, tools)
        result = _presentable(result, context.scrubber)
        if result.outcome.message:
            context.events.output("system", f"{result.outcome.message}\n")
        response_time_ms = None if result.response_time_ms is None else round(result.response_time_ms)
        return Report(
            run_id=job.run_id,
            token=context.token,
            outcome=result.outcome,
            started_at=started_at,
            stopped_at=context.clock(),
            response_time_ms=response_time_ms,
            errors=(result.outcome.message,) if result.outcome.message else (),
            timings=tuple(Timing(stage=name, duration_ms=round(ms)) for name, ms in result.phases.items()),
            details=result.details,
        )

    async def _within_cap(self, spec: S, tools: ProbeTools) -> ProbeResult:
        try:
            async with asyncio.timeout(self._cap_s + _MARGIN_S):
                return await self._probe(spec, tools)
        except TimeoutError:
            message = f"The {spec.type} check did not end within {self._cap_s:g} s."
            return ProbeResult(Outcome(Verdict.ERRORED, Blame.RUNNER, "PROBE_STUCK", message))


def _presentable(result: ProbeResult, scrubber: Scrubber) -> ProbeResult:
    """Without secrets, since a target may send back what it was asked with, and fit to be stored."""
    outcome, details = result.outcome, result.details
    if scrubber.has_secrets:
        details = cast("dict[str, object]", scrubber.tree(details))
    if outcome.message:
        outcome = replace(outcome, message=str(storable(scrubber.text(outcome.message))))
    return replace(result, outcome=outcome, details=cast("dict[str, object]", storable(details)))


def storable(value: object) -> object:
    """A value as JSON has them, without what no database takes: NUL, and halves of characters."""
    try:
        # To write nearly all of them and look is quicker than to look into each.
        if b"\\u0000" not in to_json(value):
            return value
    except PydanticSerializationError:
        pass  # half a character
    return _without_the_left_out(value)


def _without_the_left_out(value: object) -> object:
    match value:
        case str():
            return value if value.isascii() and "\0" not in value else _LEFT_OUT.sub("\ufffd", value)
        case dict():
            clean = _without_the_left_out
            return {clean(name): clean(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_without_the_left_out(inner) for inner in value]
    return value


def failed(code: str, message: str, *, blame: Blame = Blame.TARGET) -> Outcome:
    """A failure by the target, or by what the check asks for."""
    return Outcome(Verdict.FAILED, blame, code, message)


def judge_assertions(results: Sequence[AssertionResult]) -> Outcome | None:
    """The first assertion that does not hold. None where all do."""
    return next((failed("ASSERTION_FAILED", each.error) for each in results if each.error), None)


def judge_time(actual_ms: float, *, degraded_ms: float, max_ms: float, what: str = "response") -> Outcome:
    """Passed, degraded or failed by how long something took."""
    if actual_ms > max_ms:
        return failed(TOO_SLOW, f"The {what} took {actual_ms:.0f} ms: the maximum is {max_ms:g} ms.")
    if actual_ms > degraded_ms:
        message = f"The {what} took {actual_ms:.0f} ms: the degraded limit is {degraded_ms:g} ms."
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "SLOW", message)
    return Outcome(Verdict.PASSED)


def assertion_details(results: Sequence[AssertionResult]) -> list[dict[str, object]]:
    """Assertions with what was found, as the contract lists them in results."""
    return [
        {
            "source": each.assertion.source,
            "comparison": each.assertion.comparison,
            "target": each.assertion.target,
            "property": each.assertion.property,
            "regex": each.assertion.regex,
            "actual": each.actual,
            "error": each.error,
        }
        for each in results
    ]
