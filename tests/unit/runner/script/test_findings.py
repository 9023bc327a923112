"""Findings are written where a script may write: nothing in the file can do harm."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bellrock.domain.live import Progress
from bellrock.domain.specs import CheckType
from bellrock.runner.executors.script.details import result_details
from bellrock.runner.executors.script.findings import Findings, read_findings

AT = datetime(2026, 1, 2, tzinfo=UTC)
NAN = float("nan")


def read(folder: Path, *lines: Any) -> Findings:
    file = folder / "findings.jsonl"
    file.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines))
    return read_findings(file)


def visit(number: int, **vitals: Any) -> dict[str, Any]:
    return {"type": "vitals", "visit": str(number), "url": f"http://shop/{number}", "vitals": vitals}


def test_the_last_word_on_a_visit_counts_and_visits_keep_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, visit(1, TTFB=5), visit(2), visit(1, TTFB=5, FCP=1800, LCP=4001, CLS=0.2))
    details = result_details(CheckType.BROWSER, found, Progress(), str, started_at=AT, stopped_at=AT)
    first = {"url": "http://shop/1", "webVitals": {}}
    first["webVitals"] = {
        "FCP": {"score": "GOOD", "value": 1800.0},
        "LCP": {"score": "POOR", "value": 4001.0},
        "CLS": {"score": "NEEDS_IMPROVEMENT", "value": 0.2},
        "TTFB": {"score": "GOOD", "value": 5.0},
    }
    assert details["pages"] == [first, {"url": "http://shop/2", "webVitals": {}}]


@pytest.mark.parametrize(
    "line",
    [
        "torn {",
        "[]",
        "null",
        "[" * 100_000,
        {"type": "vitals"},
        visit(1, FCP="fast"),
        visit(1, FCP=NAN),
        {"type": "error", "kind": "mine", "url": "", "message": ""},
        {"type": "request", "test": "", "steps": 5, "method": "GET", "url": "", "ms": 1},
        {"type": "request", "test": "", "steps": [], "method": "GET", "url": "", "ms": 1, "status": "x"},
        {"type": "soft", "test": None},
    ],
)
def test_a_line_that_is_not_ours_is_left_out(tmp_path: Path, line: Any) -> None:
    assert read(tmp_path, line, {"type": "soft", "test": "t"}) == Findings(soft={"t"})


def test_a_report_stays_small_whatever_a_script_does(tmp_path: Path) -> None:
    long = "x" * 2_000
    request = {"type": "request", "test": long, "steps": [long] * 10, "method": long, "url": long, "ms": 1}
    lines = [request | {"error": long}] * 1_000
    lines += [visit(number) | {"url": long} for number in range(1_000)]
    lines += [{"type": "error", "kind": "console", "url": long, "message": long}] * 1_000
    found = read(tmp_path, *lines)
    details = result_details(CheckType.BROWSER, found, Progress(), str, started_at=AT, stopped_at=AT)
    assert len(json.dumps(details)) < 700_000


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"type": "soft", "test": "t"}\n')
    (tmp_path / "link").symlink_to(secret)
    assert read_findings(tmp_path / "link") == Findings()
    assert read_findings(tmp_path / "missing") == Findings()
