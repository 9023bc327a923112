"""The outcome of a script: as that of any Playwright run, with degraded in between.

A script that marks its check as degraded ends so if nothing failed, or nothing but soft assertions.
"""

from dataclasses import replace

from bellrock.domain.live import Progress, TestStatus
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.runner.executors.script.findings import Findings
from bellrock.runner.playwright.failures import check_failed, shortened
from bellrock.runner.playwright.verdict import SuiteStory, verdict_of

_NO_BROWSER = "A multistep check has the request API, and no browser"


def script_verdict(story: SuiteStory, findings: Findings) -> Outcome:
    """How a script ended that was left to end by itself."""
    outcome = verdict_of(story)
    if findings.degraded and (
        outcome.verdict is Verdict.PASSED or _only_soft_failures(outcome, findings, story.progress)
    ):
        reasons = "; ".join(filter(None, dict.fromkeys(findings.degraded))) or "the script gives no reason"
        message = shortened(f"The script marked the check as degraded: {reasons}.")
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "MARKED_DEGRADED", message)
    if outcome.code == "TESTS_FAILED" and _NO_BROWSER in (outcome.message or ""):
        return replace(outcome, blame=Blame.CHECK, code="BROWSER_NOT_AVAILABLE")
    return outcome


def script_timed_out(cap_s: float) -> Outcome:
    """The script took longer than a run may."""
    message = f"The script was stopped after {cap_s:g} s, the longest a run may take. Nothing of it is kept."
    return check_failed("SCRIPT_TIMED_OUT", message)


def _only_soft_failures(outcome: Outcome, findings: Findings, progress: Progress) -> bool:
    if outcome.code != "TESTS_FAILED":
        return False
    failed = {test_id for test_id, test in progress.tests.items() if test.status is TestStatus.FAILED}
    return failed <= findings.soft - findings.hard
