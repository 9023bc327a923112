"""What npm installs for these tests, once for each set of packages: kept in the checkout's own `.tools`."""

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_KEPT = Path(__file__).parents[2] / ".tools" / "npm"
_FILES = ("package.json", "package-lock.json")


def install(packages: Path, folder: Path) -> Path:
    """Put what a package file and its lock file name into a new folder."""
    folder.mkdir()
    for name in _FILES:
        shutil.copy(packages / name, folder)
    (folder / "node_modules").symlink_to(_installed(packages) / "node_modules")
    return folder


def _installed(packages: Path) -> Path:
    kept = _KEPT / _key(packages)
    if kept.is_dir():
        return kept
    making = _KEPT / f".making-{uuid4().hex}"
    making.mkdir(parents=True)
    for name in _FILES:
        shutil.copy(packages / name, making)
    skip = {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=making, check=True, env={**os.environ, **skip}
    )
    with suppress(OSError):  # somebody else was faster: what they have installed is the same
        making.rename(kept)
        return kept
    shutil.rmtree(making)
    return kept


def _key(packages: Path) -> str:
    """Of the packages, and of the Node that some of them are compiled for."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((packages / name).read_bytes())
    return f"{node}-{digest.hexdigest()[:24]}"
