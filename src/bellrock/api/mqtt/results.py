"""The messages that tell of a test session's runs, as the contract's command lines read them.

Its own results never name a file or a logical id: the client takes such fields for its own and fails.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bellrock.api.bodies.runs import Flags
from bellrock.domain.live import LiveEvent, Output
from bellrock.domain.outcomes import Verdict
from bellrock.domain.specs import CheckType
from bellrock.services.snapshots import made_snapshots
from bellrock.services.views import ResultView, RunView

_ERRORED = frozenset({Verdict.ERRORED, Verdict.LOST})
_WITH_REQUEST_LOG = frozenset({CheckType.API, CheckType.URL})
_OF_PLAYWRIGHT = frozenset({CheckType.PLAYWRIGHT, CheckType.BROWSER, CheckType.MULTI_STEP})
_STEPS = ("setup", "request", "teardown")
_MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message about a run. ``subtopic`` says how ``payload`` is to be read."""

    run_id: UUID
    subtopic: str
    payload: object

    def encode(self) -> bytes:
        """The payload as JSON."""
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(slots=True)
class Told:
    """What one subscriber has heard of each run. A new one hears everything again: that is harmless."""

    started: set[UUID] = field(default_factory=set)
    results: set[UUID] = field(default_factory=set)

    def news(self, run: RunView, lines: Mapping[UUID, Sequence[str]]) -> Iterator[Message]:
        """What is new of a run. ``lines``: what was printed, by result, as far as it is known."""
        has_begun = run.run.started_at is not None or bool(run.results)
        # Also of a run that never started: without it the client waits in vain.
        if has_begun and run.run.id not in self.started:
            self.started.add(run.run.id)
            yield Message(run.run.id, "run-start", {})
        for result in run.results:
            if result.id not in self.results:
                self.results.add(result.id)
                yield _result(run, result, lines.get(result.id, ()))


def log_message(run_id: UUID, events: Sequence[LiveEvent]) -> Message | None:
    """What a run printed, or None where it printed nothing."""
    logs = [
        {"timestamp": event.at_ms, "message": event.text}
        for event in events
        if isinstance(event, Output) and event.test_id is None
    ]
    return Message(run_id, "stream-logs", {"logs": logs}) if logs else None


def _result(run: RunView, result: ResultView, lines: Sequence[str]) -> Message:
    is_final = result.result_type == "FINAL"
    if is_final and result.outcome.verdict in _ERRORED:
        # The client counts failures alone: a run that ended by a fault of ours must not look well.
        text = result.outcome.message or f"The run ended {result.outcome.verdict}."
        return Message(run.run.id, "error", text)
    payload = {
        "result": _body(run, result, lines),
        "resultType": result.result_type,
        "testResultId": str(result.id),
    }
    return Message(run.run.id, "result", payload)


def _body(run: RunView, result: ResultView, lines: Sequence[str]) -> dict[str, Any]:
    flags = Flags.of(result.outcome)
    body: dict[str, Any] = {
        "id": str(result.id),
        "name": run.check_name,
        "checkType": str(run.run.check_type),
        "hasFailures": flags.has_failures,
        "hasErrors": flags.has_errors,
        "isDegraded": flags.is_degraded,
        "isCancelled": flags.is_cancelled,
        "startedAt": _moment(result.started_at or result.created_at),
        "stoppedAt": _moment(result.stopped_at or result.created_at),
        "responseTime": result.response_time_ms or 0,
        "runLocation": result.location,
        "attempts": result.attempt,
        "sequenceId": str(run.run.id),
        "logs": _logs(run, result, lines),
    }
    # Of a failed result with assets the client takes its logs from elsewhere: what is told here is better.
    if not flags.has_failures and (made := made_snapshots(result)):
        body["assets"] = {"snapshots": [{"key": each.key, "path": each.path} for each in made]}
    if run.run.check_type not in _OF_PLAYWRIGHT:
        body["checkRunData"] = _data(run, result)
    return body


def _logs(run: RunView, result: ResultView, lines: Sequence[str]) -> object:
    job_log = result.details.get("jobLog")
    if run.run.check_type in _WITH_REQUEST_LOG:
        told = job_log if isinstance(job_log, dict) else {}
        return {step: told.get(step, []) for step in _STEPS}
    at_ms = round((result.stopped_at or result.created_at).timestamp() * 1000)
    said = lines or result.errors
    return [{"time": at_ms, "msg": line, "level": "INFO"} for line in said[-_MOST_LINES:]]


def _data(run: RunView, result: ResultView) -> dict[str, Any]:
    """The request and its answer: what the client shows of a failed check that is no suite."""
    details = result.details
    data = {
        name: details[name]
        for name in ("request", "response", "assertions", "nameServerInfo")
        if details.get(name)
    }
    request = data.get("request")
    if run.run.check_type in _WITH_REQUEST_LOG and isinstance(request, dict):
        data["request"] = {"data": "", "headers": {}, **request}
    response = data.get("response")
    if run.run.check_type in _WITH_REQUEST_LOG and isinstance(response, dict):
        data["response"] = {"body": "", "headers": {}, **response}
    error = details.get("requestError") or (result.outcome.message if "response" not in data else None)
    if error:
        data.pop("response", None)  # what there is of one has not even a status
        data["requestError"] = error
    return data


def _moment(moment: datetime) -> str:
    return str(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
