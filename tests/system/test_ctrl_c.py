"""Ctrl+C in a terminal, on the commands that start a session: once, twice, detached, unrecorded."""

import asyncio
import shutil
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import LOCATION, PACKAGES, DevServer
from tests.system.terminal import ANSWER_S, Terminal, exit_code, in_terminal, session_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("ctrl_c"),
]

SPEC = """
const { test } = require('@playwright/test');
test('first', async () => {});
test('waits', async ({ page }) => {
  await page.setContent('<h1>shop</h1>');
  await page.waitForTimeout(Number(process.env.WAIT_MS));
});
test('last', async () => {});
"""
CONFIG = "module.exports = { workers: 1, reporter: 'list' };"
LONG_MS, SHORT_MS = 60_000, 2_500
A_PERSONS_PAUSE_S = 0.3  # closer presses count as one

PROJECT = f"""
project: {{id: small, name: Small}}
defaults:
  locations: [{LOCATION}]
checks:
  slow:
    type: playwright
    name: Slow suite
    config: playwright.config.js
    tags: [slow]
    environment: {{WAIT_MS: "{LONG_MS}"}}
"""
MONITOR = """
  front-page:
    type: url
    name: Front page
    url: {url}
    tags: [slow]
    degraded_response_time_ms: 30000
    max_response_time_ms: 30000
"""
COMMANDS = pytest.mark.parametrize("command", ["test", "trigger", "pw-test"])


@pytest.fixture(scope="module")
async def dev(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("ctrl-c"), packages=kept_packages)
    await server.start()
    yield server
    await server.clean_up()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, tmp_path)
    (tmp_path / "playwright.config.js").write_text(CONFIG)
    (tmp_path / "a.spec.js").write_text(SPEC)
    (tmp_path / "bellrock.yaml").write_text(PROJECT)
    return tmp_path


def start(dev: DevServer, project: Path, command: str, *options: str, wait_ms: int = LONG_MS) -> Terminal:
    """One of the three commands, on a suite whose second test waits that long."""
    options = (*options, "-e", f"WAIT_MS={wait_ms}")
    if command == "trigger":
        assert exit_code(in_terminal(dev, project, "deploy", "--force", "--no-schedule-on-deploy")) == 0
        return in_terminal(dev, project, "trigger", "--tags", "slow", *options)
    last = ("--", "--workers=1") if command == "pw-test" else ()
    return in_terminal(dev, project, command, *options, *last)


def until_its_second_test(terminal: Terminal) -> None:
    terminal.expect(r"✓ [^\r\n]*› first")  # not the table above, which shows a test that still goes on


async def until_one_is_cancelled(dev: DevServer, session_id: str) -> dict[str, Any]:
    """The session as it is once a run of it is final and cancelled."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            session: dict[str, Any] = await dev.call("GET", f"/v1/test-sessions/{session_id}")
            if any(row["status"] == "CANCELLED" for row in session["results"]):
                return session
            await asyncio.sleep(0.1)  # between two looks


async def final_status(dev: DevServer, session_id: str) -> str:
    session = await dev.call("GET", f"/v1/test-sessions/{session_id}/completion?maxWaitSeconds=30")
    return str(session["status"])


@COMMANDS
async def test_one_ctrl_c_cancels_the_session_and_reports_it(
    dev: DevServer, project: Path, command: str
) -> None:
    """C25, C28, C30."""
    terminal = start(dev, project, command)
    session_id = session_of(terminal)
    until_its_second_test(terminal)
    terminal.sendintr()
    terminal.expect("Cancelling")
    terminal.expect("1 cancelled, 1 total")
    terminal.expect(r"cancelled by [^\r\n]*")
    said = str(terminal.match.group(0))  # type: ignore[union-attr]  # `expect` has just matched
    assert "through CLI" in said, said
    assert "0 processes left; tests: 1 passed, 0 failed, 1 interrupted" in said, said
    assert exit_code(terminal) == 0
    assert await final_status(dev, session_id) == "CANCELLED"


@dataclass
class SlowPage:
    """A page that says when it is asked for and answers when it is told to. In a thread: terminals block."""

    url: str = ""
    asked: threading.Event = field(default_factory=threading.Event)
    told: threading.Event = field(default_factory=threading.Event)


@contextmanager
def slow_page() -> Iterator[SlowPage]:
    page = SlowPage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page.asked.set()
            page.told.wait(ANSWER_S)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test tells what went wrong."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        page.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield page
        finally:
            page.told.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("command", ["test", "trigger"])
async def test_ctrl_c_in_a_mixed_session_stops_the_suite_and_waits_for_the_monitor(
    dev: DevServer, project: Path, command: str
) -> None:
    """C1, C25."""
    with slow_page() as page:
        written = (project / "bellrock.yaml").read_text()
        (project / "bellrock.yaml").write_text(written + MONITOR.format(url=page.url))
        terminal = start(dev, project, command)
        session_id = session_of(terminal)
        until_its_second_test(terminal)
        assert page.asked.wait(ANSWER_S)
        terminal.sendintr()
        terminal.expect("Cancelling")
        session = await until_one_is_cancelled(dev, session_id)
        assert session["status"] == "RUNNING", "the monitor's run goes on"
        page.told.set()
        terminal.expect("1 passed, 1 cancelled, 2 total")
        assert exit_code(terminal) == 0
    assert await final_status(dev, session_id) == "CANCELLED"


@COMMANDS
async def test_a_second_ctrl_c_leaves_at_once_and_the_session_is_cancelled_all_the_same(
    dev: DevServer, project: Path, command: str
) -> None:
    """C25, C28."""
    terminal = start(dev, project, command)
    session_id = session_of(terminal)
    until_its_second_test(terminal)
    dev.child("runner").suspend()  # else the session may be over before the second press
    try:
        terminal.sendintr()
        terminal.expect("Cancelling")
        terminal.expect(pexpect.TIMEOUT, timeout=A_PERSONS_PAUSE_S)
        terminal.sendintr()
        assert exit_code(terminal) == 1
    finally:
        dev.child("runner").resume()
    assert await final_status(dev, session_id) == "CANCELLED"


async def test_signals_of_one_press_count_as_one(dev: DevServer, project: Path) -> None:
    """C28."""
    terminal = start(dev, project, "test")
    session_of(terminal)
    until_its_second_test(terminal)
    terminal.kill(signal.SIGINT)
    terminal.kill(signal.SIGINT)
    terminal.expect("1 cancelled, 1 total")
    assert exit_code(terminal) == 0


@COMMANDS
async def test_a_detached_session_goes_on_and_can_be_cancelled_by_its_id(
    dev: DevServer, project: Path, command: str
) -> None:
    """C27."""
    terminal = start(dev, project, command, "--detach")
    session_id = session_of(terminal)
    assert exit_code(terminal) == 0
    assert (await dev.call("GET", f"/v1/test-sessions/{session_id}"))["status"] == "RUNNING"
    assert exit_code(in_terminal(dev, project, "sessions", "cancel", session_id)) == 0
    assert await final_status(dev, session_id) == "CANCELLED"


@COMMANDS
async def test_an_unrecorded_run_is_not_cancelled_by_ctrl_c_and_goes_to_its_end(
    dev: DevServer, project: Path, command: str
) -> None:
    """C26."""
    terminal = start(dev, project, command, "--no-record", wait_ms=SHORT_MS)
    until_its_second_test(terminal)
    terminal.sendintr()
    terminal.expect("cannot be cancelled")
    terminal.expect("1 passed, 1 total")
    assert exit_code(terminal) == 0


async def test_ctrl_c_on_checks_run_leaves_and_the_session_goes_on(dev: DevServer, project: Path) -> None:
    """C32."""
    assert exit_code(in_terminal(dev, project, "deploy", "--force", "--no-schedule-on-deploy")) == 0
    terminal = in_terminal(dev, project, "checks", "run", "--tags", "slow")
    session_id = session_of(terminal)
    terminal.sendintr()
    assert exit_code(terminal) != 0
    session = await dev.session(session_id)
    assert session["status"] in ("STARTED", "PROGRESS"), (session, dev.log[-6_000:])
    await dev.cancel(session_id)
