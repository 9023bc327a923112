"""The JUnit report of a pytest suite, made from the events of the run.

So it is there whatever became of the run: a suite that is killed writes none.
"""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bellrock.domain.live import Progress, TestProgress, TestStatus
from bellrock.runner.playwright.evidence import MadeReports
from bellrock.runner.playwright.reporter_events import SuiteFacts
from bellrock.runner.playwright.untrusted import made_anew

_STOPPED = "Stopped before the test ended."
_NOT_STARTED = "The run ended before the test began."
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class JUnitReports:
    """Writes the report of what is known of the tests into a folder of its own."""

    progress: Progress
    folder: Path

    async def provide(self, facts: SuiteFacts, traces: Mapping[str, Path]) -> MadeReports:
        """The folder with junit.xml. See `Reports`."""
        del traces  # the format has no place for them
        if not facts.began:
            return MadeReports(None)
        await asyncio.to_thread(self._write, facts)
        return MadeReports(self.folder)

    def _write(self, facts: SuiteFacts) -> None:
        made_anew(self.folder)
        content = junit(self.progress, duration_ms=facts.duration_ms)
        (self.folder / "junit.xml").write_bytes(content)


def junit(progress: Progress, *, duration_ms: int | None) -> bytes:
    """The report as XML: one suite with one case per test. What never ended is an error, and says so."""
    tests = list(progress.tests.values())
    if duration_ms is None:
        duration_ms = sum(test.duration_ms for test in tests)
    suite = ET.Element(
        "testsuite",
        name="pytest",
        tests=str(len(tests)),
        failures=str(_count(tests, TestStatus.FAILED)),
        errors=str(_count(tests, TestStatus.INTERRUPTED) + len(progress.errors)),
        skipped=str(_count(tests, TestStatus.SKIPPED) + _count(tests, TestStatus.NOT_STARTED)),
        time=_seconds(duration_ms),
    )
    for test in tests:
        suite.append(_case(test))
    for error in progress.errors:
        case = ET.SubElement(suite, "testcase", classname="", name=_text(error.file or "suite"), time="0.000")
        ET.SubElement(case, "error", message=_text(_first_line(error.message))).text = _text(error.message)
    root = ET.Element("testsuites")
    root.append(suite)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _case(test: TestProgress) -> ET.Element:
    *groups, name = test.ref.title
    module = test.ref.file.removesuffix(".py").replace("/", ".")
    case = ET.Element(
        "testcase",
        classname=_text(".".join((module, *groups))),
        name=_text(name),
        file=_text(test.ref.file),
        line=str(test.ref.line),
        time=_seconds(test.duration_ms),
    )
    match test.status:
        case TestStatus.FAILED:
            _add_failures(case, test)
        case TestStatus.SKIPPED:
            ET.SubElement(case, "skipped")
        case TestStatus.NOT_STARTED:
            ET.SubElement(case, "skipped", message=_NOT_STARTED)
        case TestStatus.INTERRUPTED | TestStatus.RUNNING:
            ET.SubElement(case, "error", message=_STOPPED, type="interrupted")
    return case


def _add_failures(case: ET.Element, test: TestProgress) -> None:
    for error in test.errors:
        failure = ET.SubElement(case, "failure", message=_text(_first_line(error.message)))
        failure.text = _text(error.snippet or error.message)
    if not test.errors:
        ET.SubElement(case, "failure", message="")


def _count(tests: list[TestProgress], status: TestStatus) -> int:
    return sum(test.status is status for test in tests)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("�", text)
