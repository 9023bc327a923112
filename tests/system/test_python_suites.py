"""Suites of pytest with Playwright for Python: installed, run, watched and stopped like any other."""

import asyncio
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from uv import find_uv_bin

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import Output, TestEnded, TestsFound, TestStarted
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.runner.executors.playwright import PlaywrightOptions
from bellrock.runner.supervisor import LadderTimes
from bellrock.wire.messages import Report
from tests.system.playwright_rig import Rig, Run

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(240)]

MIXED = """
import json, os
import pytest

def test_passes(page):
    page.set_content("<h1>shop</h1>")
    print("printed by a test")
    assert page.locator("h1").inner_text() == "shop"

class TestCart:
    @pytest.mark.smoke
    @pytest.mark.parametrize("amount", ["1", "a::b"])
    def test_counts(self, amount):
        assert amount

attempts = []

@pytest.mark.flaky(reruns=1)
def test_flaky(page):
    attempts.append(1)
    assert len(attempts) == 2

def test_fails(page):
    page.set_content("<title>other</title>")
    assert page.title() == "shop"

@pytest.mark.skip(reason="not yet")
def test_skipped():
    pass

@pytest.mark.xfail
def test_is_known_to_fail():
    assert False

def test_sees_the_contract():
    assert os.environ["CHECKLY"] == "1" and os.environ["SHOP_URL"] == "http://shop.test"
    assert "BELLROCK_EVENTS" not in os.environ
"""
ENDLESS = """
import os

def test_ends(page):
    page.set_content("<h1>done</h1>")

def test_goes_on(page):
    page.goto(os.environ["SITE"])
    page.get_by_role("button").click(timeout=600_000)

def test_never_starts(page):
    pass
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder = tmp_path_factory.mktemp("python")
    return Rig(folder / "runs", folder / "cache")


@pytest.fixture
def patient(rig: Rig) -> Rig:
    """A runner that gives a suite as long as it takes on a busy machine to end by itself."""
    times = LadderTimes(interrupt_s=60, hard_stop_s=90)
    return Rig(rig.folder, rig.cache, PlaywrightOptions(ladder=times, cancel_report_s=100))


def start(rig: Rig, tests: str, *, test_command: str = "pytest", **options: object) -> Run:
    return rig.start({"test_shop.py": tests}, base="pytest", test_command=test_command, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def mixed(rig: Rig) -> tuple[Run, Report]:
    run = start(
        rig,
        MIXED,
        test_command="uv run --frozen pytest --video on --screenshot on --headed",
        environment=(EnvironmentVariable("SHOP_URL", "http://shop.test"),),
    )
    await run.until(lambda event: isinstance(event, TestEnded))
    assert not run.task.done()  # live means: known before the suite has ended
    return run, await run.report(120)


async def test_a_failing_test_fails_the_run_and_blames_the_target(mixed: tuple[Run, Report]) -> None:
    _, report = mixed
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.FAILED, Blame.TARGET)
    assert report.outcome.code == "TESTS_FAILED"
    message = report.outcome.message or ""
    assert message.startswith(
        "1 test failed. test_shop.py › test_fails[chromium]: AssertionError: assert 'other'"
    )
    assert (report.processes_left, report.receipt) == (0, None)


async def test_each_test_has_the_status_that_people_expect(mixed: tuple[Run, Report]) -> None:
    _, report = mixed
    assert {test.title: test.status for test in report.test_list} == {
        ("test_passes[chromium]",): "passed",
        ("TestCart", "test_counts[1]"): "passed",
        ("TestCart", "test_counts[a::b]"): "passed",
        ("test_flaky[chromium]",): "flaky",
        ("test_fails[chromium]",): "failed",
        ("test_skipped",): "skipped",
        ("test_is_known_to_fail",): "passed",
        ("test_sees_the_contract",): "passed",
    }


async def test_tests_are_told_with_file_line_browser_and_markers(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    (found,) = [event for event in run.events if isinstance(event, TestsFound)]
    tests = {test.title[-1]: test for test in found.tests}
    first = tests["test_passes[chromium]"]
    assert (first.file, first.line, first.project, first.tags) == ("test_shop.py", 5, "chromium", ())
    assert tests["test_counts[1]"].tags == ("@smoke",)


async def test_a_rerun_is_an_execution_of_its_own(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    ended = [(event.retry, event.status, event.final) for event in run.ended("test_flaky[chromium]")]
    assert ended == [(0, "failed", False), (1, "passed", True)]


async def test_an_error_says_what_and_where(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    (ended,) = run.ended("test_fails[chromium]")
    (error,) = ended.errors
    assert (error.file, error.line) == ("test_shop.py", 25)
    assert error.snippet is not None
    assert "> " in error.snippet
    assert 'assert page.title() == "shop"' in error.snippet


async def test_what_a_test_prints_is_told_as_its_own(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    said = [event for event in run.events if isinstance(event, Output) and event.test_id is not None]
    assert "printed by a test" in [event.text for event in said]


async def test_trace_video_and_screenshot_of_a_test_are_kept_as_its_own(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    (failed,) = run.ended("test_fails[chromium]")
    kept = {artifact.type for artifact in run.artifacts.values() if artifact.test_id == failed.test_id}
    assert {"trace", "screenshot", "video"} <= kept


async def test_a_junit_report_is_kept(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    suite = ET.fromstring(run.read("junit.xml")).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["8", "1", "0", "1"]
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert (failed.get("classname"), failed.get("name")) == ("test_shop", "test_fails[chromium]")


async def test_packages_are_installed_once_and_then_come_from_the_cache(
    rig: Rig, mixed: tuple[Run, Report]
) -> None:
    run = start(rig, "def test_passes(page): page.goto('about:blank')")
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED, report.outcome.message
    assert "Packages restored from the cache." in run.printed
    assert any(name.endswith("/trace.zip") for name in run.artifacts)


@pytest.mark.parametrize("command", ["pytest", "pytest -n 2"])
async def test_a_cancelled_run_is_interrupted_politely_and_keeps_what_there_is(
    patient: Rig, command: str
) -> None:
    visited = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()
        visited.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as site:
        address = EnvironmentVariable("SITE", f"http://127.0.0.1:{site.sockets[0].getsockname()[1]}/")
        run = start(patient, ENDLESS, test_command=command, environment=(address,))
        while [test.status for test in run.ended("test_ends[chromium]")] != ["passed"]:
            await run.until(lambda event: isinstance(event, TestEnded))
        await asyncio.wait_for(visited.wait(), 60)
        run.cancel()
        report = await run.report(120)
    await run.evidence()
    assert report.outcome.is_cancelled
    assert report.receipt is not None
    assert report.receipt.processes_left == 0
    assert run.cancel_actions == ["interrupt_main"]
    assert run.leftovers() == []
    statuses = {test.title[-1]: test.status for test in report.test_list}
    assert statuses["test_ends[chromium]"] == "passed"
    assert statuses["test_goes_on[chromium]"] == "interrupted"
    cases = {case.get("name"): case for case in ET.fromstring(run.read("junit.xml")).iter("testcase")}
    assert cases["test_goes_on[chromium]"].find("error[@type='interrupted']") is not None
    traced = {a.test_id for a in run.artifacts.values() if a.type == "trace"}
    assert {ended.test_id for ended in run.ended("test_goes_on[chromium]")} <= traced


def running(run: Run) -> set[str]:
    tests = run.context.events.progress.tests.values()
    return {test.ref.title[-1] for test in tests if test.status == "running"}


async def test_a_suite_that_does_not_listen_is_killed_and_its_report_is_rebuilt(rig: Rig) -> None:
    deaf = """
import signal, time
def test_ends(page): pass
def test_is_deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(600)
"""
    run = start(rig, deaf)
    while "test_is_deaf" not in running(run):
        await run.until(lambda event: isinstance(event, TestStarted))
    run.cancel()
    report = await run.report()
    await run.evidence()
    assert report.outcome.is_cancelled
    assert run.cancel_actions[-1] == "kill_namespace"
    assert run.leftovers() == []
    cases = {case.get("name") for case in ET.fromstring(run.read("junit.xml")).iter("testcase")}
    assert cases == {"test_ends[chromium]", "test_is_deaf"}


@pytest.mark.parametrize(
    ("tests", "options", "code", "words"),
    [
        ("import nothing_of_that_name", {}, "SUITE_ERROR", "test_shop.py cannot be collected"),
        ("", {}, "NO_TESTS", "No tests found"),
        ("def test_a(): pass", {"pw_tags": ("@none",)}, "NO_TESTS", "No tests found"),
        ("def test_a(): pass", {"pw_projects": ("chromium",)}, "NO_PROJECTS", "pwProjects"),
        (
            "def test_a(): pass",
            {"test_command": "pytest --no-such-option"},
            "CONFIG_ERROR",
            "pytest could not",
        ),
        ("import os\ndef test_a(): os._exit(7)", {}, "CRASHED", "pytest's process died"),
        ("import pytest\ndef test_a(): pytest.exit('enough')", {}, "SUITE_ERROR", "enough"),
        ("def test_a(): pass", {"install_command": "true"}, "INSTALL_FAILED", "left no .venv"),
        (
            "def test_a(): pass",
            {"install_command": "python3 -m venv --without-pip .venv"},
            "NO_PYTEST",
            "Does requirements.txt have pytest-playwright?",
        ),
    ],
)
async def test_what_cannot_be_run_says_why(
    rig: Rig, tests: str, options: dict[str, object], code: str, words: str
) -> None:
    run = start(rig, tests, **options)  # type: ignore[arg-type]
    report = await run.report()
    assert (report.outcome.code, report.outcome.blame) == (code, Blame.CHECK), report.outcome.message
    assert words in (report.outcome.message or "")


async def test_tags_choose_tests_by_their_markers_under_a_shell_too(rig: Rig) -> None:
    run = start(rig, MIXED, test_command="cd . && pytest -q", pw_tags=("@smoke",))
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED, report.outcome.message
    assert {test.title[-1] for test in report.test_list} == {"test_counts[1]", "test_counts[a::b]"}


LOCKED = """
[project]
name = "shop-tests"
version = "1"
requires-python = ">=3.11"
dependencies = ["pytest-playwright"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""


async def test_a_suite_with_a_uv_lock_gets_what_is_locked_and_finds_its_own_package(
    rig: Rig, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(LOCKED)
    (tmp_path / "src/shop_tests").mkdir(parents=True)
    (tmp_path / "src/shop_tests/__init__.py").write_text("NAME = 'shop'")
    lock = ["lock", "--quiet", "--no-python-downloads", "--system-certs"]
    locking = await asyncio.create_subprocess_exec(find_uv_bin(), *lock, cwd=tmp_path)
    assert await locking.wait() == 0
    files = {
        str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()
    }
    tests = "from shop_tests import NAME\ndef test_name(page): assert NAME == 'shop'"
    run = rig.start({**files, "tests/test_shop.py": tests}, base=None, test_command="python -m pytest tests")
    report = await run.report(120)
    assert report.outcome.verdict is Verdict.PASSED, f"{report.outcome.message}\n{run.printed}"


async def test_a_suite_with_pyproject_alone_gets_its_groups_too(rig: Rig) -> None:
    manifest = """
[project]
name = "shop-tests"
version = "1"
dependencies = []

[dependency-groups]
e2e = ["pytest-playwright"]
"""
    files = {"pyproject.toml": manifest, "test_shop.py": "def test_a(page): page.goto('about:blank')"}
    run = rig.start(files, base=None, test_command="pytest")
    report = await run.report(120)
    assert report.outcome.verdict is Verdict.PASSED, f"{report.outcome.message}\n{run.printed}"
