"""Installed packages, kept per set of install inputs and bound read-only into each run.

An entry appears by one rename after everything in it is complete, so there is never half an entry.
Who uses an entry holds a shared lock on it; what is superseded or old is removed once nobody does.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bellrock.runner.janitor import Pruned, size_of

NODE_PACKAGES = "node_modules"
VIRTUAL_ENVIRONMENT = ".venv"

_STORE = "dependencies"
_FACTS_FILE = "entry.json"
_LOCK_FILE = "lock"
_CURRENT = "current"
_SCRATCH_PREFIX = ".scratch-"
_IDLE_DAYS = 30
_SCRATCH_LIFE_S = 24 * 3600.0
_SETTLED_S = 60.0
"""An entry younger than this may be about to become its key's current one."""


@dataclass(slots=True)
class Lease:
    """The right to use one entry until it is released.

    ``folders`` are what the install made, relative to the suite's root: ``node_modules`` wherever the suite
    has one, and virtual environments, each named ``.venv``.
    """

    entry: Path
    folders: tuple[str, ...]
    lock: int

    def installed(self, folder: str) -> Path:
        """Where one of the folders is."""
        return self.entry / "tree" / folder

    def release(self) -> None:
        """The entry may be removed by whoever wants to. Safe to call twice."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


class DependencyStore:
    """The store's folder. All methods block: call them in a thread."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def find(self, key: str) -> Lease | None:
        """The entry of a key, if there is one. Marks it as used."""
        entry = self._folder / key / _CURRENT
        try:
            return _lease(entry.resolve(strict=True))
        except (OSError, ValueError):
            return None

    def scratch(self) -> Path:
        """A new folder to install in, on the same file system as the entries."""
        scratch = self._folder / f"{_SCRATCH_PREFIX}{uuid.uuid4().hex}"
        scratch.mkdir(parents=True)
        return scratch

    def keep(self, key: str, installed: Path) -> Lease | None:
        """Move the packages of an installed suite into the store, as the key's entry from now on.

        None where the install produced no packages.
        """
        folders = tuple(sorted(_package_folders(installed)))
        if not folders:
            return None
        entry = self._folder / key / uuid.uuid4().hex
        making = entry.with_name(f".{entry.name}")
        size_bytes = 0
        for folder in folders:
            target = making / "tree" / folder
            target.parent.mkdir(parents=True, exist_ok=True)
            (installed / folder).rename(target)
            if target.name == NODE_PACKAGES:
                (target / ".cache").mkdir(exist_ok=True)  # tools write there: a private folder is put over it
            size_bytes += size_of(target)
        (making / _LOCK_FILE).touch()
        (making / _FACTS_FILE).write_text(json.dumps({"folders": folders, "size_bytes": size_bytes}))
        making.rename(entry)
        lease = _lease(entry)
        _point(self._folder / key / _CURRENT, entry.name)
        return lease

    def prune(self) -> Pruned:
        """Remove what is superseded, idle for 30 days, left over, or used longest ago and over the limit."""
        now = time.time()
        pruned = Pruned()
        left: list[tuple[float, int, Path]] = []
        for entry, is_current in list(self._entries()):
            used_at, size_bytes = (entry / _LOCK_FILE).stat().st_mtime, _size_of_entry(entry)
            most_idle_s = _IDLE_DAYS * 86_400 if is_current and size_bytes else _SETTLED_S
            if used_at >= now - most_idle_s:
                left.append((used_at, size_bytes, entry))
            elif _remove_unless_used(entry):
                pruned += Pruned(1, size_bytes)
        total = sum(size for _, size, _ in left)
        for _, size, entry in sorted(left):
            if total <= self._limit_bytes:
                break
            if _remove_unless_used(entry):
                total -= size
                pruned += Pruned(1, size)
        return pruned + self._remove_leftovers(now - _SCRATCH_LIFE_S)

    def _entries(self) -> Iterator[tuple[Path, bool]]:
        for entry in self._folder.glob(f"[!.]*/[!.]*/{_FACTS_FILE}"):
            if not entry.parent.is_symlink():
                current = (entry.parent.parent / _CURRENT).resolve().name
                yield entry.parent, entry.parent.name == current

    def _remove_leftovers(self, before: float) -> Pruned:
        """What a crash left in the middle of an install, of keeping one or of removing one."""
        pruned = Pruned()
        for leftover in (*self._folder.glob(f"{_SCRATCH_PREFIX}*"), *self._folder.glob("[!.]*/.*")):
            if leftover.lstat().st_mtime >= before:
                continue
            pruned += Pruned(1, size_of(leftover))
            if leftover.is_symlink():
                leftover.unlink()
            else:
                shutil.rmtree(leftover, ignore_errors=True)
        return pruned


def open_store(cache_folder: Path, *, limit_bytes: int) -> DependencyStore:
    """The one store of a runner's cache. Opening it twice is fine: what is in use is locked."""
    return DependencyStore(cache_folder / _STORE, limit_bytes=limit_bytes)


def unfinished_installs(cache_folder: Path) -> list[Path]:
    """The scratch folders in a cache's store. Nobody's, unless a runner uses the store now."""
    return list((cache_folder / _STORE).glob(f"{_SCRATCH_PREFIX}*"))


def _lease(entry: Path) -> Lease:
    lock = os.open(entry / _LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(entry / _LOCK_FILE)
        return Lease(entry, _facts(entry)[0], lock)
    except BaseException:
        os.close(lock)
        raise


def _facts(entry: Path) -> tuple[tuple[str, ...], int]:
    facts = json.loads((entry / _FACTS_FILE).read_text())
    try:
        return tuple(facts["folders"]), int(facts["size_bytes"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{entry} was made by another version") from error


def _size_of_entry(entry: Path) -> int:
    """The bytes of an entry; 0 for one that nobody can use."""
    try:
        return _facts(entry)[1]
    except ValueError:
        return 0


def _point(pointer: Path, name: str) -> None:
    fresh = pointer.with_name(f".{uuid.uuid4().hex}")
    fresh.symlink_to(name)
    fresh.replace(pointer)


def _package_folders(installed: Path) -> Iterator[str]:
    for folder, names, _ in os.walk(installed):
        for name in {NODE_PACKAGES, VIRTUAL_ENVIRONMENT} & set(names):
            names.remove(name)
            found = Path(folder, name)
            if not found.is_symlink():
                yield found.relative_to(installed).as_posix()


def _remove_unless_used(entry: Path) -> bool:
    with (entry / _LOCK_FILE).open("rb+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # The name goes first, so that nobody finds an entry that is being emptied.
        doomed = entry.with_name(f".{uuid.uuid4().hex}")
        entry.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
    pointer = entry.parent / _CURRENT
    with contextlib.suppress(OSError):
        if not pointer.exists():
            pointer.unlink(missing_ok=True)  # it pointed to what is gone
        entry.parent.rmdir()
    return True
