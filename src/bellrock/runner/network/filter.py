"""The kernel's packet filter (nftables), set for the users that runs get.

It needs a runner that is root: only then does a run have a user of its own that the kernel can tell
apart. Without it nothing is pretended: `find_packet_filter` says why there is none.
"""

import os
import re
import subprocess
from dataclasses import dataclass

from bellrock.runner.network.policy import NetworkPolicy, rules_of
from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.tools import HELPER_ENVIRONMENT, find_tool
from bellrock.runner.supervisor.users import FIRST_USER, LAST_USER

_TIMEOUT_S = 10.0
# A table is named after its runner: PID namespace, pid, and when the process began.
_TABLE = re.compile(r"table inet (bellrock_(\d+)_(\d+)_(\d+)\w*)")


class FilterUnavailable(Exception):
    """There is no packet filter to use, or it refused. The message says why."""


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """One table of nftables, this process's own."""

    tool: str
    table: str

    def keep(self, policy: NetworkPolicy) -> None:
        """Refuse from now on what the policy refuses. Blocking; raises FilterUnavailable."""
        _run(self.tool, rules_of(policy, (FIRST_USER, LAST_USER), self.table))

    def remove(self) -> None:
        """Take the table away. Twice is harmless."""
        _run(self.tool, _removal(self.table))


def find_packet_filter() -> PacketFilter:
    """This runner's packet filter, tried out; the tables of runners that were killed are removed.

    Raises FilterUnavailable.
    """
    if os.geteuid() != 0:
        raise FilterUnavailable("only a runner that is root can set the packet filter")
    tool = find_tool("nft")
    if tool is None:
        raise FilterUnavailable("nft (package nftables) is missing")
    found = PacketFilter(tool, _own_name())
    trial = PacketFilter(tool, f"{found.table}_trial")
    trial.keep(NetworkPolicy())
    trial.remove()
    for table in _of_the_dead(_run(tool, "list tables inet\n")):
        _run(tool, _removal(table))
    return found


def _own_name() -> str:
    own = procfs.read_process(os.getpid())
    started = own.started if own else 0
    return f"bellrock_{procfs.pid_namespace('self')}_{os.getpid()}_{started}"


def _of_the_dead(listed: str) -> list[str]:
    """Tables whose runner is gone. What runs in another PID namespace cannot be judged from here."""
    here = procfs.pid_namespace("self")
    dead = []
    for table, namespace, pid, started in _TABLE.findall(listed):
        process = procfs.read_process(int(pid))
        if int(namespace) == here and (process is None or process.started != int(started)):
            dead.append(table)
    return dead


def _removal(table: str) -> str:
    return f"table inet {table}\ndelete table inet {table}\n"


def _run(tool: str, script: str) -> str:
    try:
        done = subprocess.run(
            [tool, "-f", "-"],
            input=script,
            env=HELPER_ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FilterUnavailable(f"{tool} could not be run: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise FilterUnavailable(f"the kernel or nft refused the rules: {reason}")
    return done.stdout
