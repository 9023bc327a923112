"""What was found out from inside the script's Playwright worker: see `resources/scripts/observe.cjs`.

The file lies where the script may write: a line that is not what we expect is left out.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bellrock.runner.playwright.untrusted import opened

_MOST_BYTES = 16 * 1024**2
_MOST_OF_A_KIND = 200
_MOST_STEPS = 8
_LONGEST_TEXT = 500
_LONGEST_TITLE = 100
"""Bounds of a report: all of it travels in one message."""

_VITALS = ("FCP", "LCP", "CLS", "TBT", "TTFB")
PAGE_ERRORS = ("console", "network", "document")

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageVisit:
    """One document that the browser showed. ``vitals`` by name: CLS is a score, the others are ms."""

    url: str
    vitals: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PageError:
    """An error of a page. ``kind`` is one of `PAGE_ERRORS`."""

    kind: str
    url: str
    message: str


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request of the request API. ``steps`` are the titles of the steps around it, the outermost first.

    ``status`` is None where there was no response; ``error`` says why.
    """

    test: str
    steps: tuple[str, ...]
    method: str
    url: str
    duration_ms: float
    status: int | None = None
    status_text: str = ""
    error: str | None = None


@dataclass(slots=True)
class Findings:
    """All of it, in order. ``soft`` and ``hard`` are ids of tests with failures of that kind."""

    visits: dict[str, PageVisit] = field(default_factory=dict)
    errors: list[PageError] = field(default_factory=list)
    requests: list[ApiRequest] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    soft: set[str] = field(default_factory=set)
    hard: set[str] = field(default_factory=set)


def read_findings(file: Path) -> Findings:
    """The findings of a run whose processes are gone. Blocking."""
    findings = Findings()
    try:
        with opened(file) as lines:
            content = lines.read(_MOST_BYTES)
    except OSError:
        return findings
    for raw in content.split(b"\n"):
        try:
            _take(json.loads(raw), findings)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return findings


def _take(line: Line, findings: Findings) -> None:
    match line["type"]:
        case "vitals":
            visit = _text(line["visit"])
            if visit in findings.visits or len(findings.visits) < _MOST_OF_A_KIND:
                findings.visits[visit] = PageVisit(_text(line["url"]), _vitals(line["vitals"]))
        case "error" if line["kind"] in PAGE_ERRORS:
            findings.errors.append(PageError(line["kind"], _text(line["url"]), _text(line["message"])))
        case "request" if len(findings.requests) < _MOST_OF_A_KIND:
            findings.requests.append(_request(line))
        case "degraded":
            findings.degraded.append(_text(line["message"]))
        case "soft":
            findings.soft.add(_text(line["test"]))
        case "hard":
            findings.hard.add(_text(line["test"]))


def _request(line: Line) -> ApiRequest:
    status, error = line.get("status"), line.get("error")
    return ApiRequest(
        test=_text(line["test"])[:_LONGEST_TITLE],
        steps=tuple(_text(title)[:_LONGEST_TITLE] for title in line["steps"][:_MOST_STEPS]),
        method=_text(line["method"])[:_LONGEST_TITLE],
        url=_text(line["url"]),
        duration_ms=_number(line["ms"]),
        status=None if status is None else int(status),
        status_text=_text(line.get("statusText") or "")[:_LONGEST_TITLE],
        error=None if error is None else _text(error),
    )


def _vitals(found: Line) -> dict[str, float]:
    return {name: _number(found[name]) for name in _VITALS if found.get(name) is not None}


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(value)
    return max(0.0, float(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value[:_LONGEST_TEXT]
