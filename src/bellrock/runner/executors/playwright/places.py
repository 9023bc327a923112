"""Folders of an unpacked bundle."""

from collections.abc import Iterator
from pathlib import Path

from bellrock.runner.playwright.failures import RunEnded, check_failed


def working_folder(root: Path, working_dir: str) -> Path:
    """The folder in which a suite's commands run.

    :raises RunEnded: the bundle has none of that name, or it lies outside.
    """
    folder = (root / working_dir).resolve()
    if not folder.is_relative_to(root.resolve()) or not folder.is_dir():
        message = f"workingDir: {working_dir!r} is no folder of the bundle."
        raise RunEnded(check_failed("NO_WORKING_DIR", message))
    return root / folder.relative_to(root.resolve())


def upwards(folder: Path, root: Path) -> Iterator[Path]:
    """The folder, its parent, and so on up to the root."""
    yield folder
    while folder != root:
        folder = folder.parent
        yield folder
