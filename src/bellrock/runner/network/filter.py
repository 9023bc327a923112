"""The kernel's packet filter (nftables), set for the users that runs get.

It needs a runner that is root: only then does a run have a user of its own that the kernel can tell
apart. Without it nothing is pretended: `find_packet_filter` says why there is none.
"""

import os
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from bellrock.runner.network.policy import NetworkPolicy, rules_of
from bellrock.runner.supervisor.tools import HELPER_ENVIRONMENT, find_tool
from bellrock.runner.supervisor.users import FIRST_USER, LAST_USER

_TIMEOUT_S = 10.0


class FilterUnavailable(Exception):
    """There is no packet filter to use, or it refused. The message says why."""


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """One table of nftables. Whoever comes back with the same name replaces it."""

    tool: str
    table: str

    def keep(self, policy: NetworkPolicy) -> None:
        """Refuse from now on what the policy refuses. Blocking; raises FilterUnavailable."""
        self._run(rules_of(policy, (FIRST_USER, LAST_USER), self.table))

    def remove(self) -> None:
        """Take the table away. Twice is harmless."""
        self._run(f"table inet {self.table}\ndelete table inet {self.table}\n")

    def _run(self, script: str) -> None:
        try:
            done = subprocess.run(
                [self.tool, "-f", "-"],
                input=script,
                env=HELPER_ENVIRONMENT,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FilterUnavailable(f"{self.tool} could not be run: {error}") from error
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise FilterUnavailable(f"the kernel or nft refused the rules: {reason}")


def find_packet_filter(folder: Path) -> PacketFilter:
    """The packet filter of the runner that lives in a folder, tried out. Raises FilterUnavailable."""
    if os.geteuid() != 0:
        raise FilterUnavailable("only a runner that is root can set the packet filter")
    tool = find_tool("nft")
    if tool is None:
        raise FilterUnavailable("nft (package nftables) is missing")
    found = PacketFilter(tool, f"bellrock_{zlib.crc32(str(folder).encode()):08x}")
    trial = PacketFilter(tool, f"{found.table}_trial")
    trial.keep(NetworkPolicy())
    trial.remove()
    return found
