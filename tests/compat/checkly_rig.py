"""The published `checkly` command as a person has it: installed by npm, in a project, led to a server."""

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pexpect

from bellrock.cli.checkly import checkly_environment
from bellrock.client.transport import Server
from tests.system.dev_server import LOCATION, PACKAGES, DevServer
from tests.system.terminal import Terminal, as_in_a_terminal

HERE = Path(__file__).parent
NEWEST = "8.23.2"
COMMAND_S = 150
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


def install(version: str, folder: Path) -> None:
    """Put a version of the command into a folder, and Playwright below it."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / f"checkly-{version}" / name, folder)
    _npm_ci(folder)
    (folder / "suite").mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder / "suite")
    _npm_ci(folder / "suite")


def _npm_ci(folder: Path) -> None:
    skip = {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, env={**os.environ, **skip}
    )


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
