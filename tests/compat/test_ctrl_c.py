"""Ctrl+C in `test`, `pw-test` and `trigger`, in a terminal, of the command itself and through npx.

Where a session has other checks beside the suite, a monitor is one: its answer is held back until Ctrl+C
was pressed.
"""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import pytest
from pexpect import EOF

from tests.compat.checkly_rig import HELD, MONITOR, Shell, Site, last_sessions
from tests.compat.versions import EVERY_VERSION, USUAL, with_versions
from tests.system.dev_server import DevServer, until
from tests.system.terminal import Terminal

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.xdist_group("checkly"),
    with_versions(USUAL),
]

TIMES = int(os.environ.get("BELLROCK_TEST_CTRL_CS", "1"))
COMMANDS = ("test", "pw-test", "trigger")
MIXED = frozenset({"test", "trigger"})
WAYS = [frozenset({"pw-test", "trigger"}), frozenset({"test"})]
"""Which of the commands go through npx."""
FIRST_WAYS, SECOND_WAYS = (WAYS, WAYS) if EVERY_VERSION else (WAYS[:1], WAYS[1:])
if TIMES > 1:
    FIRST_WAYS = [frozenset(COMMANDS)]
STARTED_S = 90.0
ENDED_S = 20.0
A_PERSONS_PAUSE_S = 0.3  # closer presses count as one
ENDLESS = """
import { test } from '@playwright/test';
test('first', async () => {});
test('asks and asks', async ({ page }) => {
  test.setTimeout(0);
  await page.goto('SITE/');
  for (;;) {
    await page.request.get(`SITE/suite/${process.env.WHO}`);
    await page.waitForTimeout(100);
  }
});
"""


def named(by_npx: frozenset[str]) -> str:
    return "-and-".join(sorted(by_npx)) + "-by-npx"


@dataclass
class Pressed:
    """A command in the middle of its suite's second test, and since when Ctrl+C is pressed in it."""

    command: str
    npx: bool
    terminal: Terminal
    at: float = 0.0
    took_s: float = 0.0

    def press(self) -> None:
        self.at = self.at or time.monotonic()
        self.terminal.sendintr()


@pytest.mark.parametrize("by_npx", FIRST_WAYS, ids=named)
async def test_ctrl_c_cancels_the_suite_lets_other_checks_end_and_gives_the_terminal_back(
    shell: Shell, site: Site, by_npx: frozenset[str]
) -> None:
    await deploy_an_endless_suite(shell, site)
    took_s: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for commands in [COMMANDS] if TIMES == 1 else [(each,) for each in COMMANDS for _ in range(TIMES)]:
        for pressed in await cancelled(shell, site, commands, by_npx):
            took_s[pressed.command].append(pressed.took_s)
    asked = len(site.asked)
    await shell.must("destroy", "--force")
    assert len(site.asked) == asked
    for command, each in took_s.items():
        p50, longest = statistics.median(each), max(each)
        way = f"{'npx ' if command in by_npx else ''}checkly {command}"
        print(  # noqa: T201
            f"Ctrl+C to the end of {way} {shell.version}, {len(each)} times: "
            f"p50 {p50:.2f} s, max {longest:.2f} s"
        )


@pytest.mark.parametrize("by_npx", SECOND_WAYS, ids=named)
async def test_a_second_ctrl_c_leaves_at_once_and_the_session_is_cancelled(
    shell: Shell, site: Site, by_npx: frozenset[str]
) -> None:
    await deploy_an_endless_suite(shell, site)
    running = await in_the_middle(shell, site, COMMANDS, by_npx)
    for each in running:
        asked_before = cancels_asked_for(shell)
        each.press()
        each.terminal.expect("Cancelling", timeout=ENDED_S)
        # Shorter than a suite needs to stop, and monitors are held: each session still goes on.
        await asyncio.sleep(A_PERSONS_PAUSE_S)
        # On a busy machine the command may not have sent its request yet, and never would.
        await until(
            lambda before=asked_before: cancels_asked_for(shell) > before,  # type: ignore[misc]
            timeout_s=ENDED_S,
            what="the server is asked to cancel",
        )
        each.press()
        code = ended(each.terminal)
        assert code in ((1, 130, -signal.SIGINT) if each.npx else (1,)), f"{each}: {code}"
    site.released.set()
    for session in await last_sessions(shell, len(running)):
        await shell.dev.call("GET", f"/v1/test-sessions/{session['id']}/completion?maxWaitSeconds=30")
    await nothing_is_left(shell, len(running))
    asked = len(site.asked)
    await shell.must("destroy", "--force")
    assert len(site.asked) == asked


def cancels_asked_for(shell: Shell) -> int:
    return shell.dev.log.count('"session.cancel_requested"')


async def deploy_an_endless_suite(shell: Shell, site: Site) -> None:
    shell.write("tests/shop.spec.ts", ENDLESS.replace("SITE", site.url))
    shell.write("__checks__/front.check.js", MONITOR % f"{site.url}{HELD}")
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")


async def cancelled(
    shell: Shell, site: Site, commands: Sequence[str], by_npx: frozenset[str]
) -> list[Pressed]:
    """The commands after Ctrl+C, and how long each still took."""
    running = await in_the_middle(shell, site, commands, by_npx)
    for each in running:
        each.press()
        each.terminal.expect("Cancelling", timeout=ENDED_S)
    site.released.set()
    for each in running:
        each.terminal.expect("⊘ ", timeout=ENDED_S)
        counted = "1 passed, 1 cancelled, 2 total" if each.command in MIXED else "1 cancelled, 1 total"
        each.terminal.expect(counted, timeout=ENDED_S)
        code = ended(each.terminal)
        each.took_s = time.monotonic() - each.at
        # npx ends by the signal that it got too, whatever the command returned.
        assert code in ((0, 130, -signal.SIGINT) if each.npx else (0,)), f"{each}: {code}"
    await nothing_is_left(shell, len(running))
    return running


async def in_the_middle(
    shell: Shell, site: Site, commands: Sequence[str], by_npx: frozenset[str]
) -> list[Pressed]:
    """The commands in terminals, each in the middle of its suite's second test, its monitor unanswered."""
    site.asked.clear()
    site.released.clear()
    words = {"trigger": ["--tags", "shop"]}
    running = []
    for each in commands:
        npx = each in by_npx
        terminal = shell.in_terminal(each, "-e", f"WHO={each}", *words.get(each, ()), npx=npx)
        running.append(Pressed(each, npx, terminal))
    monitors = len(MIXED.intersection(commands))
    await until(
        lambda: (
            {f"/suite/{each}" for each in commands} <= set(site.asked) and site.asked.count(HELD) == monitors
        ),
        timeout_s=STARTED_S,
        what="the second test of each suite begins, and each monitor asks",
    )
    return running


def ended(terminal: Terminal) -> int | None:
    """Wait for the command's end; its exit code, or the signal that ended it as a negative number."""
    terminal.expect(EOF, timeout=ENDED_S)
    terminal.close()
    return -terminal.signalstatus if terminal.signalstatus else terminal.exitstatus


async def nothing_is_left(shell: Shell, sessions: int) -> None:
    """The last sessions are cancelled, and no process of a suite lives."""
    found = await last_sessions(shell, sessions)
    assert [session["status"] for session in found] == ["CANCELLED"] * sessions
    assert processes_of_suites(shell.dev) == []


def processes_of_suites(dev: DevServer) -> list[psutil.Process]:
    """What lives below the runner of Playwright and of browsers."""
    children = psutil.Process(dev.pid).children(recursive=True)
    return [
        each
        for each in children
        if each.status() != psutil.STATUS_ZOMBIE
        and any("playwright" in word or "chrom" in word for word in each.cmdline())
    ]
