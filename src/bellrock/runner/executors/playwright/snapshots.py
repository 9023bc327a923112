"""Snapshots of a suite: what it compares with, and which of that a run has made anew."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from bellrock.runner.playwright.artifacts import Candidate, content_type
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES
from bellrock.runner.playwright.untrusted import lies_in
from bellrock.wire.messages import SNAPSHOTS

_FOLDER_SUFFIX = "-snapshots"  # Playwright's, where a config does not say otherwise
_PICTURES = frozenset({".png", ".jpg", ".jpeg"})

Marks = Mapping[Path, tuple[int, int]]
"""What tells a file from the one that a run writes in its place."""


def snapshots_before(folder: Path) -> Marks:
    """Everything below a suite's folder that could be a snapshot, as the bundle brought it. Blocking."""
    return {file: (found.st_mtime_ns, found.st_size) for file, found in _possible(folder)}


def made_anew(folder: Path, root: Path, before: Marks) -> Iterator[Candidate]:
    """The snapshots that a run made, named by their places in the suite's folder. Blocking.

    Outside of Playwright's own folders for them, only pictures that were there before are taken: others
    are whatever a test has drawn.
    """
    if not lies_in(folder, root):
        return
    for file, found in _possible(folder):
        is_new = file not in before
        is_kept_apart = any(part.endswith(_FOLDER_SUFFIX) for part in file.relative_to(folder).parts[:-1])
        if is_new and not is_kept_apart:
            continue
        if is_new or before[file] != (found.st_mtime_ns, found.st_size):
            name = f"{SNAPSHOTS}{file.relative_to(folder).as_posix()}"
            yield Candidate(file, name, "file", content_type(file))


def _possible(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != NODE_PACKAGES)
        is_for_snapshots = any(
            part.endswith(_FOLDER_SUFFIX) for part in Path(place).relative_to(folder).parts
        )
        for name in sorted(names):
            file = Path(place) / name
            found = file.lstat()
            if stat.S_ISREG(found.st_mode) and (is_for_snapshots or file.suffix.lower() in _PICTURES):
                yield file, found
