"""The published `checkly` command as a person has it: installed by npm, in a project, led to a server."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pexpect

from bellrock.cli.checkly import checkly_environment
from bellrock.client.transport import Server
from tests.compat.versions import LEFT_OUT, USUAL
from tests.system.dev_server import LOCATION, DevServer
from tests.system.terminal import Terminal, as_in_a_terminal

HERE = Path(__file__).parent
COMMAND_S = 150
HELD = "/held"
HELD_AT_MOST_S = 20.0  # monitors give up after 30
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
test('adds up', async () => {
  console.log('printed by the suite');
  expect('4').toBe(process.env.EXPECTED ?? '4');
});
"""
SPEC_WITH_A_PAGE = """
import { test, expect } from '@playwright/test';
test('adds up', async ({ page }) => {
  await page.setContent('<h1>4</h1>');
  console.log('printed by the suite');
  await expect(page.locator('h1')).toHaveText(process.env.EXPECTED ?? '4');
});
"""
MONITOR = """
const { UrlMonitor, UrlAssertionBuilder } = require('checkly/constructs');
new UrlMonitor('front', {
  name: 'Front page', activated: true, tags: ['shop'], maxResponseTime: 30000, degradedResponseTime: 30000,
  request: { url: '%s', assertions: [UrlAssertionBuilder.statusCode().equals(200)] },
});
"""
"""A monitor of an address."""


Done = subprocess.CompletedProcess[str]


@dataclass
class Shell:
    """A person in a project's folder. ``dev`` is where the command's variables lead.

    ``credentials``: of whoever it is, if not of the account's owner.
    """

    dev: DevServer
    program: Path
    folder: Path
    version: str = USUAL
    variables: dict[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] | None = None

    def has(self, command: str) -> bool:
        """Whether this version of the command has it."""
        return command.replace(" ", ":") not in LEFT_OUT[self.version]

    @property
    def environment(self) -> dict[str, str]:
        who = self.credentials or self.dev.credentials
        server = Server(self.dev.url, who["api_key"], None)
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "CHECKLY_CLI_MODE": "interactive"}
        return {
            **checkly_environment(own, server, UUID(who["account_id"])),
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

    def in_terminal(self, *words: str, npx: bool = False) -> Terminal:
        program, *given = ["npx", "--no", "checkly"] if npx else [str(self.program)]
        return pexpect.spawn(
            program,
            [*given, *words],
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


async def last_sessions(shell: Shell, limit: int) -> list[dict[str, Any]]:
    """The test sessions that were started last, the newest first."""
    found = await shell.dev.call("GET", f"/v1/test-sessions?limit={limit}")
    return list(found["entries"])


class _Site(BaseHTTPRequestHandler):
    server: "Site"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == HELD:
            self.server.released.wait(HELD_AT_MOST_S)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    """The site under test. ``asked`` are the paths of the requests that it got.

    Whoever asks for the path `HELD` is answered once it is ``released``, or after a while.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Site)
        self.asked: list[str] = []
        self.released = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
