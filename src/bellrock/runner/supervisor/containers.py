"""What owns the processes of one tree while it lives: who is in it, how to kill it, when it is empty.

A container is emptied when the kernel says so: by the end of the namespace's first process, which
the kernel lets happen only after all others are gone, or by the end of the shepherd, which ends
only when it has no child left.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import RunCgroup
from bellrock.runner.supervisor.pidfds import HeldProcess, signal_each
from bellrock.runner.supervisor.procfs import ProcessInfo

_LOOK_AGAIN_S = 0.02


class Container(Protocol):
    """The means that hold one tree."""

    @property
    def keeper(self) -> HeldProcess:
        """The process whose end means that the tree is empty."""

    def members(self) -> dict[int, ProcessInfo]:
        """The living processes of the suite, without the container's own helpers."""

    def kill(self) -> None:
        """Kill everybody. Returns at once."""

    async def emptied(self, timeout_s: float) -> bool:
        """Wait until the kernel says that nobody is left; False when the time is over first."""

    def proof(self) -> tuple[int, str]:
        """How many are left, and how that is known."""

    def exit_of_main(self, outer: subprocess.Popen[bytes]) -> tuple[int | None, int | None]:
        """Exit code (128 + n for a signal) and signal of the main process, as far as known."""


class PidNamespace:
    """A tree in a PID namespace of its own; ``init`` is the namespace's first process."""

    def __init__(self, init: int, namespace: int) -> None:
        self.keeper = HeldProcess(init)
        self.namespace = namespace

    def members(self) -> dict[int, ProcessInfo]:
        processes = procfs.snapshot()
        found = procfs.descendants(self.keeper.pid, processes)
        for pid in procfs.namespace_members(self.namespace, processes):
            found[pid] = processes[pid]
        found.pop(self.keeper.pid, None)
        return found

    def kill(self) -> None:
        self.keeper.send(signal.SIGKILL)

    async def emptied(self, timeout_s: float) -> bool:
        return await self.keeper.wait(timeout_s)

    def proof(self) -> tuple[int, str]:
        left = len(procfs.namespace_members(self.namespace, procfs.snapshot()))
        if self.keeper.has_exited() and not left:
            return 0, (
                "The kernel has ended the run's PID namespace, which it does only when every process"
                " in it is gone, and no process of the machine belongs to that namespace any more."
            )
        return max(left, 1), f"The run's PID namespace still holds {max(left, 1)} processes."

    def exit_of_main(self, outer: subprocess.Popen[bytes]) -> tuple[int | None, int | None]:
        return (outer.returncode if outer.returncode is None or outer.returncode >= 0 else 137), None


class Shepherded:
    """A tree below a shepherd process, with the run's cgroup where version 2 can kill it."""

    def __init__(self, shepherd: int, *, control: int, status: int, cgroup: RunCgroup | None) -> None:
        self.keeper = HeldProcess(shepherd)
        self._control = control
        self._status = status
        self._cgroup = cgroup
        self._wait_status: int | None = None

    def members(self) -> dict[int, ProcessInfo]:
        processes = procfs.snapshot()
        found = procfs.descendants(self.keeper.pid, processes)
        for pid in self._cgroup.members() if self._cgroup else ():
            if pid in processes:
                found[pid] = processes[pid]
        return found

    def kill(self) -> None:
        if self._control >= 0:
            os.close(self._control)  # the shepherd takes the end of the pipe as the order
            self._control = -1
        if self._cgroup is not None:
            self._cgroup.kill()

    async def emptied(self, timeout_s: float) -> bool:
        gone = await self.keeper.wait(timeout_s)
        if gone and self._status >= 0:
            with contextlib.suppress(ValueError, KeyError):
                self._wait_status = json.loads(os.read(self._status, 4_096))["wait_status"]
            os.close(self._status)
            self._status = -1
        return gone

    def proof(self) -> tuple[int, str]:
        left = len(self.members())
        if not self.keeper.has_exited():
            return max(left, 1), f"The run's shepherd still has {max(left, 1)} processes below it."
        if self._wait_status is None:
            return left, "The run's shepherd was killed: what was not found may still be running."
        text = "The kernel gave every orphan of the run to its shepherd, which ended with no child left"
        return left, f"{text}, and its control group is empty." if self._cgroup else f"{text}."

    def exit_of_main(self, outer: subprocess.Popen[bytes]) -> tuple[int | None, int | None]:
        if self._wait_status is None:
            return outer.returncode if outer.returncode and outer.returncode > 0 else None, None
        if os.WIFSIGNALED(self._wait_status):
            number = os.WTERMSIG(self._wait_status)
            return 128 + number, number
        return os.WEXITSTATUS(self._wait_status), None


class ProcessGroup:
    """A tree in a process group. Holds nobody who leaves the group: used by force only."""

    def __init__(self, leader: int) -> None:
        self.keeper = HeldProcess(leader)
        self._seen: dict[int, ProcessInfo] = {}

    def members(self) -> dict[int, ProcessInfo]:
        processes = procfs.snapshot()
        found = procfs.descendants(self.keeper.pid, processes)
        for pid, process in processes.items():
            if pid == self.keeper.pid or _group_of(pid) == self.keeper.pid:
                found[pid] = process
        self._seen |= found
        return found

    def kill(self) -> None:
        signal_each(self.members().values(), signal.SIGKILL)

    async def emptied(self, timeout_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self.members():
            if asyncio.get_running_loop().time() > deadline:
                return False
            self.kill()
            await asyncio.sleep(_LOOK_AGAIN_S)
        return await self.keeper.wait(timeout_s)

    def proof(self) -> tuple[int, str]:
        return len(self.members()), (
            "Not proven: a process group does not hold processes that left it; those that were found"
            " are gone."
        )

    def exit_of_main(self, outer: subprocess.Popen[bytes]) -> tuple[int | None, int | None]:
        if outer.returncode is not None and outer.returncode < 0:
            return 128 - outer.returncode, -outer.returncode
        return outer.returncode, None


def _group_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[2])
    except (OSError, IndexError):
        return None
