"""The type specific half of a result: what a suite, or a request, left behind."""

from typing import Any

from bellrock.api.bodies.runs import Row, Tests
from bellrock.api.links import Links
from bellrock.domain.checks import CheckType
from bellrock.services.views import ResultView
from bellrock.wire.messages import Artifact, ReportedTest

_JSON_REPORT = "report.json"


def result_details(row: Row, links: Links) -> dict[str, Any]:
    """The one detail object of a result, under its name; nothing while a run goes on."""
    if row.result is None:
        return {}
    if row.run.check_type is CheckType.PLAYWRIGHT:
        return {"playwright_check_result": _playwright(row.result, links)}
    return {"api_check_result": _request(row.result)}


def file_link(result: ResultView, artifact: Artifact, links: Links) -> str:
    """Where a kept file of this result can be fetched without a key, for a while."""
    return links.artifact(result.run_id, artifact.name, attempt=result.attempt)


def _playwright(result: ResultView, links: Links) -> dict[str, Any]:
    def of_type(kind: str) -> list[Artifact]:
        return [artifact for artifact in result.artifacts if artifact.type == kind]

    traces = of_type("trace")
    json_report = next((a for a in of_type("report") if a.name.endswith(_JSON_REPORT)), None)
    return {
        "errors": [{"message": message} for message in result.errors],
        "playwrightTraceFiles": [
            {
                "url": file_link(result, trace, links),
                "name": trace.name,
                "filename": trace.name.split("/")[-1],
            }
            for trace in traces
        ],
        "jobLog": None,
        "jobAssets": [file_link(result, artifact, links) for artifact in result.artifacts],
        "playwrightTestVideos": [file_link(result, video, links) for video in of_type("video")],
        "playwrightTestTraces": [file_link(result, trace, links) for trace in traces],
        **({"playwrightTestJsonReportFile": file_link(result, json_report, links)} if json_report else {}),
        "tests": Tests.of(result.tests).model_dump(mode="json") if result.tests else None,
        "testList": [_test(test) for test in result.test_list],
        "timings": [{"stage": timing.stage, "durationMs": timing.duration_ms} for timing in result.timings],
        "evidenceComplete": result.evidence_complete,
        **_fault(result),
    }


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
    parts = {"assertions": [], "requestError": result.outcome.message, **result.details}
    return {**parts, "jobLog": None, "jobAssets": None, **_fault(result)}


def _fault(result: ResultView) -> dict[str, Any]:
    """Whose fault a failure was: our addition to both kinds of details."""
    outcome = result.outcome
    return {
        "verdict": outcome.verdict,
        "blame": outcome.blame,
        "code": outcome.code,
        "message": outcome.message,
    }
