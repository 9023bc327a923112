"""The programs of the machine that the mechanisms are built from."""

import functools
import resource
import shutil
import subprocess

from bellrock.runner.supervisor.spec import ProcessLimits

# The supervisor's own helpers never see the environment of the runner.
HELPER_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_HELP_TIMEOUT_S = 5.0


def find_tool(name: str) -> str | None:
    """The path of a program of the system, or None."""
    return shutil.which(name, path=HELPER_ENVIRONMENT["PATH"])


@functools.cache
def has_option(tool: str, option: str) -> bool:
    """Whether a program's help names an option."""
    try:
        told = subprocess.run(
            [tool, "--help"],
            env=HELPER_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_HELP_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return option.encode() in told.stdout + told.stderr


def limits_prefix(limits: ProcessLimits, *, tasks_of_user: int | None) -> list[str]:
    """The prefix that sets the kernel's limits of single processes, below those we have ourselves.

    Set from inside, since a root without CAP_SYS_RESOURCE (in a container) must not set those of
    another user. ``tasks_of_user``: how many processes and threads the run's user may have.
    """
    prlimit = find_tool("prlimit")
    if prlimit is None:
        return []
    wanted = {
        "nofile": (resource.RLIMIT_NOFILE, limits.open_files),
        "core": (resource.RLIMIT_CORE, 0),
        "fsize": (resource.RLIMIT_FSIZE, limits.disk_bytes),
        "nproc": (resource.RLIMIT_NPROC, tasks_of_user),
    }
    options: list[str] = []
    for name, (kind, value) in wanted.items():
        if value is not None:
            hard = resource.getrlimit(kind)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            options.append(f"--{name}={most}:{most}")
    return [prlimit, *options, "--"]


def drop_rights(user: int, *, as_root: bool) -> list[str]:
    """The prefix that makes a program run as ``user`` for good, without capabilities."""
    setpriv = find_tool("setpriv")
    if setpriv is None:
        return []
    if not as_root:
        return [setpriv, "--no-new-privs", "--"]
    return [
        setpriv,
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "--no-new-privs",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--",
    ]
