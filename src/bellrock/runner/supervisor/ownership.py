"""Who owns a run's folders: the run's user while it runs, this runner again afterwards."""

import os
from pathlib import Path


def hand_over(folder: Path, user: int) -> None:
    """Give a folder and all that lies in it to a user. Links are not followed. Blocking."""
    _change_owner(folder, user, user)


def take_back(folder: Path) -> None:
    """Make the runner the owner again (before files go to a shared store). Blocking.

    Does nothing where the runner is not root: then the files were its own all along.
    """
    if os.geteuid() == 0:
        _change_owner(folder, 0, 0)


def lock_up(folder: Path) -> None:
    """Close a folder to everybody but the runner: a later run may get the same user."""
    os.chown(folder, 0, 0, follow_symlinks=False)
    folder.chmod(0o700)


def _change_owner(folder: Path, user: int, group: int) -> None:
    os.chown(folder, user, group, follow_symlinks=False)
    for _, folders, files, descriptor in os.fwalk(folder):
        for name in (*folders, *files):
            entry = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if (entry.st_uid, entry.st_gid) != (user, group):
                os.chown(name, user, group, dir_fd=descriptor, follow_symlinks=False)
