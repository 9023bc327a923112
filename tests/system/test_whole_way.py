"""The whole way, nothing replaced: a page in Chromium, `bellrock dev`, a real suite at two locations.

At the first location the suite waits for a minute in its second test, at the other one it passes.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bellrock.client.api import connect
from bellrock.client.live import RunEvents
from bellrock.client.transport import Server
from bellrock.domain.live import TestEnded
from tests.browser.serving import launch_chromium
from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import LOCATION, DevServer, processes_with
from tests.system.playwright_rig import pack

OTHER = "us-east-1"
WITHIN_MS = 60_000
LIVE_WITHIN_S = 1.0

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("whole_way"),
]

MARK = "shop-of-the-whole-way"
SPEC = f"""
const {{ test, expect }} = require('@playwright/test');
const first = process.env.CHECKLY_REGION === '{LOCATION}';
test('opens the {MARK}', async ({{ page }}) => {{
  await page.setContent('<h1>{MARK}</h1><button>buy</button>');
  await expect(page.getByRole('heading')).toBeVisible();
}});
test('buys', async ({{ page }}) => {{
  await page.setContent('<button>buy</button>');
  await page.getByRole('button').click();
  await page.waitForTimeout(first ? 60000 : 1500);
}});
test('says goodbye', async () => {{}});
"""
CONFIG = "module.exports = { workers: 1, reporter: 'list' };"


@pytest.fixture(scope="module")
async def dev(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    folder = tmp_path_factory.mktemp("whole-way")
    server = DevServer(folder, locations=(LOCATION, OTHER), packages=kept_packages)
    await server.start()
    yield server
    await server.clean_up()


@pytest.fixture(scope="module")
async def check_id(dev: DevServer) -> str:
    bundle = pack({"shop.spec.js": SPEC, "playwright.config.js": CONFIG})
    stored = await dev.call("POST", "/next/checkly-storage/upload-code-bundle", content=bundle)
    body = {"name": "Shop", "codeBundlePath": stored["key"], "locations": [LOCATION, OTHER]}
    return str((await dev.call("POST", "/v1/checks/playwright", json=body))["id"])


@pytest.fixture(scope="module")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser, dev: DevServer) -> AsyncIterator[Page]:
    """Logged in."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WITHIN_MS)
    page = await context.new_page()
    await page.goto(f"{dev.url}/login")
    await page.get_by_label("API key").fill(dev.credentials["api_key"])
    await page.get_by_role("button", name="Log in").click()
    yield page
    await context.close()


def row(page: Page, location: str) -> Locator:
    return page.locator("table.runs tbody tr").filter(has_text=location)


def badge(page: Page, location: str) -> Locator:
    return row(page, location).locator(".badge")


async def results(dev: DevServer, session_id: str) -> dict[str, Any]:
    session = await dev.session(session_id)
    return {each["runLocation"]: each for each in session["results"]}


async def test_one_run_is_cancelled_by_its_rows_button_and_the_other_passes(
    dev: DevServer, check_id: str, page: Page
) -> None:
    """C9, C23, C36, C37, C47; and the run page has the receipt, the trace and the report."""
    await page.goto(f"{dev.url}/checks")
    await page.get_by_role("button", name="Schedule now: Shop").click()
    await page.wait_for_url("**/sessions/*")
    session_id = page.url.rpartition("/")[2]
    await expect(row(page, LOCATION)).to_contain_text("1 passed", timeout=WITHIN_MS)
    await expect(row(page, LOCATION)).to_contain_text("1 running", timeout=WITHIN_MS)
    await row(page, LOCATION).get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel it").click()
    await expect(badge(page, LOCATION)).to_have_text("Cancelled", timeout=5_000)
    await expect(badge(page, OTHER)).to_have_text("Passed", timeout=WITHIN_MS)
    await expect(page.locator("#session-head .badge")).to_have_text("Cancelled", timeout=WITHIN_MS)
    assert (await dev.session(session_id))["status"] == "CANCELLED"
    assert (await dev.call("GET", f"/v1/check-sessions/{session_id}"))["status"] == "TIMED_OUT"
    rows = await results(dev, session_id)
    assert (rows[LOCATION]["isCancelled"], rows[OTHER]["isCancelled"]) == (True, False)
    assert not processes_with(MARK)
    await page.get_by_role("link", name=LOCATION).first.click()
    await _the_run_page_has_it_all(page)


async def _the_run_page_has_it_all(page: Page) -> None:
    receipt = page.locator("#receipt")
    await expect(receipt).to_contain_text("0 processes left")
    await expect(receipt).to_contain_text("SIGINT")
    await expect(page.locator("#log")).to_contain_text("1 passed")
    files = page.locator("#files")
    await expect(files.get_by_role("link", name="Open report")).to_be_visible(timeout=10_000)
    async with page.context.expect_page() as opened:
        await files.get_by_role("link", name="Open report").click()
    report = await opened.value
    await expect(report.get_by_text(f"opens the {MARK}").first).to_be_visible(timeout=15_000)
    await report.close()
    async with page.context.expect_page() as opened:
        await files.locator("li").filter(has_text="buys").get_by_role("link", name="Open trace").click()
    viewer = await opened.value
    await expect(viewer.get_by_text("Before Hooks").first).to_be_visible(timeout=20_000)
    await viewer.close()


async def test_one_run_is_cancelled_by_its_sequence_id_and_the_other_passes(
    dev: DevServer, check_id: str
) -> None:
    """C11, C16, C21 by API; and what happens is known within a second of happening."""
    target = {"target": {"checkId": [check_id]}}
    sessions = await dev.call("POST", "/v2/check-sessions/trigger", json=target)
    session_id = sessions["sessions"][0]["checkSessionId"]
    rows = await results(dev, session_id)
    late_s = await asyncio.wait_for(_first_test_of(dev, session_id, rows[LOCATION]["sequenceId"]), 60)
    assert late_s < LIVE_WITHIN_S
    asked = {"sequenceId": [rows[LOCATION]["sequenceId"]]}
    await dev.call("POST", f"/v1/check-sessions/{session_id}/cancel", json=asked)
    session = await dev.await_final(session_id, timeout_s=60)
    assert session["status"] == "CANCELLED"
    assert (await dev.call("GET", f"/v1/check-sessions/{session_id}"))["status"] == "TIMED_OUT"
    ended = await results(dev, session_id)
    assert (ended[LOCATION]["isCancelled"], ended[OTHER]["isCancelled"]) == (True, False)
    assert (ended[OTHER]["hasFailures"], ended[OTHER]["resultType"]) == (False, "FINAL")


async def _first_test_of(dev: DevServer, session_id: str, run_id: str) -> float:
    """Wait for the end of a run's first test; how long after it happened it came here."""
    server = Server(dev.url, dev.credentials["api_key"], UUID(dev.credentials["account_id"]))
    async with connect(server) as client:
        async for frame in client.check_sessions.events(UUID(session_id)):
            arrived_at_s = time.time()
            if not isinstance(frame, RunEvents) or str(frame.run_id) != run_id:
                continue
            for event in frame.events:
                if isinstance(event, TestEnded):
                    return arrived_at_s - event.at_ms / 1000
    raise AssertionError("the stream ended before a test did")
