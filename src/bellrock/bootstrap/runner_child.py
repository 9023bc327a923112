"""The runner of `bellrock dev`: a process of its own, started again when it dies, ended with us."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

import structlog

from bellrock.engine.lifeline import ignore_terminal_interrupts

log = structlog.get_logger(__name__)

_COMMAND = (sys.executable, "-c", "from bellrock.cli.main import main; main()", "runner")
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
_LIVED_LONG_S = 30.0


class RunnerChild:
    """Keeps one `bellrock runner` running."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        # What only the control plane may know stays with it.
        for name in ("BELLROCK_API_KEY", "BELLROCK_API_KEY_FILE", "BELLROCK_DATABASE_URL"):
            self._environment.pop(name, None)
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and keep it running until `stop`. Call it from the main thread (see `lifeline`)."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name="runner-keeper")

    async def stop(self, *, grace_s: float) -> None:
        """Ask it to end, and kill it after ``grace_s``. Twice is harmless."""
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            log.warning("runner.killed", pid=process.pid, after_s=grace_s)
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.DEVNULL,
            env=self._environment,
            preexec_fn=ignore_terminal_interrupts(),
        )
        log.info("runner.started", pid=self._process.pid)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = _FIRST_WAIT_S
        while self._process:
            started = loop.time()
            code = await self._process.wait()
            lived_s = loop.time() - started
            wait_s = _FIRST_WAIT_S if lived_s > _LIVED_LONG_S else min(wait_s * 2, _LONGEST_WAIT_S)
            log.warning("runner.died", code=code, lived_s=round(lived_s, 1), restart_in_s=wait_s)
            await asyncio.sleep(wait_s)
            try:
                await self._spawn()
            except OSError as error:  # out of processes or memory: the dead one's loop comes round again
                log.warning("runner.not_started", error=str(error))
