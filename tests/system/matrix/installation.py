"""An installation whose parts stand apart: nats-server, control plane and runner, each startable alone.

What a service manager does is done here: a part that ended is started again. The lines between the
parts lead through our proxies; with root rights each part's folder is a small file system of its own.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bellrock.bootstrap.data_folder import read_credentials
from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.engine.lifeline import ignore_terminal_interrupts
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from tests.support.plain_http import TRUSTS_NOBODY
from tests.support.server import free_port
from tests.system.dev_server import BELLROCK, LOCATION, START_S, ServerApi
from tests.system.matrix import clock
from tests.system.matrix.cells import Part
from tests.system.matrix.proxy import Line

LEASE_S = 4.0
HEARTBEAT_S = 1.0
DISK_BYTES = 48 * 1024**2
_AGAIN_S = 0.3
_STOP_S = 10.0
_NODE = """\
#!/bin/sh
# Asked for its version before packages are looked up: the place to hold a run that restores them.
if [ "$1" = --version ] && [ -e "{folder}/hold" ]; then
    : > "{folder}/reached"
    while [ -e "{folder}/hold" ]; do sleep 0.05; done
fi
exec {node} "$@"
"""


@dataclass
class Service:
    """A process that is started again whenever it ended, until `stop`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: "asyncio.subprocess.Process | None" = None
    keeper: "asyncio.Task[None] | None" = None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    async def start(self) -> None:
        await self._spawn()
        self.keeper = asyncio.create_task(self._keep(), name=f"keeper-{self.name}")

    async def _spawn(self) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BELLROCK_")}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited, **self.environment},
                preexec_fn=ignore_terminal_interrupts(),
            )

    async def _keep(self) -> None:
        while self.process:
            await self.process.wait()
            await asyncio.sleep(_AGAIN_S)
            await self._spawn()

    async def stop(self) -> None:
        if self.keeper:
            self.keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self.keeper
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), _STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


@dataclass
class Installation(ServerApi):
    """All parts. ``has_clocks``: the clocks of control plane and runner can be set apart."""

    folder: Path
    has_clocks: bool = False
    url: str = ""
    credentials: dict[str, str] = field(default_factory=dict)
    is_usable: bool = True
    nats: EmbeddedNats = field(init=False)
    control: Service = field(init=False)
    runner: Service = field(init=False)
    control_to_nats: Line = field(init=False)
    runner_to_nats: Line = field(init=False)
    runner_to_control: Line = field(init=False)

    def place(self, part: Part) -> Path:
        """The folder a part keeps its files in."""
        return self.folder / part.name.lower()

    def clock(self, part: Part) -> Path:
        """The file that says how far the part's clock is off."""
        return self.folder / f"clock-{part.name.lower()}"

    @property
    def runs(self) -> Path:
        return self.place(Part.RUNNER) / "runs"

    @property
    def dependencies(self) -> Path:
        return self.place(Part.RUNNER) / "cache" / "dependencies"

    @property
    def node(self) -> Path:
        """The folder of the runner's Node, which can be held when it is asked for its version."""
        return self.folder / "node"

    @property
    def database(self) -> Path:
        return self.place(Part.CONTROL) / "bellrock.sqlite"

    @property
    def log(self) -> str:
        logs = (self.folder / f"{name}.log" for name in ("control", "runner"))
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())

    def pid(self, part: Part) -> int:
        """The process of a part."""
        if part is Part.NATS:
            assert self.nats.pid
            return self.nats.pid
        return self.control.pid if part is Part.CONTROL else self.runner.pid

    # --- lifetime -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Start every part, and wait until runs can be started."""
        for part in (Part.CONTROL, Part.NATS, Part.RUNNER):
            self.place(part).mkdir()
            self.clock(part).write_bytes(clock.RIGHT)
            if os.geteuid() == 0:
                _mount(self.place(part))
        if self.has_clocks:
            (self.folder / clock.LIBRARY_NAME).write_bytes(clock.library())
        self._write_node()
        self.nats = EmbeddedNats(
            EmbeddedNatsOptions(folder=self.place(Part.NATS), program=find_server(), start_s=START_S)
        )
        await self.nats.start()
        await self._open_lines()
        self.control = Service(
            "control",
            (str(BELLROCK), "server"),
            self._control_environment(),
            self.folder / "control.log",
        )
        self.runner = Service(
            "runner", (str(BELLROCK), "runner"), self._runner_environment(), self.folder / "runner.log"
        )
        await self.control.start()
        await self.runner.start()
        await eventually(self.is_healthy, timeout_s=START_S, what="the installation is up", log=self)
        known = read_credentials(self.place(Part.CONTROL) / "credentials.json")
        assert known
        self.credentials = {"account_id": str(known.account_id), "api_key": known.api_key}

    async def stop(self) -> None:
        """End every part, and let go of the file systems."""
        for service in (self.runner, self.control):
            await service.stop()
        if self.nats.pid:
            os.kill(self.nats.pid, signal.SIGCONT)
        await self.nats.stop()
        for line in (self.control_to_nats, self.runner_to_nats, self.runner_to_control):
            await line.close()
        if os.geteuid() == 0:
            for part in (Part.CONTROL, Part.NATS, Part.RUNNER):
                _unmount(self.place(part))

    async def is_healthy(self) -> bool:
        """What the control plane says of itself."""
        try:
            async with httpx2.AsyncClient(
                base_url=self.url, timeout=3, trust_env=False, verify=TRUSTS_NOBODY
            ) as client:
                return (await client.get("/healthz")).status_code == 200
        except httpx2.TransportError:
            return False

    async def bus(self) -> NatsBus:
        """A connection of the test's own, past the proxies."""
        return await NatsBus.connect(NatsOptions(self.nats.url, self.nats.user, self.nats.token))

    async def _open_lines(self) -> None:
        control_port = free_port()
        nats_port = int(self.nats.url.rpartition(":")[2])
        self.url = f"http://127.0.0.1:{control_port}"
        self.control_to_nats = Line(nats_port)
        self.runner_to_nats = Line(nats_port)
        self.runner_to_control = Line(control_port)
        for line in (self.control_to_nats, self.runner_to_nats, self.runner_to_control):
            await line.open()

    def _write_node(self) -> None:
        program = self.node / "bin" / "node"
        program.parent.mkdir(parents=True)
        found = subprocess.run(("which", "node"), capture_output=True, text=True, check=True, timeout=_STOP_S)
        program.write_text(_NODE.format(folder=self.node, node=found.stdout.strip()))
        program.chmod(0o755)

    def _shared_environment(self, part: Part, to_nats: Line) -> dict[str, str]:
        return {
            "BELLROCK_LOG_FORMAT": "json",
            "BELLROCK_NATS_URL": f"nats://127.0.0.1:{to_nats.port}",
            "BELLROCK_NATS_USER": self.nats.user,
            "BELLROCK_NATS_TOKEN": self.nats.token,
            "BELLROCK_NATS_PING_S": "1",
            "BELLROCK_LEASE_S": str(LEASE_S),
            "BELLROCK_HEARTBEAT_S": str(HEARTBEAT_S),
            "BELLROCK_RPC_TIMEOUT_S": "2",
            "BELLROCK_OFFER_ACK_WAIT_S": "3",
            "BELLROCK_REDISPATCH_AFTER_S": "3",
            "BELLROCK_LOCATIONS": LOCATION,
            **(clock.variables(str(self.folder), self.clock(part).name) if self.has_clocks else {}),
        }

    def _control_environment(self) -> dict[str, str]:
        return {
            **self._shared_environment(Part.CONTROL, self.control_to_nats),
            "BELLROCK_PORT": self.url.rpartition(":")[2],
            "BELLROCK_DATA_DIR": str(self.place(Part.CONTROL)),
            "BELLROCK_RATE_LIMIT_REQUESTS": "100000",
            "BELLROCK_SCHEDULES": "false",
            "BELLROCK_DISK_BYTES": str(8 * 1024**2),
        }

    def _runner_environment(self) -> dict[str, str]:
        return {
            **self._shared_environment(Part.RUNNER, self.runner_to_nats),
            "BELLROCK_CONTROL_URL": f"http://127.0.0.1:{self.runner_to_control.port}",
            "BELLROCK_RUNNER_DIR": str(self.place(Part.RUNNER)),
            "BELLROCK_CONCURRENCY": "1",
            "BELLROCK_TRANSFER_TIMEOUT_S": "3",
            "BELLROCK_NODE": str(self.node / "bin" / "node"),
            "BELLROCK_CHROMIUM": "/usr/bin/true",
        }


def _mount(folder: Path) -> None:
    options = f"size={DISK_BYTES},mode=0755"
    subprocess.run(
        ("mount", "-t", "tmpfs", "-o", options, "bellrock-matrix", str(folder)), check=True, timeout=_STOP_S
    )


def _unmount(folder: Path) -> None:
    subprocess.run(("umount", "--lazy", str(folder)), check=True, timeout=_STOP_S)


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, timeout_s: float, what: str, log: ServerApi
) -> None:
    """Wait for a condition that has to be asked for."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await condition():  # noqa: ASYNC110 - the condition is a state of other processes
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError(f"not within {timeout_s:g} s: {what}\n{log.log[-6_000:]}") from error
