"""Ctrl+C as most people press it: in a terminal, in `npx checkly trigger`."""

import asyncio
import os
import signal
import statistics
import time

import pexpect
import pytest

from tests.compat.checkly_rig import Shell, Site
from tests.compat.test_checkly import ENDLESS, status_of_the_last_session
from tests.system.dev_server import until

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.xdist_group("checkly"),
]

TIMES = int(os.environ.get("BELLROCK_TEST_NPX_CANCELS", "1"))
STARTED_S = 60.0
ENDED_S = 15.0


async def test_ctrl_c_through_npx_cancels_the_suite_and_gives_the_terminal_back(
    shell: Shell, site: Site
) -> None:
    shell.write("tests/shop.spec.ts", ENDLESS.replace("SITE", repr(f"{site.url}suite")))
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    took_s = [await cancelled_after_s(shell, site) for _ in range(TIMES)]
    await shell.must("destroy", "--force")
    p50, longest = statistics.median(took_s), max(took_s)
    print(f"Ctrl+C to the end of npx, {TIMES} times: p50 {p50:.2f} s, max {longest:.2f} s")  # noqa: T201


async def cancelled_after_s(shell: Shell, site: Site) -> float:
    """How long one command still took after Ctrl+C."""
    site.asked.clear()
    terminal = shell.in_terminal("trigger", "--tags", "shop", npx=True)
    await until(lambda: "/suite" in site.asked, timeout_s=STARTED_S, what="the second test begins")
    pressed = time.monotonic()
    terminal.sendintr()
    terminal.expect("Cancelling", timeout=ENDED_S)
    terminal.expect("1 cancelled", timeout=ENDED_S)
    terminal.expect(pexpect.EOF, timeout=ENDED_S)
    took_s = time.monotonic() - pressed
    await asyncio.to_thread(terminal.close)
    # npx ends by the signal that it got too, whatever the command returned.
    assert terminal.signalstatus == signal.SIGINT or terminal.exitstatus in (0, 128 + signal.SIGINT)
    assert await status_of_the_last_session(shell) == "CANCELLED"
    assert site.asked.count("/suite") == 1
    return took_s
