"""The published `checkly` command, unchanged, against a Bellrock server: real suites in real Chromium."""

import asyncio
import os
import random
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

import pexpect
import pytest

from bellrock.cli.checkly import checkly_environment
from bellrock.client.transport import Server
from tests.system.dev_server import BELLROCK, LOCATION, PACKAGES, DevServer, until
from tests.system.terminal import Terminal, as_in_a_terminal, exit_code

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]

HERE = Path(__file__).parent
NEWEST = "8.23.2"
OF_BOTH_GENERATIONS = pytest.mark.parametrize("installation", ["8.2.0", NEWEST], indirect=True)
COMMAND_S = 150
A_PERSONS_PAUSE_S = 0.3  # closer presses count as one
CUTS = int(os.environ.get("BELLROCK_TEST_CUTS", "2"))
CONFIG = f"""
module.exports = {{
  projectName: 'Shop', logicalId: 'shop', repoUrl: 'https://git.example/shop',
  checks: {{
    locations: ['{LOCATION}'], frequency: 10, checkMatch: '**/__checks__/*.check.js',
    playwrightConfigPath: './playwright.config.ts',
    playwrightChecks: [{{ name: 'Shop suite', logicalId: 'shop-suite', tags: ['shop'] }}],
  }},
  cli: {{ runLocation: '{LOCATION}' }},
}};
"""
PLAYWRIGHT_CONFIG = """
import { defineConfig } from '@playwright/test';
export default defineConfig({ testDir: './tests', workers: 1, reporter: 'list' });
"""
SPEC = """
import { test, expect } from '@playwright/test';
test('adds up', async ({ page }) => {
  await page.setContent('<h1>4</h1>');
  console.log('printed by the suite');
  await expect(page.locator('h1')).toHaveText(process.env.EXPECTED ?? '4');
});
"""
ENDLESS = """
import { test } from '@playwright/test';
test('first', async () => {});
test('waits', async ({ page }) => {
  await page.goto(SITE);
  await page.waitForTimeout(120_000);
});
"""
MONITOR = """
const { UrlMonitor, UrlAssertionBuilder } = require('checkly/constructs');
new UrlMonitor('front', {
  name: 'Front page', activated: true, maxResponseTime: 30000, degradedResponseTime: 30000,
  request: { url: '%s', assertions: [UrlAssertionBuilder.statusCode().equals(200)] },
});
"""

EVERY_TYPE = HERE / "every_type.check.js"


@dataclass(frozen=True)
class Installation:
    """A folder in which a version of the command, and Playwright below it, are installed; and its server."""

    folder: Path
    dev: DevServer


class Installations:
    """One of each version that is asked for, each with a fresh server of its own."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._made: dict[str, Installation] = {}

    async def of(self, version: str) -> Installation:
        if version not in self._made:
            folder = self._folders.mktemp(f"checkly-{version}")
            await asyncio.to_thread(_install, version, folder)
            server = DevServer(self._folders.mktemp(f"server-{version}"))
            self._made[version] = Installation(folder, server)
            await server.start()
        return self._made[version]

    async def clean_up(self) -> None:
        for each in self._made.values():
            await each.dev.clean_up()


def _install(version: str, folder: Path) -> None:
    for packages, place in ((HERE / f"checkly-{version}", folder), (PACKAGES, folder / "suite")):
        place.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(packages / name, place)
        _npm_ci(place)


def _npm_ci(folder: Path) -> None:
    skip = {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, env={**os.environ, **skip}
    )


@pytest.fixture(scope="module")
async def installations(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installations]:
    made = Installations(tmp_path_factory)
    yield made
    await made.clean_up()


@pytest.fixture
async def installation(request: pytest.FixtureRequest, installations: Installations) -> Installation:
    return await installations.of(getattr(request, "param", NEWEST))


Done = subprocess.CompletedProcess[str]


@dataclass
class Shell:
    """A person in a project's folder. ``dev`` is where the command's variables lead."""

    dev: DevServer
    program: Path
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        found = self.dev.credentials
        server = Server(self.dev.url, found["api_key"], None)
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "CHECKLY_CLI_MODE": "interactive"}
        return {
            **checkly_environment(own, server, found["account_id"]),  # type: ignore[arg-type]  # a UUID's text
            "FORCE_COLOR": "0",
            **self.variables,
        }

    async def checkly(self, *words: str) -> Done:
        return await asyncio.to_thread(self._run, words)

    def _run(self, words: tuple[str, ...]) -> Done:
        return subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    async def must(self, *words: str, code: int = 0) -> str:
        done = await self.checkly(*words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{self.dev.log[-3000:]}"
        return done.stdout

    def in_terminal(self, *words: str) -> Terminal:
        return pexpect.spawn(
            str(self.program),
            list(words),
            cwd=self.folder,
            env={**self.environment, "TERM": "xterm-256color"},
            timeout=COMMAND_S,
            dimensions=(50, 400),
            encoding="utf-8",
            preexec_fn=as_in_a_terminal,
        )

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def shell(installation: Installation, tmp_path: Path) -> Shell:
    """A new project beside the installed command, as Node looks for packages upwards."""
    installed = installation.folder
    folder = installed / f"project-{tmp_path.name}"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    (folder / "node_modules").symlink_to(installed / "suite" / "node_modules")
    shell = Shell(installation.dev, installed / "node_modules" / ".bin" / "checkly", folder)
    shell.write("checkly.config.js", CONFIG)
    shell.write("playwright.config.ts", PLAYWRIGHT_CONFIG)
    shell.write("tests/shop.spec.ts", SPEC)
    return shell


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    """The site under test. ``asked`` are the paths of the requests that it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Site)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@dataclass
class Wire:
    """A way to the server that can be cut."""

    target: str
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    async def connected(self) -> None:
        self.news.clear()
        await asyncio.wait_for(self.news.wait(), COMMAND_S)

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        there, back = await asyncio.open_connection(address.hostname, address.port)
        self.connections += 1
        self.open |= {writer, back}
        self.news.set()
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self.open -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def test_it_knows_who_it_is_and_finds_the_project_valid(shell: Shell) -> None:
    assert "Bellrock" in await shell.must("whoami")
    assert "valid" in await shell.must("validate")


@OF_BOTH_GENERATIONS
async def test_test_runs_the_suite_and_says_how_it_ended(shell: Shell) -> None:
    said = await shell.must("test")
    assert "Shop suite" in said
    assert "1 passed, 1 total" in said
    failed = await shell.must("test", "-e", "EXPECTED=5", code=1)
    assert "1 failed, 1 total" in failed
    assert "adds up" in failed


async def test_an_unrecorded_test_ends_too(shell: Shell) -> None:
    assert "1 passed, 1 total" in await shell.must("test", "--no-record")


async def test_pw_test_prints_what_the_suite_prints(shell: Shell) -> None:
    said = await shell.must("pw-test", "--", "--grep", "adds")
    assert "printed by the suite" in said
    assert "1 passed" in said


@OF_BOTH_GENERATIONS
async def test_a_project_is_deployed_triggered_and_destroyed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    preview = await shell.must("deploy", "--preview")
    assert "shop-suite" in preview
    assert "front" in preview
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    again = await shell.must("deploy", "--preview")
    assert "shop-suite" not in again
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "shop")
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


async def test_checks_of_every_type_are_told_as_they_ended_and_deployed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/all.check.js", EVERY_TYPE.read_text())
    shell.variables["SITE_URL"] = site.url
    said = await shell.must("test", "--reporter=ci", code=1)
    ended = {mark[2]: mark[1] for mark in re.finditer(r"^  ([✔✖]) (\w[\w ]*) \(", said, re.MULTILINE)}
    assert ended == {
        "Url": "✔",
        "Api": "✖",
        "Down": "✖",
        "Tcp": "✖",
        "Dns": "✖",
        "Icmp": "✔",
        "Browser": "✖",
        "Steps": "✔",
        "Shop suite": "✔",
    }
    assert 'status code equals target "418". Received: 200.' in said
    assert "No connection could be made" in said
    assert "refused the connection" in said
    assert "5 failed, 4 passed, 9 total" in said
    deployed = await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert f"{shell.dev.url}/ping/" in deployed
    assert "Create" not in await shell.must("deploy", "--preview")
    await shell.must("destroy", "--force")


async def test_results_are_reported_for_machines_and_a_detached_session_goes_on(shell: Shell) -> None:
    said = await shell.must("test", "--reporter=json", "--retries", "1")
    assert "1 passed" in said
    assert "Shop suite" in (shell.folder / "checkly-json-report.json").read_text()
    await shell.must("test", "--reporter=github")
    assert "Shop suite" in (shell.folder / "checkly-github-report.md").read_text()
    assert "1 passed, 1 total" in await shell.must("test", "--reporter=dot")
    await shell.must("test", "--detach")
    sessions = await shell.dev.call("GET", "/v1/test-sessions?limit=1")
    session_id = sessions["entries"][0]["id"]
    assert "passed" in await shell.must("test-sessions", "get", session_id, "--watch")


async def test_variables_are_added_changed_listed_and_removed(shell: Shell) -> None:
    await shell.must("env", "add", "GREETING", "hello")
    assert "GREETING=hello" in await shell.must("env", "ls")
    await shell.must("env", "update", "GREETING", "bye")
    await shell.must("env", "pull", "--force")
    assert "GREETING=bye" in (shell.folder / ".env").read_text()
    await shell.must("env", "rm", "GREETING", "--force")
    assert "GREETING" not in await shell.must("env", "ls")


async def test_a_connection_for_events_that_is_cut_loses_no_result(shell: Shell) -> None:
    async with Wire(shell.dev.url) as wire:
        shell.variables["CHECKLY_EVENTS_URL"] = wire.url
        for _ in range(CUTS):
            command = asyncio.create_task(shell.must("test", "--no-record"))
            await wire.connected()
            await asyncio.sleep(random.uniform(0, 2))
            wire.cut()
            assert "1 passed, 1 total" in await command
        assert wire.connections > CUTS  # it came back each time that it still had to


@pytest.mark.parametrize("command", ["test", "pw-test", "trigger"])
async def test_ctrl_c_cancels_the_suite_and_lets_other_checks_end(
    shell: Shell, site: Site, command: str
) -> None:
    terminal = await in_the_middle(shell, site, command)
    terminal.sendintr()
    terminal.expect("Cancelling")
    terminal.expect("1 cancelled")
    assert exit_code(terminal) == 0
    assert await status_of_the_last_session(shell) == "CANCELLED"
    assert site.asked.count("/suite") == 1
    await shell.must("destroy", "--force")


@OF_BOTH_GENERATIONS
async def test_a_second_ctrl_c_leaves_at_once_and_the_session_is_cancelled(shell: Shell, site: Site) -> None:
    terminal = await in_the_middle(shell, site, "test")
    terminal.sendintr()
    terminal.expect("Cancelling")
    await asyncio.sleep(A_PERSONS_PAUSE_S)
    terminal.sendintr()
    assert exit_code(terminal) == 1
    session = (await shell.dev.call("GET", "/v1/test-sessions?limit=1"))["entries"][0]
    await shell.dev.call("GET", f"/v1/test-sessions/{session['id']}/completion?maxWaitSeconds=30")
    assert await status_of_the_last_session(shell) == "CANCELLED"


async def in_the_middle(shell: Shell, site: Site, command: str) -> Terminal:
    """The command in a terminal, in the middle of a suite's second test; beside a monitor in `test`."""
    shell.write("tests/shop.spec.ts", ENDLESS.replace("SITE", repr(f"{site.url}suite")))
    words = [command]
    if command == "test":
        shell.write("__checks__/front.check.js", MONITOR % f"{site.url}monitor")
    if command == "trigger":
        await shell.must("deploy", "--force", "--no-schedule-on-deploy")
        words += ["--tags", "shop"]
    terminal = shell.in_terminal(*words)
    await until(lambda: "/suite" in site.asked, timeout_s=60, what="the second test begins")
    return terminal


async def status_of_the_last_session(shell: Shell) -> str:
    sessions = await shell.dev.call("GET", "/v1/test-sessions?limit=1")
    return str(sessions["entries"][0]["status"])


async def test_bellrock_checkly_is_the_projects_own_command_led_here(shell: Shell) -> None:
    environment = shell.dev.environment(shell.folder)
    whoami = await asyncio.create_subprocess_exec(
        *(BELLROCK, "checkly", "--", "whoami"),
        cwd=shell.folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(whoami.communicate(), COMMAND_S)
    assert whoami.returncode == 0
    assert re.search("account .?Bellrock", said.decode())
