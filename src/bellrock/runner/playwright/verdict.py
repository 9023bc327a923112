"""The outcome of a suite that was left to end by itself, or that hit a cap.

The truth is the stream of events, not the exit code: sandboxes and shells rewrite codes, and a
reporter of the suite's may. The code is looked at only where the stream says nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bellrock.domain.live import Progress, TestProgress, TestStatus
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.runner.playwright.failures import (
    check_failed,
    runner_failed,
    shortened,
    target_failed,
)
from bellrock.runner.playwright.limits import limit_outcome
from bellrock.runner.playwright.reporter_events import SuiteFacts
from bellrock.runner.supervisor import Exit, ExitCause

_PASSED = Outcome(Verdict.PASSED)
_FIRST_SIGNAL_CODE = 129
_LAUNCH_FAILED = re.compile(
    r"browserType\.launch|Executable doesn't exist|Failed to launch|is not found at /|missing dependencies",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(r"Executable doesn't exist|is not found at /", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SuiteStory:
    """All that is known when a suite has ended. ``our_browsers`` is the folder of the runner's browsers.

    ``what`` names it for people, and ``program`` what ran its tests.
    """

    facts: SuiteFacts
    progress: Progress
    exit: Exit
    is_plain: bool
    last_stderr: str
    our_browsers: str
    what: str = "suite"
    program: str = "Playwright"


def verdict_of(story: SuiteStory) -> Outcome:
    """How the suite ended, and whose fault it was if it did not pass."""
    if story.exit.cause not in (ExitCause.FINISHED, ExitCause.CANCELLED):
        return limit_outcome(story.exit, story.what)
    match story.facts.end_status:
        case "passed":
            return _passed(story)
        case "timedout":
            return check_failed("TIMED_OUT", f"The {story.what} ran into its own globalTimeout.")
        case "failed":
            return _failed(story)
        case "interrupted":
            return check_failed("INTERRUPTED", f"The {story.what} was interrupted, and not by Bellrock.")
        case _:
            return _without_end(story)


def timed_out(timeout_s: float, progress: Progress) -> Outcome:
    """The suite took longer than a run may."""
    counts = progress.counts()
    done = counts.total - counts.not_started - counts.running - counts.interrupted
    message = f"The suite was stopped after {timeout_s:g} s, the longest a run may test."
    return check_failed("TIMED_OUT", f"{message} {done} of {counts.total} tests had ended.")


def _passed(story: SuiteStory) -> Outcome:
    if story.exit.code == 0:
        return _PASSED
    message = f"All tests passed, and the test command then ended with exit code {story.exit.code}."
    return check_failed("COMMAND_FAILED", _with_stderr(message, story))


def _failed(story: SuiteStory) -> Outcome:
    failed = [test for test in story.progress.tests.values() if test.status is TestStatus.FAILED]
    if failed:
        return _browser_failure(failed, story) or _tests_failed(failed)
    errors = [error.message for error in story.progress.errors]
    if not story.progress.tests and errors and all("no tests found" in message.lower() for message in errors):
        return check_failed("NO_TESTS", f"The {story.what} has no tests that match: {errors[0]}")
    nothing = f"{story.program} says the {story.what} failed, and names no test and no error."
    message = errors[0] if errors else nothing
    return check_failed("SUITE_ERROR", message)


def _tests_failed(failed: Sequence[TestProgress]) -> Outcome:
    first = failed[0]
    title = " › ".join((first.ref.file, *first.ref.title))
    reason = first.errors[0].message if first.errors else "no error message"
    count = "1 test failed" if len(failed) == 1 else f"{len(failed)} tests failed"
    return target_failed("TESTS_FAILED", f"{count}. {title}: {reason}")


def _browser_failure(failed: Sequence[TestProgress], story: SuiteStory) -> Outcome | None:
    """Where nothing but the browser failed: it says nothing about the target."""
    reasons = [test.errors[0].message if test.errors else "" for test in failed]
    if not all(_LAUNCH_FAILED.search(reason) for reason in reasons):
        return None
    reason = reasons[0]
    if _NOT_THERE.search(reason):
        message = f"The {story.what} asks for a browser that this runner does not have; it has Chromium."
        return check_failed("BROWSER_NOT_AVAILABLE", f"{message}\n{reason}")
    if story.our_browsers in reason:
        return runner_failed("BROWSER_FAILED", f"This runner's Chromium did not start.\n{reason}")
    return check_failed("BROWSER_FAILED", f"The browser that the {story.what} chose did not start.\n{reason}")


def _without_end(story: SuiteStory) -> Outcome:
    code = story.exit.code
    died = story.exit.signal is not None or (code is not None and code >= _FIRST_SIGNAL_CODE)
    if story.facts.began or died:
        counts = story.progress.counts()
        ended = counts.passed + counts.failed + counts.skipped
        message = f"{story.program}'s process died (exit code {code}) after {ended} of {counts.total} tests."
        return Outcome(Verdict.ERRORED, Blame.CHECK, "CRASHED", shortened(_with_stderr(message, story)))
    if story.is_plain:
        message = f"{story.program} could not load the suite's configuration."
        return check_failed("CONFIG_ERROR", _with_stderr(message, story))
    if code == 0:
        return check_failed(
            "NO_TESTS", f"The test command ended well, but no {story.program} test ran in it."
        )
    message = f"The test command ended with exit code {code} before any {story.program} test ran."
    return check_failed("COMMAND_FAILED", _with_stderr(message, story))


def _with_stderr(message: str, story: SuiteStory) -> str:
    return f"{message}\n{story.last_stderr}" if story.last_stderr else message
