"""Checks run by themselves on a real `bellrock dev`: a monitor and a suite, and on after a kill."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import LOCATION, DevServer, shell_suite

RESULT_S = 60.0
"""Time for a tick of a monitor that is due every ten seconds, on a busy machine."""

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def dev(tmp_path: Path, kept_packages: KeptPackages) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path, {"BELLROCK_SCHEDULES": "true"}, packages=kept_packages)
    await server.start()
    yield server
    await server.clean_up()


async def save_monitor(dev: DevServer) -> str:
    body = {
        "name": "itself",
        "frequency": 0,
        "frequencyOffset": 10,
        "locations": [LOCATION],
        "request": {"url": f"{dev.url}/healthz"},
    }
    return str((await dev.call("POST", "/v1/checks/url", json=body))["id"])


async def results(dev: DevServer, check_id: str, *, least: int) -> list[Any]:
    async with asyncio.timeout(RESULT_S):
        while True:
            entries = (await dev.call("GET", f"/v2/check-results/{check_id}"))["entries"]
            if len(entries) >= least:
                return list(entries)
            await asyncio.sleep(0.2)


async def test_a_monitor_runs_by_the_clock_and_goes_on_after_a_kill(dev: DevServer) -> None:
    check_id = await save_monitor(dev)
    before = await results(dev, check_id, least=2)
    assert {entry["runLocation"] for entry in before} == {LOCATION}
    assert not any(entry["hasFailures"] for entry in before)
    await dev.kill()
    await dev.start()
    after = await results(dev, check_id, least=len(before) + 2)
    assert len({entry["id"] for entry in after}) == len(after)


async def test_a_suite_runs_at_once_and_its_session_is_the_schedulers(dev: DevServer) -> None:
    suite = shell_suite(0.1)
    bundle = await dev.call("POST", "/next/checkly-storage/upload-code-bundle", content=suite.bundle)
    body = {
        "name": suite.marker,
        "codeBundlePath": bundle["key"],
        "testCommand": "sh suite.sh",
        "locations": [LOCATION],
    }
    check_id = (await dev.call("POST", "/v1/checks/playwright", json=body))["id"]
    (entry,) = await results(dev, check_id, least=1)
    assert entry["runLocation"] == LOCATION
