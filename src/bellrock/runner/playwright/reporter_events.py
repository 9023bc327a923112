"""The lines of our reporter in Playwright, as live events.

The file is written by a process we do not trust: a line that is not what we expect is left out.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from bellrock.domain.live import (
    LiveEvent,
    StepEnded,
    StepStarted,
    SuiteError,
    TestEnded,
    TestError,
    TestRef,
    TestsFound,
    TestStarted,
)

Make = Callable[[int, int], LiveEvent]
Line = Mapping[str, Any]

_STATUSES = frozenset(get_args(TestEnded.__annotations__["status"]))
_OUTCOMES = frozenset(get_args(TestEnded.__annotations__["outcome"]))
_MOST_TESTS = 20_000
_LONGEST_MS = 10**9


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a test attached. ``path`` is as the suite wrote it: not to be trusted."""

    test_id: str
    name: str
    content_type: str
    path: str


@dataclass(slots=True)
class SuiteFacts:
    """What the stream says beyond live events. ``end_status`` is Playwright's own word for the end."""

    began: bool = False
    first_test_begun: bool = False
    playwright_version: str = ""
    output_dirs: tuple[str, ...] = ()
    end_status: str | None = None
    duration_ms: int | None = None
    reports_written: tuple[str, ...] = ()
    degraded: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def read_line(line: bytes) -> Line | None:
    """One line of the file; None where it is torn or nothing of ours."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def to_live_event(line: Line) -> Make | None:
    """What makes the live event of a line; None for lines that are no events, or not well formed."""
    maker = _MAKERS.get(line["type"])
    if maker is None:
        return None
    try:
        return maker(line)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def note_facts(line: Line, facts: SuiteFacts) -> None:
    """Remember what a line says beyond its live event."""
    match line["type"]:
        case "begin":
            facts.began = True
            facts.playwright_version = str(line.get("version") or "")
            facts.output_dirs = tuple(map(str, line.get("outputDirs") or ()))
        case "testBegin":
            facts.first_test_begun = True
        case "testEnd":
            facts.attachments += _attachments(line)
        case "end":
            facts.end_status = str(line.get("status"))
            facts.duration_ms = _milliseconds(line.get("ms"))
        case "reports":
            facts.reports_written = tuple(map(str, line.get("written") or ()))
        case "degraded":
            first = str(line.get("message") or "").splitlines()[:1]
            facts.degraded.append(f"{line.get('what')}: {' '.join(first)}")


def _attachments(line: Line) -> list[Attachment]:
    files = line.get("attachments")
    if not isinstance(files, list):
        return []
    return [
        Attachment(
            str(line.get("id")), str(one.get("name")), str(one.get("contentType")), str(one.get("path"))
        )
        for one in files
        if isinstance(one, dict) and one.get("path")
    ]


def _milliseconds(value: object) -> int:
    """A duration; 0 for what is none (JavaScript writes NaN as null)."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return min(max(0, round(value)), _LONGEST_MS)


def _tests_found(line: Line) -> Make:
    tests = tuple(map(_test_ref, line["tests"][:_MOST_TESTS]))
    version, workers = str(line["version"]), int(line["workers"])
    return lambda seq, at_ms: TestsFound(seq, at_ms, version, workers, tests)


def _test_ref(test: Line) -> TestRef:
    return TestRef(
        id=str(test["id"]),
        project=str(test.get("project") or ""),
        file=str(test.get("file") or ""),
        line=int(test.get("line") or 0),
        title=tuple(map(str, test["title"])),
        tags=tuple(map(str, test.get("tags") or ())),
    )


def _test_started(line: Line) -> Make:
    test_id, retry = str(line["id"]), int(line["retry"])
    return lambda seq, at_ms: TestStarted(seq, at_ms, test_id, retry)


def _step_started(line: Line) -> Make:
    parent = line.get("parent")
    fields = {
        "test_id": str(line["id"]),
        "retry": int(line["retry"]),
        "step": int(line["step"]),
        "parent": int(parent) if parent else None,
        "category": str(line.get("category") or ""),
        "title": str(line.get("title") or ""),
    }
    return lambda seq, at_ms: StepStarted(seq, at_ms, **fields)  # type: ignore[arg-type]


def _step_ended(line: Line) -> Make:
    test_id, retry, step = str(line["id"]), int(line["retry"]), int(line["step"])
    duration_ms, error = _milliseconds(line.get("ms")), line.get("error")
    text = str(error) if error else None
    return lambda seq, at_ms: StepEnded(seq, at_ms, test_id, retry, step, duration_ms, text)


def _test_ended(line: Line) -> Make:
    if line["status"] not in _STATUSES or line["outcome"] not in _OUTCOMES:
        raise ValueError(line["status"])
    errors = tuple(map(_test_error, line.get("errors") or ()))
    test_id, retry, final = str(line["id"]), int(line["retry"]), bool(line.get("final", True))
    duration_ms = _milliseconds(line.get("ms"))
    return lambda seq, at_ms: TestEnded(
        seq, at_ms, test_id, retry, line["status"], line["outcome"], final, duration_ms, errors
    )


def _suite_error(line: Line) -> Make:
    error = _test_error(line)
    return lambda seq, at_ms: SuiteError(seq, at_ms, error)


def _test_error(error: Line) -> TestError:
    line = error.get("line")
    return TestError(
        message=str(error.get("message") or ""),
        snippet=str(error["snippet"]) if error.get("snippet") else None,
        file=str(error["file"]) if error.get("file") else None,
        line=int(line) if line else None,
    )


_MAKERS: Mapping[str, Callable[[Line], Make]] = {
    "begin": _tests_found,
    "testBegin": _test_started,
    "stepBegin": _step_started,
    "stepEnd": _step_ended,
    "testEnd": _test_ended,
    "error": _suite_error,
}
