"""Limits, and a kill, by control groups: version 2 where delegated, version 1 beside or instead.

Each run gets a group below the runner's own, named after the run, in every hierarchy that can be
written. Groups are removed when the run is over; a crashed runner's are found by their record.
"""

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.pidfds import signal_each
from bellrock.runner.supervisor.spec import ProcessLimits

_PREFIX = "bellrock-"
# When the machine is busy, the platform goes first: what stops a run must not wait for the run. Half of the
# kernel's default in each version: with less, a run next to other work would starve, and fail for it.
_CPU_WEIGHT = 50
_CPU_SHARES = 512
_CPU_PERIOD_US = 100_000
_REMOVE_TRIES = 100
_REMOVE_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class CgroupMeans:
    """The folders below which groups of runs can be made; None where there is none."""

    unified: Path | None = None  # version 2: can be killed as a whole
    unified_memory: bool = False
    unified_pids: bool = False
    unified_cpu: bool = False
    memory: Path | None = None  # version 1
    pids: Path | None = None
    cpu: Path | None = None

    @property
    def limits_memory(self) -> bool:
        return self.unified_memory or self.memory is not None

    @property
    def limits_processes(self) -> bool:
        return self.unified_pids or self.pids is not None

    @property
    def limits_cpu(self) -> bool:
        return self.unified_cpu or self.cpu is not None

    @property
    def kills(self) -> bool:
        return self.unified is not None


@dataclass(frozen=True, slots=True)
class CgroupUse:
    """What the kernel counted for a run so far."""

    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    killed_for_memory: int = 0
    refused_forks: int = 0


@functools.cache
def find_means() -> CgroupMeans:
    """Look for hierarchies in which this process may make groups, by making one in each."""
    own = _own_groups()
    unified = _usable(_mounted("cgroup2", None), own.get(""), needs="cgroup.kill")
    controllers = _enable_controllers(unified)
    return CgroupMeans(
        unified=unified,
        unified_memory="memory" in controllers,
        unified_pids="pids" in controllers,
        unified_cpu="cpu" in controllers,
        memory=_usable(_mounted("cgroup", "memory"), own.get("memory"), needs="memory.limit_in_bytes"),
        pids=_usable(_mounted("cgroup", "pids"), own.get("pids"), needs="pids.max"),
        cpu=_usable(_mounted("cgroup", "cpu"), own.get("cpu"), needs="cpu.shares"),
    )


class RunCgroup:
    """The groups of one run, one per hierarchy in use."""

    def __init__(self, name: str, means: CgroupMeans, limits: ProcessLimits) -> None:
        self._means = means
        self._limits = limits
        self._unified = means.unified and means.unified / f"{_PREFIX}{name}"
        self._memory = means.memory and means.memory / f"{_PREFIX}{name}"
        self._pids = means.pids and means.pids / f"{_PREFIX}{name}"
        self._cpu = means.cpu and means.cpu / f"{_PREFIX}{name}"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders in use."""
        return tuple(path for path in (self._unified, self._memory, self._pids, self._cpu) if path)

    @property
    def limits_memory(self) -> bool:
        return self._means.limits_memory

    @property
    def limits_processes(self) -> bool:
        return self._means.limits_processes

    @property
    def limits_cpu(self) -> bool:
        return self._means.limits_cpu

    def create(self) -> None:
        """Make the groups and set their limits."""
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
        self._limit_memory_and_processes()
        self._limit_cpu()

    def _limit_memory_and_processes(self) -> None:
        memory, processes = self._limits.memory_bytes, self._limits.processes
        if memory is not None and self._unified and self._means.unified_memory:
            (self._unified / "memory.max").write_text(str(memory))
            _write(self._unified / "memory.swap.max", 0)
        elif memory is not None and self._memory:
            (self._memory / "memory.limit_in_bytes").write_text(str(memory))
            _write(self._memory / "memory.memsw.limit_in_bytes", memory)
        if processes is not None and self._unified and self._means.unified_pids:
            (self._unified / "pids.max").write_text(str(processes))
        elif processes is not None and self._pids:
            (self._pids / "pids.max").write_text(str(processes))

    def _limit_cpu(self) -> None:
        cpus = self._limits.cpus
        quota_us = cpus and round(cpus * _CPU_PERIOD_US)
        if self._unified and self._means.unified_cpu:
            _write(self._unified / "cpu.weight", _CPU_WEIGHT)
            if quota_us:
                (self._unified / "cpu.max").write_text(f"{quota_us} {_CPU_PERIOD_US}")
        elif self._cpu:
            _write(self._cpu / "cpu.shares", _CPU_SHARES)
            if quota_us:
                _write(self._cpu / "cpu.cfs_period_us", _CPU_PERIOD_US)
                (self._cpu / "cpu.cfs_quota_us").write_text(str(quota_us))

    def add(self, pid: int) -> None:
        """Put a process, and so all it will start, into the groups."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def members(self) -> set[int]:
        """Who is in the groups."""
        return members_of(self.folders)

    def kill(self) -> None:
        """Kill everybody in it. By one write where the kernel can, else one by one."""
        kill_members(self.folders)

    def use(self) -> CgroupUse:
        """What the kernel counted."""
        if self._unified and self._means.unified_memory:
            events = _counters(self._unified / "memory.events")
            memory = _number(self._unified / "memory.current")
            peak = _number(self._unified / "memory.peak")
        elif self._memory:
            events = _counters(self._memory / "memory.oom_control")
            memory = _number(self._memory / "memory.usage_in_bytes")
            peak = _number(self._memory / "memory.max_usage_in_bytes")
        else:
            events, memory, peak = {}, None, None
        pids = self._unified if self._means.unified_pids else self._pids
        refused = _counters(pids / "pids.events").get("max", 0) if pids else 0
        return CgroupUse(memory, peak, events.get("oom_kill", 0), refused)

    async def remove(self) -> bool:
        """Remove the groups; False where somebody is still in one."""
        return await remove_groups(self.folders)


def members_of(folders: Iterable[Path]) -> set[int]:
    """The processes in some groups; groups that are gone have none."""
    found: set[int] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
    return found


def kill_members(folders: Iterable[Path]) -> None:
    """SIGKILL everybody in some groups."""
    for folder in folders:
        if (folder / "cgroup.kill").exists():
            _write(folder / "cgroup.kill", 1)
        else:
            found = (procfs.read_process(pid) for pid in members_of([folder]))
            signal_each((process for process in found if process), signal.SIGKILL)


async def remove_groups(folders: Iterable[Path]) -> bool:
    """Remove groups. The kernel keeps one busy for a moment after its last process died."""
    for folder in folders:
        for _ in range(_REMOVE_TRIES):
            with contextlib.suppress(FileNotFoundError, OSError):
                folder.rmdir()
            if not folder.exists():
                break
            await asyncio.sleep(_REMOVE_PAUSE_S)
    return not any(folder.exists() for folder in folders)


def _own_groups() -> dict[str, str]:
    """Controller -> path of this process's own group; the unified hierarchy has the name ''."""
    groups: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _mounted(kind: str, controller: str | None) -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, target, found_kind, options = line.split()[:4]
        if found_kind == kind and (controller is None or controller in options.split(",")):
            return Path(target)
    return None


def _usable(mount: Path | None, own: str | None, *, needs: str) -> Path | None:
    if mount is None or own is None:
        return None
    parent = mount / own.lstrip("/")
    probe = parent / f"{_PREFIX}probe-{os.getpid()}"
    try:
        probe.mkdir()
    except OSError:
        return None
    try:
        return parent if os.access(probe / needs, os.W_OK) else None
    finally:
        with contextlib.suppress(OSError):
            probe.rmdir()


def _enable_controllers(parent: Path | None) -> set[str]:
    """The controllers that groups below ``parent`` have; asks for those we use where possible.

    Refused where the runner's own group holds processes and is not the root: then a service
    manager has to delegate a group to it (systemd: ``Delegate=yes`` and ``DelegateSubgroup=``).
    """
    if parent is None:
        return set()
    for controller in ("memory", "pids", "cpu"):
        _write(parent / "cgroup.subtree_control", f"+{controller}")
    return set((parent / "cgroup.subtree_control").read_text().split())


def _write(path: Path, value: int | str) -> None:
    """Write a setting. One that this kernel does not have (swap) is no reason to fail."""
    with contextlib.suppress(OSError):
        path.write_text(str(value))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _counters(path: Path) -> dict[str, int]:
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}  # noqa: PLR2004 - key and value
    except (OSError, ValueError):
        return {}
