"""Assertions of probes: what their sources yield, and how all of a check's are looked at."""

import asyncio
import threading
from collections.abc import Callable, Sequence

from bellrock.domain.specs import Assertion
from bellrock.expressions import jsonpath
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable, check_values, first_group
from bellrock.runner.threads import in_own_thread

_LEAST_S = 1.5  # where a run's deadline is over already: less than its executor lets it be late

Checker = Callable[[Assertion], AssertionResult]


async def check_all(
    assertions: Sequence[Assertion], check: Checker, *, left_s: float
) -> tuple[AssertionResult, ...]:
    """Every assertion by ``check``, in a thread: a regular expression may take a second.

    All together may take what is left until the run's deadline. Raises AssertionUnusable.
    """
    if not assertions:
        return ()
    timeout_s = max(left_s, _LEAST_S)
    given_up = threading.Event()
    try:
        async with asyncio.timeout(timeout_s):
            return await in_own_thread(
                lambda: tuple(check(each) for each in assertions if not given_up.is_set())
            )
    except TimeoutError as error:
        raise AssertionUnusable(f"The assertions took longer than {timeout_s:.1f} s.") from error
    finally:
        given_up.set()


def check_text(assertion: Assertion, text: str, *, subject: str) -> AssertionResult:
    """A text, or what the assertion's regular expression finds in it. Raises AssertionUnusable."""
    pattern = assertion.property or assertion.regex
    return check_values(assertion, first_group(pattern, text) if pattern else [text], subject=subject)


def check_document(assertion: Assertion, document: object, *, subject: str) -> AssertionResult:
    """A JSON value, or what the assertion's JSONPath finds in it. Raises AssertionUnusable."""
    path = assertion.property or "$"
    try:
        values = jsonpath.find(path, document)
    except jsonpath.PathError as error:
        raise AssertionUnusable(str(error)) from error
    return check_values(assertion, values, subject=f"{subject} at {path}")


def unknown_source(assertion: Assertion, *, monitor: str, allowed: Sequence[str]) -> AssertionUnusable:
    """The error for a source that this kind of monitor does not have."""
    return AssertionUnusable(
        f"{monitor} cannot assert {assertion.source}: allowed are {', '.join(sorted(allowed))}."
    )
