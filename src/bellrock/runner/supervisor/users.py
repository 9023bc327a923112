"""The unprivileged user of one run: where the runner is root, each run gets one of its own."""

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.errors import LaunchFailed

FIRST_USER = 20_001
LAST_USER = 20_999
# A lock per user, so that two runners of one machine never share one. The kernel drops the lock of
# a dead runner, which also tells its orphans from the processes of a living one.
_LOCKS = Path("/run/bellrock-users")


@dataclass(slots=True)
class RunUser:
    """The user a run has. ``lock`` is None where the runner is not root: then it is the runner's own."""

    number: int
    lock: int | None

    def release(self) -> None:
        """Give the user back to the pool."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def lease_user() -> RunUser:
    """A user that no living process has. Raises LaunchFailed where all are taken."""
    if os.geteuid() != 0:
        return RunUser(os.geteuid(), None)
    taken = {procfs.user_of(pid) for pid in procfs.all_pids()}
    for number in range(FIRST_USER, LAST_USER + 1):
        if number in taken:
            continue
        lock = try_lock(number)
        if lock is not None:
            return RunUser(number, lock)
    raise LaunchFailed(f"every user from {FIRST_USER} to {LAST_USER} is in use by another run")


def try_lock(number: int) -> int | None:
    """Take the lock of a user; None where a living runner has it."""
    _LOCKS.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(_LOCKS / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    os.close(lock)
    return None
