"""Node on this machine: which one runs suites and scripts, and what a sandbox must show of it."""

import shutil
from pathlib import Path

from bellrock.runner.supervisor import Mount


def find_node(chosen: Path | None, search_path: str) -> Path | None:
    """The chosen Node, or the first on ``search_path``, or on the runner's own. None: there is none."""
    if chosen:
        return chosen if chosen.exists() else None
    found = shutil.which("node", path=search_path) or shutil.which("node")
    return Path(found) if found else None


def node_mounts(node: Path) -> tuple[Mount, ...]:
    """Node, where it is not among the system's programs (nvm, volta, a tarball in /opt)."""
    prefix = node.resolve().parent.parent
    return () if prefix.is_relative_to("/usr") else (Mount(prefix), Mount(node.parent))
