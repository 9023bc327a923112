"""Looks at what a tree uses while it runs, and says when it used too much.

Memory and process counts are enforced by the kernel where control groups can be written; then
this only asks whether the kernel had to step in. Elsewhere, and for folders, it looks itself: what
is used between two looks can exceed the limit, which the interval bounds.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import RunCgroup
from bellrock.runner.supervisor.containers import Container
from bellrock.runner.supervisor.outcome import ExitCause
from bellrock.runner.supervisor.spec import ProcessLimits

_LOOK_EVERY_S = 0.2
_SAMPLE_EVERY_S = 0.5  # looking through /proc costs more than asking the kernel
_MEASURE_EVERY_S = 1.0
_MEASURE_SHARE = 20  # walking the folders takes at most 1/20 of the time
_MIB = 1024**2

Breach = tuple[ExitCause, str]


class UsageWatch:
    """The limits of one tree."""

    def __init__(
        self, limits: ProcessLimits, cgroup: RunCgroup, *, container: Container, folders: tuple[Path, ...]
    ) -> None:
        self.peak_memory_bytes: int | None = None
        self._limits = limits
        self._cgroup = cgroup
        self._container = container
        self._folders = folders
        self._next_sample = 0.0
        self._next_measure = 0.0

    async def run(self, on_breach: Callable[[ExitCause, str], None]) -> None:
        """Look again and again until a limit is passed; then tell, and end. Cancelled with the tree."""
        while True:
            breach = self.ask_kernel() or self._sample() or await self._measure()
            if breach is not None:
                on_breach(*breach)
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    def ask_kernel(self) -> Breach | None:
        """Whether the kernel had to refuse or kill something. Also the last look after the end."""
        use = self._cgroup.use()
        if use.peak_memory_bytes is not None or use.memory_bytes is not None:
            self._note_memory(use.peak_memory_bytes or use.memory_bytes or 0)
        if use.killed_for_memory:
            return self._out_of_memory()
        if use.refused_forks:
            return self._too_many_processes()
        return None

    def _sample(self) -> Breach | None:
        by_eye = not (self._cgroup.limits_memory and self._cgroup.limits_processes)
        if not by_eye or time.monotonic() < self._next_sample:
            return None
        self._next_sample = time.monotonic() + _SAMPLE_EVERY_S
        members = self._container.members().values()
        most = self._limits.processes
        tasks = 0 if self._cgroup.limits_processes else sum(process.threads for process in members)
        # The kernel's own limit (per user) lets it come up to the limit, never above.
        if most is not None and tasks >= most:
            return self._too_many_processes()
        if not self._cgroup.limits_memory:
            used = procfs.private_bytes(members)
            self._note_memory(used)
            if self._limits.memory_bytes is not None and used > self._limits.memory_bytes:
                return self._out_of_memory()
        return None

    async def _measure(self) -> Breach | None:
        limit = self._limits.disk_bytes
        if limit is None or time.monotonic() < self._next_measure:
            return None
        began = time.monotonic()
        used = await asyncio.to_thread(disk_use, self._folders)
        took = time.monotonic() - began
        self._next_measure = time.monotonic() + max(_MEASURE_EVERY_S, took * _MEASURE_SHARE)
        if used < limit:
            return None
        return (
            ExitCause.DISK_FULL,
            f"The run's folders may hold {limit // _MIB} MiB and held {used // _MIB} MiB.",
        )

    def _note_memory(self, used: int) -> None:
        self.peak_memory_bytes = max(used, self.peak_memory_bytes or 0)

    def _out_of_memory(self) -> Breach:
        limit = (self._limits.memory_bytes or 0) // _MIB
        return ExitCause.OUT_OF_MEMORY, f"The run may use {limit} MiB of memory and needed more."

    def _too_many_processes(self) -> Breach:
        return (
            ExitCause.TOO_MANY_PROCESSES,
            f"The run may have {self._limits.processes} processes and threads and tried to start more.",
        )


def disk_use(folders: tuple[Path, ...]) -> int:
    """Bytes on disk below some folders. Files that vanish meanwhile count nothing. Blocking."""
    return sum(_folder_use(str(folder)) for folder in folders)


def _folder_use(folder: str) -> int:
    used, todo, seen = 0, [folder], set[int]()
    while todo:
        try:
            entries = os.scandir(todo.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if found.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                    if found.st_ino in seen:
                        continue
                    seen.add(found.st_ino)
                used += found.st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return used
