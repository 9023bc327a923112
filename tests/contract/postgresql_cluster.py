"""A private PostgreSQL cluster for tests: Debian's binaries, a folder of its own, a Unix socket only."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNPRIVILEGED = "nobody"
_DEADLINE_S = 60


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest there is."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def postgresql_cluster(binaries: Path) -> Iterator[str]:
    """A running cluster; the URL lacks the database's name (`.../` and `?host=` are put around it)."""
    folder = Path(tempfile.mkdtemp(prefix="bellrock-pg-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _run(binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "bellrock", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        control = binaries / "pg_ctl"
        _run(control, "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield str(folder)
        finally:
            _run(control, "-D", folder / "data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(binaries: Path, folder: str, name: str, *, template: str = "template1") -> str:
    """A database in the cluster, a copy of another one that nobody uses, or empty; its URL."""
    _run(binaries / "createdb", "-h", folder, "-U", "bellrock", "-T", template, name)
    return f"postgresql://bellrock@/{name}?host={folder}"


def _run(*command: object) -> None:
    # The server refuses to run as root.
    prefix = ["runuser", "-u", _UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*prefix, *map(str, command)],
        check=True,
        timeout=_DEADLINE_S,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
