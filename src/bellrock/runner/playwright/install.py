"""Installs packages once per key, however many runs ask for them at the same time.

An install belongs to everybody who waits for it: it is stopped when the last of them has left.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.outcomes import Outcome
from bellrock.runner.playwright.dependency_store import DependencyStore, Lease
from bellrock.runner.playwright.environment import install_environment
from bellrock.runner.playwright.failures import RunEnded, check_failed
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.limits import limit_outcome
from bellrock.runner.playwright.sandbox import Machine, process_limits, start
from bellrock.runner.supervisor import (
    CancelTrace,
    ExitCause,
    Mount,
    OutputLine,
    OutputSink,
    SuiteProcess,
    take_back,
)
from bellrock.wire.messages import Limits

_LAST_LINES = 12
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """What is to be installed, and how.

    ``fill`` puts the files into an empty folder, and blocks; ``argv`` then runs in ``place``, relative to it,
    where it finds programs by ``search_path`` and sees ``mounts``. ``makes`` names the folder it is to make.
    """

    attempt_id: UUID
    fill: Callable[[Path], None]
    argv: tuple[str, ...]
    place: Path
    variables: tuple[EnvironmentVariable, ...] = field(repr=False)
    limits: Limits
    search_path: str
    makes: str
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class SharedInstall:
    """An install that goes on, and who waits for it."""

    key: str
    listeners: list[OutputSink] = field(default_factory=list)
    waiters: int = 0
    process: SuiteProcess | None = None
    stop_trace: CancelTrace | None = None
    task: "asyncio.Task[None] | None" = None

    async def ended(self) -> None:
        """Return when the install is done; raises what it failed with. Leaving early stops nothing."""
        if self.task is not None:
            await asyncio.shield(self.task)

    async def hear(self, lines: Sequence[OutputLine]) -> None:
        """Pass output on to everybody who waits."""
        for listener in tuple(self.listeners):
            await listener(lines)


class Installer:
    """Packages: from the store, or installed."""

    def __init__(self, store: DependencyStore, machine: Machine) -> None:
        self._store = store
        self._machine = machine
        self._going_on: dict[str, SharedInstall] = {}

    async def find(self, key: str) -> Lease | None:
        """Packages that were installed before."""
        return await asyncio.to_thread(self._store.find, key)

    def join(self, key: str, request: InstallRequest, on_output: OutputSink) -> tuple[SharedInstall, bool]:
        """Take part in the key's install; begin it if nobody has. Pair each with one `leave`.

        :returns: the install, and whether somebody else had begun it.
        """
        shared = self._going_on.get(key)
        joined = shared is not None
        if shared is None:
            shared = SharedInstall(key)
            self._going_on[key] = shared
            shared.task = asyncio.create_task(self._install(shared, request), name=f"install-{key}")
        shared.waiters += 1
        shared.listeners.append(on_output)
        return shared, joined

    async def leave(self, shared: SharedInstall, on_output: OutputSink) -> CancelTrace | None:
        """Stop taking part. The last to leave an install that goes on stops it, and waits for that.

        :returns: what the stop did, or None where the install had ended or goes on for others.
        """
        shared.listeners.remove(on_output)
        shared.waiters -= 1
        if shared.waiters or shared.task is None or shared.task.done():
            return None
        self._going_on.pop(shared.key, None)
        shared.task.cancel()
        await asyncio.wait([shared.task])  # ends with the process, which the supervisor kills in bounded time
        return shared.stop_trace

    async def _install(self, shared: SharedInstall, request: InstallRequest) -> None:
        scratch = await asyncio.to_thread(self._store.scratch)
        try:
            await self._install_in(scratch, shared, request)
        finally:
            self._going_on.pop(shared.key, None)
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True))

    async def _install_in(self, scratch: Path, shared: SharedInstall, request: InstallRequest) -> None:
        folders = RunFolders(scratch, self._machine.isolation.private_tmp)
        folders.create()
        await asyncio.to_thread(request.fill, folders.suite)
        last_lines: deque[str] = deque(maxlen=_LAST_LINES)

        async def on_output(lines: Sequence[OutputLine]) -> None:
            last_lines.extend(line.text for line in lines)
            await shared.hear(lines)

        shared.process = await start(
            self._machine,
            f"{request.attempt_id}.install.{uuid4().hex[:8]}",
            argv=request.argv,
            cwd=folders.suite / request.place,
            environment=install_environment(
                folders,
                request.variables,
                search_path=request.search_path,
                extra={**self._machine.options.install_environment, **request.environment},
            ),
            writable=folders.work,
            limits=process_limits(request.limits),
            on_output=on_output,
            read_only=request.mounts,
        )
        await self._to_the_end(shared, shared.process, request.limits.install_s, last_lines)
        await asyncio.to_thread(take_back, folders.work)
        if folders.suite.is_symlink():
            raise RunEnded(check_failed("INSTALL_FAILED", "The install put a link in the suite's place."))
        lease = await asyncio.to_thread(self._store.keep, shared.key, folders.suite)
        if lease is None:
            message = f"The install ended well and left no {request.makes} folder."
            raise RunEnded(check_failed("INSTALL_FAILED", message))
        lease.release()
        await asyncio.to_thread(self._store.prune)

    async def _to_the_end(
        self, shared: SharedInstall, process: SuiteProcess, timeout_s: float, last_lines: deque[str]
    ) -> None:
        try:
            ended = await asyncio.wait_for(asyncio.shield(process.wait()), timeout_s)
        except TimeoutError:
            await process.cancel(graceful=False)
            message = f"The install took longer than {timeout_s:g} s and was stopped."
            raise RunEnded(check_failed("INSTALL_TIMED_OUT", _with_lines(message, last_lines))) from None
        except asyncio.CancelledError:
            shared.stop_trace = await asyncio.shield(process.cancel(graceful=False))
            raise
        if ended.cause is not ExitCause.FINISHED:
            raise RunEnded(limit_outcome(ended, "install"))
        if ended.code != 0:
            raise RunEnded(_failed(ended.code, last_lines))


def _failed(code: int | None, last_lines: deque[str]) -> Outcome:
    message = f"The install ended with exit code {code}."
    if code == _NOT_FOUND:
        message = "The install command was not found on this runner (exit code 127)."
    return check_failed("INSTALL_FAILED", _with_lines(message, last_lines))


def _with_lines(message: str, last_lines: deque[str]) -> str:
    return message + ("\n" + "\n".join(last_lines) if last_lines else "")
