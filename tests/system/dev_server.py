"""A real `bellrock dev` as a child process, and quick suites for it: shell commands in a bundle."""

import asyncio
import io
import json
import os
import signal
import ssl
import sys
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psutil

from tests.support.kept_packages import KeptPackages
from tests.support.plain_http import TRUSTS_NOBODY

PACKAGES = Path(__file__).parents[1] / "suites" / "playwright"
BELLROCK = Path(sys.executable).with_name("bellrock")
START_S = 60.0
STOP_S = 20.0
LOCATION = "eu-central-1"
FINAL = frozenset({"PASSED", "FAILED", "CANCELLED", "TIMED_OUT", "ERRORED"})


async def until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - the condition is a state of other processes
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError(f"not within {timeout_s:g} s: {what}") from error


def processes_with(marker: str) -> list[psutil.Process]:
    """Living processes that show the marker in their command line, in whatever namespace."""
    found = []
    for pid in psutil.pids():
        # psutil takes five times as long to read them all, and this is asked again and again.
        with suppress(OSError, psutil.NoSuchProcess):
            if marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():  # a zombie has none
                found.append(psutil.Process(pid))
    return found


@dataclass(frozen=True)
class ShellSuite:
    """A suite that is a shell script. ``marker`` is in the command line of each of its processes."""

    marker: str
    bundle: bytes


def shell_suite(seconds: float) -> ShellSuite:
    """Runs for that long and exits 0. A second process of it detaches itself and never ends."""
    marker = f"suite-{uuid4().hex}"
    loop = "while :; do sleep 0.2; done"
    script = f"setsid sh -c '{loop}' {marker} >/dev/null 2>&1 &\nsh -c 'sleep {seconds}' {marker}\nexit 0\n"
    files = {
        **{name: (PACKAGES / name).read_text() for name in ("package.json", "package-lock.json")},
        "playwright.config.js": "module.exports = {};\n",
        "suite.sh": script,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return ShellSuite(marker, packed.getvalue())


class ServerApi(ABC):
    """What a test asks of a running server, wherever its processes are."""

    url: str
    credentials: dict[str, str]
    trusted: ssl.SSLContext = TRUSTS_NOBODY

    @property
    @abstractmethod
    def log(self) -> str:
        """What its processes logged so far."""

    def client(self) -> httpx2.AsyncClient:
        headers = {
            "Authorization": f"Bearer {self.credentials['api_key']}",
            "X-Checkly-Account": self.credentials["account_id"],
        }
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=40, trust_env=False, verify=self.trusted
        )

    async def call(self, method: str, path: str, **arguments: Any) -> Any:
        async with self.client() as client:
            answer = await client.request(method, path, **arguments)
            assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
            return answer.json() if answer.content else None

    async def start_session(self, suite: ShellSuite, **check: Any) -> str:
        """Save the suite as a check and trigger it; the session's id."""
        bundle = await self.call("POST", "/next/checkly-storage/upload-code-bundle", content=suite.bundle)
        body = {
            "name": suite.marker,
            "codeBundlePath": bundle["key"],
            "testCommand": "sh suite.sh",
            "locations": [LOCATION],
            **check,
        }
        saved = await self.call("POST", "/v1/checks/playwright", json=body)
        target = {"target": {"checkId": [saved["id"]]}}
        sessions = await self.call("POST", "/v1/check-sessions/trigger", json=target)
        return str(sessions["sessions"][0]["checkSessionId"])

    async def session(self, session_id: str) -> Any:
        return await self.call("GET", f"/v2/check-sessions/{session_id}")

    async def cancel(self, session_id: str) -> None:
        await self.call("POST", f"/v1/check-sessions/{session_id}/cancel", json={})

    async def await_final(self, session_id: str, *, timeout_s: float) -> Any:
        """The session once it is final."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    session = await self.session(session_id)
                    if session["status"] in FINAL:
                        return session
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            message = f"session not final within {timeout_s:g} s\n{self.log[-4_000:]}"
            raise AssertionError(message) from error


@dataclass
class DevServer(ServerApi):
    """`bellrock dev` on a free port. `start` again after `kill` continues with the same data.

    ``packages``: what the runners of other servers have installed, for this one's as well.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    locations: tuple[str, ...] = (LOCATION,)
    process: "asyncio.subprocess.Process | None" = None
    url: str = ""
    credentials: dict[str, str] = field(default_factory=dict)
    trusted: ssl.SSLContext = TRUSTS_NOBODY
    packages: KeptPackages | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def cache(self) -> Path:
        """Where its runner keeps what suites depend on."""
        return self.data / "runner" / "cache"

    @property
    def log(self) -> str:
        return (self.folder / "dev.log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def environment(self, home: Path) -> dict[str, str]:
        """What the shell of a person has whose commands go to this server."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "BELLROCK_URL": self.url,
            "BELLROCK_API_KEY": self.credentials["api_key"],
            "BELLROCK_ACCOUNT_ID": self.credentials["account_id"],
        }

    async def start(self) -> None:
        command = (str(BELLROCK), "dev", "--port", "0", "--data-dir", str(self.data))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BELLROCK_")}
        starts = self.log.count("Bellrock is up at") if (self.folder / "dev.log").exists() else 0
        with (self.folder / "dev.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command,
                "--locations",
                ",".join(self.locations),
                stdout=log,
                stderr=log,
                env={
                    **environment,
                    "BELLROCK_LOG_FORMAT": "json",
                    "BELLROCK_SCHEDULES": "false",  # only what a test starts runs
                    **self.variables,
                },
            )
        process = self.process
        await until(
            lambda: self.log.count("Bellrock is up at") > starts or process.returncode is not None,
            timeout_s=START_S,
            what="bellrock dev is up",
        )
        assert process.returncode is None, self.log[-3_000:]
        self.read_address()
        if self.packages and not starts:
            await asyncio.to_thread(self.packages.bring_to, self.cache)

    def read_address(self) -> None:
        """Where it is and who may use it, from its log and its data folder."""
        self.url = self.log.rsplit("Bellrock is up at ", 1)[1].splitlines()[0]
        self.credentials = json.loads((self.data / "credentials.json").read_text())

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), STOP_S)

    async def kill(self) -> None:
        assert self.process
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), STOP_S)

    async def clean_up(self) -> None:
        """End it however it is. Its children die with it."""
        if self.process and self.process.returncode is None:
            for child in self.children():
                child.send_signal(signal.SIGCONT)
            await self.stop()
        if self.packages:
            await asyncio.to_thread(self.packages.keep, self.cache)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()

    def child(self, word: str) -> psutil.Process:
        """The direct child whose command line has this word: nats-server, or runner."""
        (found,) = [c for c in self.children() if any(Path(part).name == word for part in c.cmdline())]
        return found
