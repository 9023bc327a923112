"""Runs scripts of browser and multistep checks through their executor alone, against a small shop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import Spec
from bellrock.runner.executors.script import ScriptExecutor
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.supervisor import Isolation, probe_isolation
from bellrock.wire.messages import Limits
from tests.system.playwright_rig import Run, start_run

_HOME = """<!doctype html><title>shop</title><h1>shop</h1><p>Everything.</p>"""
_BROKEN = """<!doctype html><title>broken</title><h1>broken</h1><img src="/missing.png">
<script>console.error('printed by the page');
setTimeout(() => { throw new Error('thrown by the page'); });</script>
"""


class _Shop(BaseHTTPRequestHandler):
    agents: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.agents.append((self.path, self.headers.get("User-Agent", "")))
        pages = {"/": _HOME, "/broken": _BROKEN, "/api/cart": '{"items": 2}'}
        text = pages.get(self.path, "not here").encode()
        self.send_response(200 if self.path in pages else 404)
        self.send_header("Content-Type", "application/json" if "api" in self.path else "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        pass


class Shop:
    """The shop's address, and who asked for what, by user agent."""

    def __init__(self, url: str, agents: list[tuple[str, str]]) -> None:
        self.url = url
        self._agents = agents

    def agents_of(self, path: str) -> set[str]:
        return {agent for asked, agent in self._agents if asked == path}


@contextmanager
def shop() -> Iterator[Shop]:
    agents: list[tuple[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_", (_Shop,), {"agents": agents}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Shop(f"http://127.0.0.1:{server.server_port}", agents)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class ScriptRig:
    """An executor with its cache, and folders for runs."""

    def __init__(
        self,
        folder: Path,
        cache: Path,
        *,
        cap_s: float = 150,
        options: PlaywrightOptions | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self.folder = folder
        self.cache = cache
        self.isolation = isolation or probe_isolation()
        self.executor = ScriptExecutor(
            options or PlaywrightOptions(), isolation=self.isolation, cache_folder=cache, cap_s=cap_s
        )

    def start(
        self, spec: Spec, *, source: str = "SCHEDULER", environment: tuple[EnvironmentVariable, ...] = ()
    ) -> Run:
        return start_run(
            self.executor,
            spec,
            folder=self.folder,
            cache=self.cache,
            isolation=self.isolation,
            environment=environment,
            context={"CHECKLY": "1", "CHECKLY_RUN_SOURCE": source},
            limits=Limits(),
        )
