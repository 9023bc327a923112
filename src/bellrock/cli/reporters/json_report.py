"""The `json` reporter: one document about a finished session, for programs."""

import json

from bellrock.cli.report import RunReport, SessionReport


def render_json(report: SessionReport) -> str:
    """The document, with a final newline. Times are ISO 8601, durations in milliseconds."""
    session = report.session
    document = {
        "session": {
            "id": str(session.id),
            "link": session.link,
            "name": session.name,
            "status": session.status,
            "startedAt": session.started_at.isoformat(),
            "stoppedAt": session.stopped_at.isoformat() if session.stopped_at else None,
        },
        "complete": report.complete,
        "hasFailures": report.has_failures,
        "runs": [_run(run) for run in report.runs],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _run(run: RunReport) -> dict[str, object]:
    row = run.row
    return {
        "sequenceId": str(row.sequence_id) if row.sequence_id else None,
        "resultId": str(row.result_id),
        "link": row.link,
        "name": row.name,
        "checkType": row.check_type,
        "location": row.run_location,
        "outcome": run.word,
        "durationMs": round(run.duration_s * 1000),
        "reason": run.details.message if row.has_failures else None,
        "blame": run.details.blame if row.has_failures else None,
        "counts": run.counts.model_dump(by_alias=True) if run.counts else None,
        "tests": [test.model_dump(mode="json", by_alias=True) for test in run.tests],
        "receipt": run.receipt.model_dump(mode="json", by_alias=True) if run.receipt else None,
    }
