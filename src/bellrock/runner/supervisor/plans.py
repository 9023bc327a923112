"""The command line of each mechanism, and what it needs from the machine beside it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bellrock.runner.supervisor import shepherd
from bellrock.runner.supervisor.bubblewrap import account_file, bubblewrap_command
from bellrock.runner.supervisor.cgroups import RunCgroup
from bellrock.runner.supervisor.errors import LaunchFailed
from bellrock.runner.supervisor.isolation import Mechanism
from bellrock.runner.supervisor.spec import ProcessSpec
from bellrock.runner.supervisor.tools import drop_rights, find_tool

# The first process of a PID namespace gets no signal that it does not handle, and must reap. So
# it is a shell that waits, and the suite's main process is its child.
_INIT_SCRIPT = '"$@"; exit $?'


@dataclass(slots=True)
class Plan:
    """One command to start. ``ours`` are descriptors to keep, ``theirs`` go to the child."""

    command: list[str]
    cwd: Path
    theirs: list[int] = field(default_factory=list)
    info: int = -1  # to read the init's pid from
    control: int = -1  # closing it tells the shepherd to kill
    status: int = -1  # to read the main process's end from

    def close_theirs(self) -> None:
        """The child has its copies now."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs.clear()

    def close(self) -> None:
        """Nothing will come of it."""
        self.close_theirs()
        for descriptor in (self.info, self.control, self.status):
            if descriptor >= 0:
                os.close(descriptor)


def make_plan(
    mechanism: Mechanism, spec: ProcessSpec, inner: Sequence[str], *, user: int, cgroup: RunCgroup
) -> Plan:
    """How ``inner`` is started. Raises LaunchFailed where the mechanism cannot give what is asked."""
    as_root = os.geteuid() == 0
    if mechanism is Mechanism.BUBBLEWRAP:
        return _bubblewrap(spec, inner, user=user, as_root=as_root)
    _prepare_folders(spec, user=user, as_root=as_root)
    dropped = [*drop_rights(user, as_root=as_root), *inner]
    if as_root and dropped == list(inner):
        raise LaunchFailed("setpriv (util-linux) is missing, so the suite would run as root")
    match mechanism:
        case Mechanism.UNSHARE:
            return Plan([*unshare_prefix(as_root=as_root), *dropped], spec.cwd)
        case Mechanism.SHEPHERD:
            return _shepherd(spec, dropped, cgroup=None)
        case Mechanism.CGROUP:
            return _shepherd(spec, dropped, cgroup=cgroup.folders[0])
    return Plan(dropped, spec.cwd)


def unshare_prefix(*, as_root: bool) -> list[str]:
    """What runs the command after it as second process of a PID namespace that dies with us."""
    unshare, setpriv = find_tool("unshare"), find_tool("setpriv")
    if unshare is None or setpriv is None:
        raise LaunchFailed("unshare and setpriv (util-linux) are needed, and one is missing")
    # --kill-child ties the namespace to unshare; the parent death signal ties unshare to us.
    command = [setpriv, "--pdeathsig", "KILL", "--", unshare]
    if not as_root:
        command += ["--user", "--map-current-user"]
    command += ["--pid", "--ipc", "--fork", "--kill-child=SIGKILL", "--mount-proc", "--"]
    return [*command, "/bin/sh", "-c", _INIT_SCRIPT, "init"]


def shepherd_command(control: int, status: int, cgroup: Path | None) -> list[str]:
    """What runs the command after it below a shepherd."""
    script = str(Path(shepherd.__file__))
    return [sys.executable, "-I", "-S", script, str(control), str(status), str(cgroup or "")]


def _bubblewrap(spec: ProcessSpec, inner: Sequence[str], *, user: int, as_root: bool) -> Plan:
    tool = find_tool("bwrap")
    if tool is None:
        raise LaunchFailed("bwrap (bubblewrap) is missing")
    ours, theirs = os.pipe()
    accounts = os.memfd_create("passwd")
    os.write(accounts, account_file(user))
    os.lseek(accounts, 0, os.SEEK_SET)
    command = bubblewrap_command(
        tool, spec, inner, user=user, as_root=as_root, info=theirs, accounts=accounts
    )
    return Plan(command, Path("/"), theirs=[theirs, accounts], info=ours)


def _shepherd(spec: ProcessSpec, inner: Sequence[str], *, cgroup: Path | None) -> Plan:
    control_end, control = os.pipe()
    status, status_end = os.pipe()
    command = [*shepherd_command(control_end, status_end, cgroup), *inner]
    return Plan(command, spec.cwd, theirs=[control_end, status_end], control=control, status=status)


def _prepare_folders(spec: ProcessSpec, *, user: int, as_root: bool) -> None:
    """Without a mount namespace, what is to be seen elsewhere is linked, and must be reachable."""
    for mount in spec.read_only:
        if mount.seen_at != mount.source:
            _link(mount.seen_at, mount.source)
    for folder in spec.private:
        folder.mkdir(parents=True, exist_ok=True)
        if as_root:
            os.chown(folder, user, user)
    if as_root:
        for path in (spec.cwd, *spec.writable, *(mount.source for mount in spec.read_only)):
            _require_reachable(path)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.is_dir():
        link.rmdir()  # an empty mount point; anything else is an error
    link.symlink_to(target)


def closed_folder(path: Path) -> Path | None:
    """The first folder above a path that other users may not pass through, or None."""
    return next((parent for parent in path.parents if not parent.stat().st_mode & 0o001), None)


def _require_reachable(path: Path) -> None:
    closed = closed_folder(path)
    if closed is not None:
        raise LaunchFailed(
            f"{path} cannot be reached by the run's user, because {closed} is closed to others;"
            " install bubblewrap, or keep the runner's folders elsewhere"
        )
