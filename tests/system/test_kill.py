"""kill -9 of each part, while a run is in flight and while one is being cancelled.

Afterwards: the session becomes final, the run has exactly one terminal state, an accepted cancel is
honoured, and no process of the run is left.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import DevServer, ShellSuite, processes_with, shell_suite, until

LEASE_S = 6.0
AGAIN_S = 60.0
"""Time to notice, to start again, and to carry out the run once more, on a busy machine."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("kill"),
]


@pytest.fixture(scope="module")
async def dev(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    """One server: what a kill spoils for good, the tests after it show as well."""
    variables = {"BELLROCK_LEASE_S": str(LEASE_S), "BELLROCK_HEARTBEAT_S": "1"}
    server = DevServer(tmp_path_factory.mktemp("kill"), variables, packages=kept_packages)
    await server.start()
    yield server
    await server.clean_up()


@pytest.fixture(autouse=True)
async def whole_again(dev: DevServer) -> None:
    """Each test begins with every part there, whatever the one before has killed."""
    if dev.process is None or dev.process.returncode is not None:
        await dev.start()
    async with asyncio.timeout(AGAIN_S), dev.client() as client:
        while (await client.get("/healthz")).status_code != HTTPStatus.OK:  # noqa: ASYNC110 - as others see it
            await asyncio.sleep(0.1)


async def in_flight(dev: DevServer, suite: ShellSuite) -> str:
    session_id = await dev.start_session(suite)
    await until(lambda: len(processes_with(suite.marker)) >= 2, timeout_s=60, what="the suite runs")
    return session_id


async def assert_one_terminal_state(dev: DevServer, session: Any) -> None:
    (row,) = session["results"]
    assert row["resultType"] == "FINAL"
    entries = (await dev.call("GET", f"/v2/check-results/{session['checkId']}"))["entries"]
    finals = [e["id"] for e in entries if e["resultType"] == "FINAL"]
    assert finals == [row["checkResultId"]]


async def assert_nothing_left(dev: DevServer, suite: ShellSuite) -> None:
    await until(lambda: not processes_with(suite.marker), timeout_s=10, what="no process of the run is left")
    runs = dev.data / "runner" / "runs"
    await until(lambda: not list(runs.iterdir()), timeout_s=10, what="no folder of the run is left")


async def test_kill_of_the_nats_server_in_the_middle_of_a_run_costs_nothing(dev: DevServer) -> None:
    suite = shell_suite(4)
    expired_before = dev.log.count("run.lease_expired")
    session_id = await in_flight(dev, suite)
    pids = {process.pid for process in processes_with(suite.marker)}
    os.kill(dev.child("nats-server").pid, signal.SIGKILL)
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)
    assert dev.log.count("run.lease_expired") == expired_before
    assert session["results"][0]["isCancelled"] is False
    assert pids


async def test_kill_of_the_nats_server_during_a_cancel_delays_the_cancel_only(dev: DevServer) -> None:
    suite = shell_suite(120)
    session_id = await in_flight(dev, suite)
    nats = dev.child("nats-server")
    nats.suspend()  # so that the signal cannot have been delivered
    await dev.cancel(session_id)
    nats.kill()
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    assert session["status"] == "CANCELLED"
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)


async def test_kill_of_the_runner_in_the_middle_of_a_run_has_it_carried_out_again(dev: DevServer) -> None:
    suite = shell_suite(4)
    session_id = await in_flight(dev, suite)
    dev.child("runner").kill()
    await until(lambda: not processes_with(suite.marker), timeout_s=5, what="the run died with its runner")
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    assert session["results"][0]["isCancelled"] is False
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)


async def test_kill_of_the_runner_during_a_cancel_ends_in_cancelled(dev: DevServer) -> None:
    suite = shell_suite(120)
    session_id = await in_flight(dev, suite)
    runner = dev.child("runner")
    runner.suspend()  # so that it cannot have carried the cancel out
    await dev.cancel(session_id)
    runner.kill()
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    assert session["status"] == "CANCELLED"
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)


async def test_kill_of_the_control_plane_takes_everything_along_and_a_restart_finishes_the_run(
    dev: DevServer,
) -> None:
    suite = shell_suite(4)
    session_id = await in_flight(dev, suite)
    children = dev.children()
    await dev.kill()
    await until(lambda: not any(c.is_running() for c in children), timeout_s=5, what="its children died")
    await until(lambda: not processes_with(suite.marker), timeout_s=5, what="the run died as well")
    await dev.start()
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    assert session["results"][0]["isCancelled"] is False
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)


async def test_kill_of_the_control_plane_during_a_cancel_ends_in_cancelled(dev: DevServer) -> None:
    suite = shell_suite(120)
    session_id = await in_flight(dev, suite)
    dev.child("runner").suspend()  # so that it cannot have carried the cancel out
    await dev.cancel(session_id)
    await dev.kill()
    await until(lambda: not processes_with(suite.marker), timeout_s=5, what="the run died as well")
    await dev.start()
    session = await dev.await_final(session_id, timeout_s=AGAIN_S)
    assert session["status"] == "CANCELLED"
    await assert_one_terminal_state(dev, session)
    await assert_nothing_left(dev, suite)
