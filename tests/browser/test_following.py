"""Pages stay right when their connection does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from bellrock.domain.live import Output
from tests.browser.conftest import Visitor
from tests.browser.test_sessions_live import row, start
from tests.support.api_client import EU
from tests.support.scripted_runner import HeldByScript, ScriptedRunner


class Relay:
    """A TCP relay before the server, so that a test can cut the line and mend it."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drop every connection and accept no more."""
        assert self._server
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self.to_port)
        self._open |= {writer, downstream}
        await asyncio.gather(_copy(reader, downstream), _copy(upstream, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[Relay]:
    line = Relay(port)
    await line.mend()
    yield line
    await line.cut()


async def print_line(held: HeldByScript, text: str) -> None:
    """The suite prints something."""
    at_ms = int(datetime.now(UTC).timestamp() * 1000)
    await held.emit(Output(held.seq, at_ms, "stdout", text))


@pytest.mark.parametrize("meanwhile", ["nothing", "everything"])
async def test_a_page_that_lost_its_stream_says_so_and_is_right_again_after_it(
    visitor: Visitor, runner: ScriptedRunner, meanwhile: str
) -> None:
    async with relay(visitor.api.server.port) as line:
        visitor.base = f"http://127.0.0.1:{line.port}"
        await visitor.log_in()
        first, second = await start(visitor, runner)
        await first.begin("adds to cart", "pays")
        await expect(row(visitor, EU)).to_contain_text("1 running")
        await visitor.page.evaluate("document.body.dataset.same = 'yes'")
        await line.cut()
        await expect(visitor.page.locator("#connection")).to_be_visible()
        await first.pass_test("adds to cart")
        if meanwhile == "everything":
            await first.pass_with()
            await second.pass_with()
        await line.mend()
        await expect(visitor.page.locator("#connection")).to_be_hidden()
        if meanwhile == "nothing":
            await expect(row(visitor, EU)).to_contain_text("1 passed")
            await first.pass_with()
            await second.pass_with()
        await expect(visitor.page.locator("#session-head .badge")).to_have_text("Passed")
        assert await visitor.page.evaluate("document.body.dataset.same") == "yes"
        await visitor.page.wait_for_selector("html[data-live=over]")


async def test_a_log_goes_on_after_a_cut_without_a_gap_or_a_repetition(
    visitor: Visitor, runner: ScriptedRunner
) -> None:
    async with relay(visitor.api.server.port) as line:
        visitor.base = f"http://127.0.0.1:{line.port}"
        await visitor.log_in()
        first, second = await start(visitor, runner)
        await first.begin("adds to cart")
        await print_line(first, "one\n")
        await row(visitor, EU).locator("a.name").click()
        await expect(visitor.page.locator("#log")).to_contain_text("one")
        await visitor.is_live()
        await print_line(first, "\x1b[31mtwo\x1b[39m <b>bold</b>\n")
        log = visitor.page.locator("#log .stdout span")
        await expect(log).to_have_text(["one", "two <b>bold</b>"])
        await line.cut()
        await print_line(first, "three\n")
        await line.mend()
        await print_line(first, "four\n")
        await expect(log).to_have_text(["one", "two <b>bold</b>", "three", "four"])
        await first.pass_with()
        await second.pass_with()


async def test_the_list_of_sessions_moves_by_itself(ana: Visitor, runner: ScriptedRunner) -> None:
    await ana.go("/sessions")
    await expect(ana.page.get_by_text("No sessions yet")).to_be_visible()
    await ana.is_live()
    other = await ana.page.context.new_page()
    mine, ana.page = ana.page, other
    held = await start(ana, runner)
    ana.page = mine
    line = mine.locator("table.sessions tbody tr")
    await expect(line).to_have_count(1)
    await expect(line.locator(".badge")).to_have_text("Running")
    for run in held:
        await run.pass_with()
    await expect(line.locator(".badge")).to_have_text("Passed")
    await other.close()


async def test_focus_and_open_details_survive_live_updates(ana: Visitor, runner: ScriptedRunner) -> None:
    first, second = await start(ana, runner)
    await first.begin("adds to cart", "pays")
    test = ana.page.locator("#tests .test").filter(has_text="pays")
    await test.locator("summary").focus()
    await ana.page.keyboard.press("Enter")
    await expect(test).to_have_attribute("open", "")
    await first.pass_test("adds to cart")
    await expect(ana.page.locator("#tests .test.passed")).to_have_count(1)
    await expect(test).to_have_attribute("open", "")
    await expect(test.locator("summary")).to_be_focused()
    await first.pass_with()
    await second.pass_with()
