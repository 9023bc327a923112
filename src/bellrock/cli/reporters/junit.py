"""The `junit` reporter: one XML document; a suite per run, a case per test (or one for the run itself).

JUnit knows no "cancelled": a test that a cancel cut off, or never let begin, is skipped with the reason.
"""

import re
from xml.etree import ElementTree as ET

from bellrock.cli.report import RunReport, SessionReport
from bellrock.cli.reporters.words import SEPARATOR
from bellrock.client.models import ReportedError, ReportedTest

# XML 1.0 has no way to write most control characters, and terminals' colours are full of them.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SKIPPED = {
    "skipped": "skipped",
    "interrupted": "interrupted by the cancel of the run",
    "not_started": "never started: the run was stopped before",
    "running": "the run has not ended",
}


def render_junit(report: SessionReport) -> str:
    """The document, with a final newline."""
    root = ET.Element("testsuites", {"name": _clean(report.session.name)})
    for run in report.runs:
        root.append(_suite(run))
    cases = [case for suite in root for case in suite.iter("testcase")]
    root.set("tests", str(len(cases)))
    root.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    root.set("errors", str(sum(case.find("error") is not None for case in cases)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(run: RunReport) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        {
            "name": _clean(f"{run.row.name} at {run.row.run_location}"),
            "hostname": run.row.run_location,
            "time": f"{run.duration_s:.3f}",
        },
    )
    if run.row.started_at is not None:
        suite.set("timestamp", run.row.started_at.isoformat(timespec="seconds"))
    cases = [_test_case(test) for test in run.tests]
    if not cases or (run.row.has_failures and not any(_failed(test) for test in run.tests)):
        cases.append(_run_case(run))
    suite.extend(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    return suite


def _failed(test: ReportedTest) -> bool:
    return test.status == "failed"


def _test_case(test: ReportedTest) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "name": _clean(SEPARATOR.join(test.title)),
            "classname": _clean(f"{test.project}.{test.file}" if test.project else test.file),
            "file": _clean(test.file),
            "line": str(test.line),
            "time": f"{test.duration_ms / 1000:.3f}",
        },
    )
    if _failed(test):
        first = test.errors[0].message if test.errors else "failed"
        failure = ET.SubElement(case, "failure", {"message": _clean(first.partition("\n")[0])})
        failure.text = _clean("\n\n".join(_whole(error) for error in test.errors))
    elif test.status in _SKIPPED:
        ET.SubElement(case, "skipped", {"message": _SKIPPED[test.status]})
    return case


def _whole(error: ReportedError) -> str:
    return f"{error.message}\n\n{error.snippet}" if error.snippet else error.message


def _run_case(run: RunReport) -> ET.Element:
    case = ET.Element(
        "testcase",
        {"name": _clean(run.row.name), "classname": run.row.check_type, "time": f"{run.duration_s:.3f}"},
    )
    reason = _clean(run.reason or run.word)
    if run.word == "errored":
        ET.SubElement(case, "error", {"message": reason})
    elif run.word == "failed":
        ET.SubElement(case, "failure", {"message": reason})
    elif run.word in ("cancelled", "running"):
        ET.SubElement(case, "skipped", {"message": run.word})
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)
