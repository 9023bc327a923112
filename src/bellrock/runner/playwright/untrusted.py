"""Files in folders that a suite can write to: it may put a link, or a pipe, in place of anything there."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """A regular file, opened for reading. Neither it nor its folder may be a link; nothing blocks.

    What lies above its folder is taken to be the runner's.

    :raises OSError: it is not there, or is something else.
    """
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(file.name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "rb") as content:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{file.name} is no file")
        yield content


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path, all links followed, is in a folder. True for as long as nobody writes there."""
    return path.resolve().is_relative_to(folder.resolve())


def made_anew(folder: Path) -> Path:
    """An empty folder in the place of whatever was there; what lies above it is taken to be the runner's."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder
