"""A small program of its own: the parent of last resort of one process tree.

It runs beside the runner, not in it, because a process that adopts orphans must reap whatever it
is given, which would take exit codes away from the rest of the runner. As their subreaper it gets
every process of the tree whose parent died, however often it forked or changed its session, so
"no child left" (ECHILD) means that the tree is empty. It kills the tree when the main process
ends, when it is told to, and when the runner dies (its end of the pipe closes).

Uses the standard library only, and is started as a script: ``shepherd.py CONTROL STATUS CGROUP
COMMAND...`` (two descriptors, a cgroup's folder or an empty word).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
from collections.abc import Iterable

_PR_SET_CHILD_SUBREAPER = 36
_PAUSE_MS = 5
_STOP_ROUNDS = 100


def main(arguments: list[str]) -> int:
    """Run the tree to its end; the exit code says nothing, the status pipe says all."""
    control, status, cgroup, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return os.EX_OSERR
    for descriptor in (control, status):
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)  # the suite must not be able to speak for us
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if child == 0:
        _become(command)
    _close_streams()
    main_status = _watch(child, control, wake)
    main_status = _kill_all(child, main_status, cgroup)
    with contextlib.suppress(OSError):
        os.write(status, json.dumps({"wait_status": main_status}).encode())
    return 0


def _become(command: list[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _close_streams() -> None:
    """Let the suite be the only holder of its output, and of the gate's input."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _watch(child: int, control: int, wake: int) -> int | None:
    """Reap until the main process ended (its status) or somebody wants the tree dead (None)."""
    poll = select.poll()
    poll.register(control, select.POLLIN | select.POLLHUP)
    poll.register(wake, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == control:
                return None
            os.read(wake, 4_096)
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                break


def _stand_still() -> None:
    """Stop everybody before the first is killed: a killed process makes room for a bomb's next fork."""
    stopped: set[int] = set()
    for _ in range(_STOP_ROUNDS):
        moving = set(_descendants()) - stopped
        if not moving:
            return
        _signal(moving, signal.SIGSTOP)
        stopped |= moving


def _kill_all(child: int, main_status: int | None, cgroup: str) -> int | None:
    """Kill and reap until there is nobody; the main process's status, where it was seen."""
    if cgroup:
        with contextlib.suppress(OSError), open(f"{cgroup}/cgroup.kill", "w") as kill:  # noqa: PTH123 - starts without pathlib
            kill.write("1")
    _stand_still()
    while True:
        _signal(_descendants(), signal.SIGKILL)
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == child:
                    main_status = status
        except ChildProcessError:
            return main_status
        select.select([], [], [], _PAUSE_MS / 1000)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - starts without pathlib
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:  # noqa: PTH123
            fields = stat.read().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
