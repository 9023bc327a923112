"""Processes of a former life of this runner: found by its own records, never by name."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import structlog

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import kill_members, members_of, remove_groups
from bellrock.runner.supervisor.pidfds import signal_each
from bellrock.runner.supervisor.procfs import ProcessInfo
from bellrock.runner.supervisor.records import TreeRecord, read_records, still_the_same
from bellrock.runner.supervisor.users import try_lock

_SWEEP_TIMEOUT_S = 5.0
_LOOK_AGAIN_S = 0.02

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What the sweep at a runner's start found. ``left`` counts what could not be killed in time."""

    trees: tuple[str, ...] = ()  # names of the runs that had processes
    killed: int = 0
    left: int = 0


async def sweep_orphans(state_folder: Path) -> SweepReport:
    """Kill what the trees recorded in ``state_folder`` left behind; removes records and cgroups.

    Call it before the first launch: it takes every record for one of a former life.
    """
    trees: list[str] = []
    killed = left = 0
    for path, record in read_records(state_folder):
        if record is not None and record.boot == procfs.boot_id():
            found, remaining = await _sweep(record)
            killed += found - remaining
            left += remaining
            if found:
                trees.append(record.name)
                log.warning("orphans.killed", tree=record.name, found=found, left=remaining)
            if remaining:
                continue  # the record stays for the next sweep
        path.unlink(missing_ok=True)
    return SweepReport(tuple(trees), killed, left)


async def _sweep(record: TreeRecord) -> tuple[int, int]:
    """Kill one tree's processes; how many were seen, and how many are left."""
    lock = try_lock(record.user) if record.user is not None and os.geteuid() == 0 else None
    try:
        seen: set[tuple[int, int]] = set()
        deadline = asyncio.get_running_loop().time() + _SWEEP_TIMEOUT_S
        while members := _members(record, own_user=lock is not None):
            seen |= {(process.pid, process.started) for process in members.values()}
            if asyncio.get_running_loop().time() > deadline:
                break
            kill_members(Path(folder) for folder in record.cgroups)
            signal_each(members.values(), signal.SIGKILL)
            await asyncio.sleep(_LOOK_AGAIN_S)
    finally:
        if lock is not None:
            os.close(lock)
    await remove_groups(Path(folder) for folder in record.cgroups)
    return len(seen), len(members)


def _members(record: TreeRecord, *, own_user: bool) -> dict[int, ProcessInfo]:
    """Everybody who can be told to belong to a recorded tree."""
    processes = procfs.snapshot()
    pids = members_of(Path(folder) for folder in record.cgroups)
    for pid, started in ((record.keeper, record.keeper_started), (record.main, record.main_started)):
        if still_the_same(pid, started):
            pids |= {pid, *procfs.descendants(pid, processes)}
    if record.namespace is not None and still_the_same(record.keeper, record.keeper_started):
        # The number of a namespace is used again once it is gone, so its first process must live.
        pids |= procfs.namespace_members(record.namespace, processes)
    if own_user:
        # No living runner has this user (the lock is ours), so whoever runs as it is an orphan.
        pids |= {pid for pid in processes if procfs.user_of(pid) == record.user}
    return {pid: processes[pid] for pid in pids if pid in processes}
