"""A real server with the pages, a runner in the tests' hands, and Chromium."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from bellrock.domain.access import KeyKind, Role
from bellrock.services.accounts import create_key
from bellrock.services.platform import Platform
from bellrock.web.app import create_web
from tests.browser.serving import launch_chromium
from tests.support.api_client import EU, US, Api
from tests.support.scripted_runner import ScriptedRunner, scripted_runner
from tests.support.server import RunningServer, ServerOptions


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for all of them: they share a server and a browser."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


def _mount_pages(app: FastAPI, platform: Platform) -> None:
    app.mount("/", create_web(platform))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("pages"), ServerOptions(extend=_mount_pages))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        yield browser
        await browser.close()


@pytest.fixture
async def api(server: RunningServer) -> AsyncIterator[Api]:
    """An owner of a new account, by the API."""
    caller = Api(server, await server.new_account())
    yield caller
    await caller.close()


@pytest.fixture
async def runner(server: RunningServer) -> AsyncIterator[ScriptedRunner]:
    async with scripted_runner(server) as scripted:
        for location in (EU, US):
            await scripted.hello(location)
        yield scripted


@dataclass
class Visitor:
    """Somebody at a browser. ``complaints`` are the console's errors: there should be none."""

    page: Page
    base: str
    api: Api
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.base + path)

    async def log_in(self, key: str | None = None) -> None:
        assert self.api.account
        await self.go("/login")
        await self.page.get_by_label("API key").fill(key or self.api.account.key)
        await self.page.get_by_role("button", name="Log in").click()

    async def log_in_as(self, role: Role) -> None:
        """With a new key of this role."""
        owner = await self.api.server.principal_of(self.api.account)
        made = await self.api.server.call(
            lambda platform: create_key(platform, owner, name="bo", kind=KeyKind.USER, role=role)
        )
        await self.log_in(made.secret)

    async def is_live(self) -> None:
        """Wait until the page's stream is open."""
        await self.page.wait_for_selector("html[data-live=open]", timeout=5_000)


@pytest.fixture
async def visitor(chromium: Browser, server: RunningServer, api: Api) -> AsyncIterator[Visitor]:
    """A visitor who has not logged in, in a window of 1280 x 900."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    visit = Visitor(await context.new_page(), server.url, api)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(message.text)

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    await context.close()


@pytest.fixture
async def ana(visitor: Visitor) -> AsyncIterator[Visitor]:
    """An owner who is logged in, and whose console must stay silent."""
    await visitor.log_in()
    yield visitor
    assert visitor.complaints == []
