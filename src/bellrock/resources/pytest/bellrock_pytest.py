"""The platform's live reporter for pytest, loaded by PYTEST_PLUGINS beside the suite's own plugins.

Each event is one JSON line, appended and written at once: what was written survives whatever happens to
this process, and a reader meets at most one torn line, the last one. The lines are those of the reporter
for Playwright Test.

- ``BELLROCK_EVENTS``: the file of events.
- ``BELLROCK_OUTPUT``: the folder for traces, videos and screenshots.
- ``BELLROCK_TAGS``: a JSON list of markers; only tests with one of them run, unless it is empty.

It runs in the suite's environment, so it imports nothing but the standard library and pytest.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
import signal
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from importlib import metadata
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

_LONGEST_TITLE = 1_000
_LONGEST_MESSAGE = 8 * 1024
_LONGEST_OUTPUT_OF_A_TEST = 64 * 1024
_LONGEST_OUTPUT = 4 * 1024 * 1024
_MOST_FILES_OF_A_TEST = 100
_MOST_ERRORS_OF_A_TEST = 10
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
_PYTESTS_OWN_MARKERS = frozenset(
    {"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast"}
)
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_VIDEOS = frozenset({".webm", ".mp4"})
_PHASES = frozenset({"setup", "call", "teardown"})
_PASSED, _FAILED, _INTERRUPTED, _NOTHING_COLLECTED = 0, 1, 2, 5

Fields = dict[str, Any]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Decide what the run's place decides, and report, where this is the process that was started."""
    _decide_options(config)
    # What this process starts (workers, a pytest within a test) is to report nothing of its own.
    events = os.environ.pop("BELLROCK_EVENTS", None)
    if events is not None:
        config.pluginmanager.register(LiveReporter(config, events), "bellrock-live")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that have none of the chosen markers."""
    tags = {tag.lstrip("@") for tag in json.loads(os.environ.get("BELLROCK_TAGS") or "[]")}
    if not tags:
        return
    chosen = [item for item in items if tags & {marker.name for marker in item.iter_markers()}]
    left_out = [item for item in items if item not in chosen]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen


def _decide_options(config: pytest.Config) -> None:
    """Traces are recorded, files go to the run's own folder, and nobody sits before a screen."""
    decided = {"tracing": "on", "output": os.environ.get("BELLROCK_OUTPUT"), "headed": False}
    for name, value in decided.items():
        if value is not None and hasattr(config.option, name):
            setattr(config.option, name, value)


class OpenTest:
    """An execution of a test between its start and its end. ``retry`` counts from 0."""

    def __init__(self, nodeid: str, retry: int) -> None:
        self.nodeid = nodeid
        self.retry = retry
        self.began_at = time.monotonic()
        self.seconds = 0.0
        self.status = "passed"
        self.is_expected = True
        self.will_run_again = False
        self.errors: list[Fields] = []
        self.heard: dict[str, str] = {}


class LiveReporter:
    """Writes down what happens, in the process that sees all of it: with pytest-xdist, the controller."""

    def __init__(self, config: pytest.Config, events: str) -> None:
        self._config = config
        self._file = os.open(events, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._began = time.monotonic()
        self._open: dict[str, OpenTest] = {}
        self._retries: dict[str, int] = {}
        self._nodes: list[object] = []
        self._found = False
        self._interrupted = False
        self._output_left = _LONGEST_OUTPUT
        self._send("hello", pid=os.getpid())

    # --- what is there ------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tests of a run in one process."""
        self._begin([_described(item) for item in session.items], workers=1)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Iterable[str]) -> None:
        """Tests of a run in several: each worker finds the same ones."""
        if not self._found:
            self._begin([_named(nodeid) for nodeid in ids], workers=len(self._nodes))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: object) -> None:
        """A worker is there."""
        self._nodes.append(node)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read or imported."""
        if report.failed:
            message = _plain(report.longreprtext, _LONGEST_MESSAGE)
            self._send("error", message=f"{report.nodeid or 'The suite'} cannot be collected:\n{message}")

    def _begin(self, tests: list[Fields], *, workers: int) -> None:
        self._found = True
        output = getattr(self._config.option, "output", None)
        self._send(
            "begin",
            version=_version_of("playwright"),
            workers=workers,
            outputDirs=[str(Path(output).absolute())] if output else [],
            tests=tests,
        )

    # --- tests --------------------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test starts."""
        self._start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended: setup, call or teardown."""
        test = self._open.get(report.nodeid)
        if test is not None and test.will_run_again and report.when == "setup":
            self._end(test)  # versions of pytest-rerunfailures differ in whether they say so
            test = None
        if test is None:
            test = self._start(report.nodeid)
        test.seconds += getattr(report, "duration", 0.0)
        test.heard = {"stdout": report.capstdout, "stderr": report.capstderr}
        outcome: str = report.outcome
        if outcome in ("failed", "rerun"):  # the latter is a word of pytest-rerunfailures
            test.will_run_again = outcome == "rerun"
            test.status, test.is_expected = "failed", False
            test.errors.append(_error(report, self._config.rootpath))
        elif outcome == "skipped" and test.status == "passed":
            test.status = "failed" if hasattr(report, "wasxfail") else "skipped"
        if report.when not in _PHASES:  # a worker died with this test
            self._end(test)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended."""
        test = self._open.get(nodeid)
        if test is not None:
            self._end(test)

    def _start(self, nodeid: str) -> OpenTest:
        retry = self._retries.get(nodeid, 0)
        test = self._open[nodeid] = OpenTest(nodeid, retry)
        self._send("testBegin", id=_id(nodeid), retry=retry, worker=0)
        return test

    def _end(self, test: OpenTest) -> None:
        self._open.pop(test.nodeid, None)
        if test.will_run_again:
            self._retries[test.nodeid] = test.retry + 1
        self._tell_output(test)
        self._send(
            "testEnd",
            id=_id(test.nodeid),
            retry=test.retry,
            status=test.status,
            outcome=_outcome(test),
            ms=round(test.seconds * 1000),
            errors=test.errors[:_MOST_ERRORS_OF_A_TEST],
            final=not test.will_run_again,
            attachments=self._files_of(test),
        )

    def _tell_output(self, test: OpenTest) -> None:
        for stream, text in test.heard.items():
            heard = text[: min(_LONGEST_OUTPUT_OF_A_TEST, self._output_left)]
            self._output_left -= len(heard)
            if heard:
                self._send("output", id=_id(test.nodeid), stream=stream, text=heard)

    def _files_of(self, test: OpenTest) -> list[Fields]:
        output = getattr(self._config.option, "output", None)
        name = _folder_name(test.nodeid)
        if not output or not name:
            return []
        folder = Path(output, f"{name}-retry{test.retry}" if test.retry else name)
        files = sorted(one for one in folder.glob("*") if one.is_file())
        return [_attachment(file.absolute()) for file in files[:_MOST_FILES_OF_A_TEST]]

    # --- the end ------------------------------------------------------------------------------

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Somebody asks to stop: workers too, which would otherwise end their tests first."""
        self._interrupted = excinfo.type is KeyboardInterrupt
        if not self._interrupted:
            self._send("error", message=_plain(f"The suite ended itself: {excinfo.value}", _LONGEST_MESSAGE))
        for node in self._nodes:
            with suppress(AttributeError, OSError):  # a worker of another machine, or gone
                os.kill(attrgetter("gateway._io.popen.pid")(node), signal.SIGINT)

    def pytest_internalerror(self, excrepr: object) -> None:
        """The test runner itself, or a plugin, failed."""
        self._send("error", message=_plain(excrepr, _LONGEST_MESSAGE))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None, None, None]:
        """All is over: fixtures are torn down while others hear of it, and files are written by then."""
        yield
        for test in tuple(self._open.values()):
            test.status, test.will_run_again = "interrupted", False
            test.seconds = time.monotonic() - test.began_at
            self._end(test)
        if exitstatus == _NOTHING_COLLECTED:
            self._send("error", message="No tests found: pytest collected none that are to run.")
        self._send("end", status=self._status(exitstatus), ms=round((time.monotonic() - self._began) * 1000))

    def _status(self, exitstatus: int) -> str:
        if exitstatus == _PASSED:
            return "passed"
        return "interrupted" if exitstatus == _INTERRUPTED and self._interrupted else "failed"

    def _send(self, type_: str, **fields: object) -> None:
        line = json.dumps({"type": type_, "at": round(time.time() * 1000), **fields})
        with suppress(OSError):  # a full disk is the suite's affair, and no reason to fail it
            os.write(self._file, line.encode("ascii") + b"\n")


def _described(item: pytest.Item) -> Fields:
    file, line, _ = item.location
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    tags = {marker.name for marker in item.iter_markers()} - _PYTESTS_OWN_MARKERS
    return {
        **_named(item.nodeid),
        "file": file,
        "line": (line or 0) + 1,
        "project": str(parameters.get("browser_name") or ""),
        "tags": sorted(f"@{tag}" for tag in tags),
    }


def _named(nodeid: str) -> Fields:
    path, bracket, parameters = nodeid.partition("[")  # a parameter may hold the separator
    file, *names = path.split("::")
    if names:
        names[-1] += bracket + parameters
    return {
        "id": _id(nodeid),
        "file": file,
        "title": [_plain(name, _LONGEST_TITLE) for name in names or [file]],
    }


def _id(nodeid: str) -> str:
    return hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _outcome(test: OpenTest) -> str:
    if test.status in ("skipped", "interrupted"):
        return "skipped"
    if not test.is_expected:
        return "unexpected"
    return "flaky" if test.retry else "expected"


def _error(report: pytest.TestReport, root: Path) -> Fields:
    text = _plain(report.longreprtext, _LONGEST_MESSAGE)
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return {"message": text or "no error message"}
    file = os.path.relpath(crash.path, root)
    return {
        "message": _plain(crash.message, _LONGEST_MESSAGE),
        "snippet": text,
        "file": file,
        "line": crash.lineno,
    }


def _attachment(file: Path) -> Fields:
    name = "attachment"
    if file.suffix == ".zip" and file.stem.startswith("trace"):
        name = "trace"
    elif file.suffix in _VIDEOS:
        name = "video"
    elif file.suffix in _PICTURES:
        name = "screenshot"
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return {"name": name, "contentType": kind, "path": str(file)}


def _folder_name(nodeid: str) -> str | None:
    """How pytest-playwright names the folder of a test's files."""
    try:
        from slugify import slugify  # type: ignore[import-not-found]  # noqa: PLC0415  (the suite's)
    except ImportError:
        return None
    return str(slugify(nodeid))


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _plain(text: object, longest: int) -> str:
    clean = _ANSI.sub("", str(text))
    return clean[:longest] + "…" if len(clean) > longest else clean
