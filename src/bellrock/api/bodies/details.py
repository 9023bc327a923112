"""The type specific half of a result: what a suite, or a request, left behind."""

from typing import Any

from bellrock.api.bodies.runs import Row, Tests
from bellrock.api.links import Links
from bellrock.domain.specs import CheckType
from bellrock.services.views import ResultView
from bellrock.wire.messages import Artifact, ReportedTest

_JSON_REPORT = "report.json"
_MS = 1_000


def result_details(row: Row, links: Links) -> dict[str, Any]:
    """The one detail object of a result, under its name; nothing while a run goes on."""
    if row.result is None:
        return {}
    match row.run.check_type:
        case CheckType.PLAYWRIGHT:
            return {"playwright_check_result": _playwright(row.result, links)}
        case CheckType.BROWSER:
            videos = _links_to(row.result, "video", links)
            return {"browser_check_result": {"playwrightTestVideos": videos, **_script(row.result, links)}}
        case CheckType.MULTI_STEP:
            return {"multi_step_check_result": _script(row.result, links)}
        case CheckType.SSL:
            return {"ssl_check_result": _handshake(row.result)}
    return {"api_check_result": _request(row.result)}


def file_link(result: ResultView, artifact: Artifact, links: Links) -> str:
    """Where a kept file of this result can be fetched without a key, for a while."""
    return links.artifact(result.run_id, artifact.name, attempt=result.attempt)


def _playwright(result: ResultView, links: Links) -> dict[str, Any]:
    return {
        "playwrightTraceFiles": [
            {
                "url": file_link(result, trace, links),
                "name": trace.name,
                "filename": trace.name.split("/")[-1],
            }
            for trace in _files(result, "trace")
        ],
        "playwrightTestVideos": _links_to(result, "video", links),
        **_of_playwright_test(result, links),
    }


def _script(result: ResultView, links: Links) -> dict[str, Any]:
    """A browser check's or a multistep check's: the contract's times are ms since the epoch."""
    times = {
        "startTime": result.started_at and round(result.started_at.timestamp() * _MS),
        "endTime": result.stopped_at and round(result.stopped_at.timestamp() * _MS),
    }
    known = {name: moment for name, moment in times.items() if moment is not None}
    return {**known, **_of_playwright_test(result, links), **result.details}


def _of_playwright_test(result: ResultView, links: Links) -> dict[str, Any]:
    """What every result has that Playwright Test brought forth."""
    reports = (each for each in _files(result, "report") if each.name.endswith(_JSON_REPORT))
    json_report = next(reports, None)
    return {
        "errors": [{"message": message} for message in result.errors],
        "jobLog": None,
        "jobAssets": [file_link(result, artifact, links) for artifact in result.artifacts],
        "playwrightTestTraces": _links_to(result, "trace", links),
        **({"playwrightTestJsonReportFile": file_link(result, json_report, links)} if json_report else {}),
        "tests": Tests.of(result.tests).model_dump(mode="json") if result.tests else None,
        "testList": [_test(test) for test in result.test_list],
        "timings": [{"stage": timing.stage, "durationMs": timing.duration_ms} for timing in result.timings],
        "evidenceComplete": result.evidence_complete,
        **_fault(result),
    }


def _files(result: ResultView, kind: str) -> list[Artifact]:
    return [artifact for artifact in result.artifacts if artifact.type == kind]


def _links_to(result: ResultView, kind: str, links: Links) -> list[str]:
    return [file_link(result, artifact, links) for artifact in _files(result, kind)]


def _test(test: ReportedTest) -> dict[str, Any]:
    return {
        "id": test.id,
        "project": test.project,
        "file": test.file,
        "line": test.line,
        "title": list(test.title),
        "tags": list(test.tags),
        "status": test.status,
        "retry": test.retry,
        "durationMs": test.duration_ms,
        "errors": list(test.errors),
    }


def _request(result: ResultView) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "assertions": [],
        "requestError": result.outcome.message,
        "jobLog": None,
        "jobAssets": None,
    }
    return {**nothing, **result.details, **_fault(result)}


def _handshake(result: ResultView) -> dict[str, Any]:
    """An SSL monitor's. What was not found out is left out where the contract knows no null."""
    nothing: dict[str, Any] = {"failureCategory": None, "requestError": result.outcome.message}
    found = {name: value for name, value in result.details.items() if value is not None or name in nothing}
    return {"assertions": [], "response": None, **nothing, **found, **_fault(result)}


def _fault(result: ResultView) -> dict[str, Any]:
    """Whose fault a failure was: our addition to all kinds of details."""
    outcome = result.outcome
    return {
        "verdict": outcome.verdict,
        "blame": outcome.blame,
        "code": outcome.code,
        "message": outcome.message,
    }
