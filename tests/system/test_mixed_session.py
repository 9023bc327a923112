"""A test session of one check of every type and two suites: a cancel stops the suites and nothing else."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.kept_packages import KeptPackages
from tests.support.tcp_servers import serving
from tests.system.dev_server import (
    LOCATION,
    PACKAGES,
    DevServer,
    ShellSuite,
    processes_with,
    shell_suite,
    until,
)
from tests.system.terminal import exit_code, in_terminal, session_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.anyio,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("mixed_session"),
]

OTHERS = ("url", "api", "tcp", "dns", "icmp", "ssl", "browser", "multistep")
SUITES = ("first-suite", "second-suite")


@dataclass
class SlowShop:
    """Answers every request, by HTTP or whatever else comes, only once it is told to; counts who waits."""

    waiting: int = 0
    told: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            first = await reader.read(4_096)
            if first:
                self.waiting += 1
                await self.told.wait()
                body = b"<html><body>shop</body></html>"
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
                writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
                await writer.drain()


@pytest.fixture
async def shop() -> AsyncIterator[SlowShop]:
    shop = SlowShop()
    async with serving(shop.answer) as shop.port:
        yield shop
        shop.told.set()


@pytest.fixture(scope="module")
async def dev(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    variables = {"BELLROCK_CONCURRENCY": "12", "BELLROCK_RATE_LIMIT_REQUESTS": "100000"}
    dev = DevServer(tmp_path_factory.mktemp("mixed"), variables, packages=kept_packages)
    await dev.start()
    yield dev
    await dev.clean_up()


def statements(base: str) -> str:
    return f"""
        const browser = await require('playwright').chromium.launch();
        const page = await browser.newPage();
        await page.goto('{base}/browser');
        await browser.close();"""


def requests(base: str) -> str:
    return f"""
        import {{ test, expect }} from '@playwright/test';
        test('asks', async ({{ request }}) => {{
          expect((await request.get('{base}/multistep')).status()).toBe(200);
        }});"""


def jobs(shop: SlowShop) -> list[dict[str, Any]]:
    """One of each type. All but the name server's and the certificate's wait for the shop or for time."""
    base = f"http://127.0.0.1:{shop.port}"
    patient = {"maxResponseTime": 45_000, "degradedResponseTime": 45_000}
    there = {"hostname": "127.0.0.1", "port": shop.port}
    server = {"nameServer": "127.0.0.1", "port": shop.port, "protocol": "TCP"}
    return [
        {"checkType": "URL", "request": {"url": f"{base}/url"}, **patient},
        {"checkType": "API", "request": {"url": f"{base}/api", "method": "POST", "body": "x"}, **patient},
        {"checkType": "TCP", "request": {**there, "data": "hello"}, **patient},
        {"checkType": "DNS", "request": {"query": "x.example", "recordType": "A", **server}},
        {"checkType": "ICMP", "request": {"hostname": "127.0.0.1", "pingCount": 10}},
        {"checkType": "SSL", "request": {"sslConfig": there}},
        {"checkType": "BROWSER", "script": statements(base)},
        {"checkType": "MULTI_STEP", "script": requests(base)},
    ]


async def start(dev: DevServer, shop: SlowShop, suites: tuple[ShellSuite, ...]) -> tuple[str, dict[str, str]]:
    """The session's id, and the sequence id of each of its jobs."""
    listed = [{**job, "logicalId": name, "name": name} for name, job in zip(OTHERS, jobs(shop), strict=True)]
    for name, suite in zip(SUITES, suites, strict=True):
        stored = await dev.call("POST", "/next/checkly-storage/upload-code-bundle", content=suite.bundle)
        listed.append(
            {
                "checkType": "PLAYWRIGHT",
                "logicalId": name,
                "name": name,
                "codeBundlePath": stored["key"],
                "testCommand": "sh suite.sh",
            }
        )
    source = {"checkRunSuiteId": str(uuid4()), "checkRunId": str(uuid4())}
    body = {
        "name": "mixed",
        "checkRunJobs": [{**job, "sourceInfo": source} for job in listed],
        "runLocation": {"type": "PUBLIC", "region": LOCATION},
        "shouldRecord": True,
    }
    begun = await dev.call("POST", "/v1/test-sessions/run", json=body)
    return str(begun["testSessionId"]), begun["sequenceIds"]


async def all_at_it(shop: SlowShop, suites: tuple[ShellSuite, ...]) -> None:
    """Return when both suites run, and everybody who asks the shop waits for it."""
    for suite in suites:
        await until(lambda s=suite: len(processes_with(s.marker)) >= 2, timeout_s=90, what="a suite runs")  # type: ignore[misc]
    await until(lambda: shop.waiting >= 5, timeout_s=90, what="the others wait for the shop")


async def finals(dev: DevServer, session_id: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """The status of the session once it is final, and its final row of each job."""
    async with asyncio.timeout(150), dev.client() as client:
        path = f"/v1/test-sessions/{session_id}/completion?maxWaitSeconds=30"
        while (answer := await client.get(path)).status_code == HTTPStatus.REQUEST_TIMEOUT:
            pass  # it waited already
    session = answer.json()
    rows = {row["name"]: row for row in session["results"] if row["resultType"] == "FINAL"}
    return session["status"], rows


def said(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("hasErrors", "hasFailures", "isDegraded", "aborted", "status"))


@pytest.fixture(scope="module")
async def uncancelled(dev: DevServer) -> dict[str, tuple[object, ...]]:
    """What becomes of everybody in a session that nobody cancels."""
    shop = SlowShop()
    shop.told.set()
    async with serving(shop.answer) as shop.port:
        session_id, _ = await start(dev, shop, (shell_suite(0), shell_suite(0)))
        _, rows = await finals(dev, session_id)
    return {name: said(row) for name, row in rows.items()}


async def test_a_cancel_of_the_whole_session_stops_the_suites_and_lets_the_others_end_as_ever(
    dev: DevServer, shop: SlowShop, uncancelled: dict[str, tuple[object, ...]]
) -> None:
    suites = (shell_suite(3_600), shell_suite(3_600))
    session_id, _ = await start(dev, shop, suites)
    await all_at_it(shop, suites)
    await dev.call("POST", f"/v1/test-sessions/{session_id}/cancel", json={})
    for suite in suites:
        await until(lambda s=suite: not processes_with(s.marker), timeout_s=5, what="the suite is gone")  # type: ignore[misc]
    open_still = await dev.call("GET", f"/v1/test-sessions/{session_id}")
    assert open_still["status"] == "RUNNING", "the others go on"
    shop.told.set()
    status, rows = await finals(dev, session_id)
    assert status == "CANCELLED"
    assert {name: said(rows[name]) for name in OTHERS} == {name: uncancelled[name] for name in OTHERS}
    assert {rows[name]["status"] for name in SUITES} == {"CANCELLED"}


async def test_a_cancel_by_sequence_id_stops_one_suite_alone(
    dev: DevServer, shop: SlowShop, uncancelled: dict[str, tuple[object, ...]]
) -> None:
    suites = (shell_suite(3_600), shell_suite(25))
    session_id, sequence_ids = await start(dev, shop, suites)
    await all_at_it(shop, suites)
    body = {"sequenceId": [sequence_ids[SUITES[0]]]}
    await dev.call("POST", f"/v1/test-sessions/{session_id}/cancel", json=body)
    await until(lambda: not processes_with(suites[0].marker), timeout_s=5, what="that suite is gone")
    assert processes_with(suites[1].marker)
    shop.told.set()
    status, rows = await finals(dev, session_id)
    expected = [*OTHERS, SUITES[1]]
    assert {name: said(rows[name]) for name in expected} == {name: uncancelled[name] for name in expected}
    assert (status, rows[SUITES[0]]["status"]) == ("CANCELLED", "CANCELLED")


SPEC = """
const { test } = require('@playwright/test');
test('first', async () => {});
test('waits', () => new Promise(() => {}));
"""
CONFIG = "module.exports = { testDir: 'suite', workers: 1, reporter: 'list', timeout: 0 };"


def write_project(folder: Path, shop: SlowShop) -> None:
    """The same checks as `jobs` and two suites that never end, as a project on a disk."""
    base = f"http://127.0.0.1:{shop.port}"
    (folder / "statements.js").write_text(statements(base))
    (folder / "requests.spec.ts").write_text(requests(base))
    (folder / "playwright.config.js").write_text(CONFIG)
    (folder / "suite").mkdir()
    (folder / "suite" / "a.spec.js").write_text(SPEC)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    patient = {"max_response_time_ms": 45_000, "degraded_response_time_ms": 45_000}
    there = {"hostname": "127.0.0.1", "port": shop.port}
    checks: dict[str, dict[str, Any]] = {
        "url": {"url": f"{base}/url", **patient},
        "api": {"url": f"{base}/api", "method": "POST", "body": "x", **patient},
        "tcp": {**there, "data": "hello", **patient},
        "dns": {"query": "x.example", "name_server": "127.0.0.1", "port": shop.port, "protocol": "TCP"},
        "icmp": {"hostname": "127.0.0.1"},
        "ssl": dict(there),
        "browser": {"script": "statements.js"},
        "multistep": {"script": "requests.spec.ts"},
        **{suite: {"type": "playwright", "config": "playwright.config.js"} for suite in SUITES},
    }
    project = {
        "project": {"id": "mixed", "name": "Mixed"},
        "defaults": {"locations": [LOCATION]},
        "checks": {name: {"type": name, "name": name, **said} for name, said in checks.items()},
    }
    (folder / "bellrock.yaml").write_text(json.dumps(project))  # which is YAML as well


async def until_cancelled(dev: DevServer, session_id: str, *, runs: int) -> str:
    """The status of the session as soon as so many of its runs are cancelled."""
    async with asyncio.timeout(60):
        while True:
            session = await dev.call("GET", f"/v1/test-sessions/{session_id}")
            if [row["status"] for row in session["results"]].count("CANCELLED") == runs:
                return str(session["status"])
            await asyncio.sleep(0.1)  # between two looks


async def test_ctrl_c_stops_the_suites_and_waits_until_the_others_end_as_ever(
    dev: DevServer, shop: SlowShop, uncancelled: dict[str, tuple[object, ...]], tmp_path: Path
) -> None:
    write_project(tmp_path, shop)
    terminal = in_terminal(dev, tmp_path, "test")
    session_id = await asyncio.to_thread(session_of, terminal)
    for _ in SUITES:
        await asyncio.to_thread(terminal.expect, r"✓ [^\r\n]*› first")
    await until(lambda: shop.waiting >= 5, timeout_s=90, what="the others wait for the shop")
    terminal.sendintr()
    await asyncio.to_thread(terminal.expect, "Cancelling")
    assert await until_cancelled(dev, session_id, runs=2) == "RUNNING", "the others go on"
    shop.told.set()
    assert await asyncio.to_thread(exit_code, terminal) == 1, "some of the others fail, as ever"
    status, rows = await finals(dev, session_id)
    assert status == "CANCELLED"
    assert {name: said(rows[name]) for name in OTHERS} == {name: uncancelled[name] for name in OTHERS}
    assert {rows[name]["status"] for name in SUITES} == {"CANCELLED"}
