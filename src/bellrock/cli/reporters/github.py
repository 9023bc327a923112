"""The `github` reporter: annotations for GitHub Actions, and a summary in Markdown."""

from bellrock.cli.receipt_line import receipt_line
from bellrock.cli.report import RunReport, SessionReport
from bellrock.cli.reporters.words import SEPARATOR
from bellrock.client.models import ReportedTest

_ICONS = {
    "passed": "✅",
    "failed": "❌",
    "errored": "💥",
    "degraded": "⚠️",
    "cancelled": "🚫",
    "running": "⏳",
}


def render_annotations(report: SessionReport) -> str:
    """One workflow command per failed test, or per run that failed without one; a line each."""
    lines: list[str] = []
    for run in report.runs:
        failed = [test for test in run.tests if test.status == "failed"]
        lines += [_annotation(test, run) for test in failed]
        if run.row.has_failures and not failed:
            title = _property(f"{run.row.name} at {run.row.run_location}")
            lines.append(f"::error title={title}::{_data(run.reason or run.word)}")
    return "".join(f"{line}\n" for line in lines)


def render_summary(report: SessionReport) -> str:
    """A table of the runs, and the receipts of cancelled ones, for the page of a workflow run."""
    lines = [
        f"### [{report.session.name}]({report.session.link}): {report.session.status}",
        "",
        "| | Check | Location | Tests | Duration |",
        "|---|---|---|---|---|",
        *(_table_row(run) for run in report.runs),
    ]
    receipts = [run for run in report.runs if run.receipt is not None]
    if receipts:
        lines.append("")
    lines += [
        f"- {_cell(run.row.name)} at {run.row.run_location}: {receipt_line(run.receipt)}"
        for run in receipts
        if run.receipt
    ]
    return "\n".join(lines) + "\n"


def _table_row(run: RunReport) -> str:
    counts = run.counts
    tests = f"{counts.passed} of {counts.total} passed" if counts and counts.total else ""
    name = f"[{_cell(run.row.name)}]({run.row.link})"
    return (
        f"| {_ICONS.get(run.word, '')} {run.word} | {name} | {run.row.run_location} "
        f"| {tests} | {run.duration_s:.1f} s |"
    )


def _annotation(test: ReportedTest, run: RunReport) -> str:
    error = test.errors[0] if test.errors else None
    title = _property(f"{SEPARATOR.join(test.title)} at {run.row.run_location}")
    file = _property((error.file if error else None) or test.file)
    line = (error.line if error else None) or test.line
    message = _data(error.message if error else "failed")
    return f"::error file={file},line={line},title={title}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
