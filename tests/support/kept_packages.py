"""What runners of a test session have installed is there for the runners that it starts later.

Each server and each rig has a cache of its own, and would install the same packages again.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_STORES = ("dependencies", "tools")
_OWN = frozenset({"lock", "entry.json"})
"""Who holds an entry's lock, and what is known of it, is a matter of each runner."""


@dataclass(frozen=True)
class KeptPackages:
    """A folder that outlives the caches. Workers of the same session share it."""

    folder: Path

    def bring_to(self, cache: Path) -> None:
        """Put what is kept into a cache that no runner uses yet."""
        _copy(self.folder, cache)

    def keep(self, cache: Path) -> None:
        """Keep what a cache has. Its runner has ended."""
        _copy(cache, self.folder)


def _copy(there: Path, here: Path) -> None:
    for store in _STORES:
        for entry in (there / store).glob("[!.]*"):
            target = here / store / entry.name
            if target.exists():
                continue
            making = target.with_name(f".making-{uuid4().hex}")
            shutil.copytree(entry, making, symlinks=True, copy_function=_link)
            with suppress(OSError):  # another worker was faster: its packages are the same
                making.rename(target)
                continue
            shutil.rmtree(making)


def _link(source: str, target: str) -> None:
    """Nobody changes installed packages, so that one file may have several names."""
    if Path(source).name in _OWN:
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
