"""The details of a result: what the contract's result bodies of both types hold, and the requests.

Of the contract's four kinds of errors, `console`, `network` and `document` are those of the pages: printed
errors, requests that failed or were answered with 400 and more, uncaught exceptions. `userScript` are those
of the script: what its tests failed with.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bellrock.domain.live import Progress
from bellrock.domain.specs import CheckType
from bellrock.runner.executors.script.findings import PAGE_ERRORS, ApiRequest, Findings, PageVisit

RUNTIME_VERSION = "2026.04"
"""The contract's name of what scripts run on."""

_MOST_ERRORS = 50
# Good up to the first, poor above the second; CLS is a score, the others are ms.
_THRESHOLDS: Mapping[str, tuple[float, float]] = {
    "FCP": (1_800, 3_000),
    "LCP": (2_500, 4_000),
    "CLS": (0.1, 0.25),
    "TBT": (200, 600),
    "TTFB": (800, 1_800),
}

Clean = Callable[[str], str]


def result_details(
    check_type: CheckType,
    findings: Findings,
    progress: Progress,
    clean: Clean,
    *,
    started_at: datetime,
    stopped_at: datetime,
) -> dict[str, object]:
    """The details of a run. ``clean`` frees a text of secrets. Times in ms since the epoch."""
    details: dict[str, object] = {
        "startTime": round(started_at.timestamp() * 1_000),
        "endTime": round(stopped_at.timestamp() * 1_000),
        "runtimeVersion": RUNTIME_VERSION,
        "requests": [_request(each, clean) for each in findings.requests],
    }
    if check_type is not CheckType.BROWSER:
        return details
    return details | {
        "type": "playwright",
        "traceSummary": _trace_summary(findings, progress),
        "pages": [_page(visit, clean) for visit in findings.visits.values()],
        "pageErrors": [
            {"kind": each.kind, "url": clean(each.url), "message": clean(each.message)}
            for each in findings.errors[:_MOST_ERRORS]
        ],
    }


def _trace_summary(findings: Findings, progress: Progress) -> dict[str, int]:
    summary = {f"{kind}Errors": sum(each.kind == kind for each in findings.errors) for kind in PAGE_ERRORS}
    of_tests = sum(len(test.errors) for test in progress.tests.values())
    return {**summary, "userScriptErrors": of_tests + len(progress.errors)}


def _page(visit: PageVisit, clean: Clean) -> dict[str, object]:
    vitals = {
        name: {"score": _score(name, value), "value": round(value, 4 if name == "CLS" else 1)}
        for name, value in visit.vitals.items()
    }
    return {"url": clean(visit.url), "webVitals": vitals}


def _score(name: str, value: float) -> str:
    good, poor = _THRESHOLDS[name]
    if value <= good:
        return "GOOD"
    return "POOR" if value > poor else "NEEDS_IMPROVEMENT"


def _request(request: ApiRequest, clean: Clean) -> dict[str, object]:
    return {
        "test": clean(request.test),
        "steps": list(map(clean, request.steps)),
        "method": request.method,
        "url": clean(request.url),
        "status": request.status,
        "statusText": request.status_text,
        "durationMs": round(request.duration_ms, 1),
        "error": None if request.error is None else clean(request.error),
    }
