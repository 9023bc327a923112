"""The words, signs and lines that list and dot share: what a person reads about runs and tests."""

from rich.table import Column

from bellrock.cli.board import RunBoard, outcome_word
from bellrock.cli.receipt_line import receipt_line
from bellrock.cli.report import RunReport, SessionReport
from bellrock.client.models import Counts, ReportedTest
from bellrock.domain.live import TestProgress

SIGNS = {
    "passed": "✓",
    "flaky": "±",
    "failed": "✗",
    "errored": "✗",
    "degraded": "!",
    "cancelled": "⊘",
    "interrupted": "⊘",
    "skipped": "-",
    "not_started": "·",
    "running": "…",
}
STYLES = {
    "passed": "green",
    "flaky": "yellow",
    "failed": "red",
    "errored": "red",
    "degraded": "yellow",
    "cancelled": "magenta",
    "interrupted": "magenta",
}
SEPARATOR = " › "
_COUNTED = ("passed", "failed", "flaky", "skipped", "interrupted", "not_started")
_OUTCOMES = ("passed", "degraded", "failed", "errored", "cancelled", "running")


def test_name(test: TestProgress | ReportedTest) -> str:
    """``[desktop] tests/cart.spec.ts:12 › Cart › adds``."""
    ref = test.ref if isinstance(test, TestProgress) else test
    project = f"[{ref.project}] " if ref.project else ""
    return SEPARATOR.join((f"{project}{ref.file}:{ref.line}", *ref.title))


test_name.__test__ = False  # type: ignore[attr-defined]  # not a test, in spite of its name


def counts_words(counts: Counts) -> str:
    """``3 passed, 1 failed``; the kinds of which there are none are left out."""
    words = [
        f"{number} {name.replace('not_started', 'never started')}"
        for name in _COUNTED
        if (number := getattr(counts, name))
    ]
    return ", ".join(words) or "no tests"


def run_line(run: RunBoard) -> str:
    """``✓ Shop suite at eu-central-1 passed (3 passed)``."""
    word = outcome_word(run.row)
    tests = f" ({counts_words(run.counts)})" if run.counts.total else ""
    return f"{SIGNS[word]} {run.row.name} at {run.row.run_location} {word}{tests}"


def closing_lines(report: SessionReport) -> list[tuple[str, str]]:
    """The end of every report for people, as (style, line): failures, totals, link, receipts last."""
    lines: list[tuple[str, str]] = []
    for run in report.runs:
        lines += _failures(run)
    totals = ", ".join(f"{number} {word}" for word in _OUTCOMES if (number := report.count(word)))
    lines.append(("bold", f"{totals or 'no runs'}, {len(report.runs)} total"))
    if report.session.link:
        lines.append(("", report.session.link))
    lines += [
        (STYLES["cancelled"], f"⊘ {run.row.name} at {run.row.run_location} {_receipt(run)}")
        for run in report.runs
        if run.word == "cancelled"
    ]
    return lines


def _receipt(run: RunReport) -> str:
    return receipt_line(run.receipt) if run.receipt else "cancelled; its receipt could not be read."


def _failures(run: RunReport) -> list[tuple[str, str]]:
    if not run.row.has_failures:
        return []
    lines = [
        ("red", f"✗ {run.row.name} at {run.row.run_location} {run.word}: {run.reason or 'no reason given'}")
    ]
    for test in run.tests:
        if test.status != "failed":
            continue
        lines.append(("red", f"  ✗ {test_name(test)}"))
        for error in test.errors[:1]:
            lines += [("", f"      {line}") for line in (error.snippet or error.message).splitlines()]
    return lines


def id_column(title: str) -> Column:
    """A column of ids. They are there to be copied, so they are never cut short."""
    return Column(title, no_wrap=True, min_width=36)
