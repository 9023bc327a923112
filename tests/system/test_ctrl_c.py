"""Ctrl+C in a terminal, on the commands that start a session: once, twice, detached, unrecorded."""

import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import pexpect
import pytest

from tests.system.dev_server import BELLROCK, LOCATION, PACKAGES, DevServer

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
Terminal: TypeAlias = "pexpect.spawn[str]"  # generic in its stubs only
ANSWER_S = 60
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
COMMANDS = pytest.mark.parametrize("command", ["test", "trigger", "pw-test"])


@pytest.fixture(scope="module")
async def dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("ctrl-c"))
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


def in_terminal(dev: DevServer, project: Path, *words: str) -> Terminal:
    """The command as a person starts it: in a terminal of its own, wide enough for every line."""
    return pexpect.spawn(
        str(BELLROCK),
        list(words),
        cwd=project,
        env={**dev.environment(project), "TERM": "xterm-256color"},
        timeout=ANSWER_S,
        dimensions=(50, 400),
        encoding="utf-8",
        preexec_fn=_as_in_a_terminal,
    )


def _as_in_a_terminal() -> None:
    """Who runs these tests in the background has SIGINT ignored, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(dev: DevServer, project: Path, command: str, *options: str, wait_ms: int = LONG_MS) -> Terminal:
    """One of the three commands, on a suite whose second test waits that long."""
    options = (*options, "-e", f"WAIT_MS={wait_ms}")
    if command == "trigger":
        assert exit_code(in_terminal(dev, project, "deploy", "--force", "--no-schedule-on-deploy")) == 0
        return in_terminal(dev, project, "trigger", "--tags", "slow", *options)
    last = ("--", "--workers=1") if command == "pw-test" else ()
    return in_terminal(dev, project, command, *options, *last)


def session_of(terminal: Terminal) -> str:
    terminal.expect(r"Session ([0-9a-f-]{36})")
    return str(terminal.match.group(1))  # type: ignore[union-attr]  # `expect` has just matched


def until_its_second_test(terminal: Terminal) -> None:
    terminal.expect(r"✓ [^\r\n]*› first")  # not the table above, which shows a test that still goes on


def exit_code(terminal: Terminal) -> int | None:
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus


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
