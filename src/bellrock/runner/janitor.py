"""A runner's caches stay in bounds also while nothing is fetched or installed."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed of a cache: how many entries, and their bytes."""

    entries: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(self.entries + other.entries, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache by name, and what removes from it whatever is old, left over or too much. Blocking."""

    name: str
    prune: Callable[[], Pruned]


async def keep_tidy(caches: Sequence[Cache], *, every_s: float) -> None:
    """Prune every cache now and then, until cancelled."""
    while True:
        for cache in caches:
            await _prune(cache)
        await asyncio.sleep(every_s)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder. Blocking."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - tens of thousands
    return total


async def _prune(cache: Cache) -> None:
    try:
        pruned = await asyncio.to_thread(cache.prune)
    except OSError as error:
        # A file that cannot be removed, or that a run took away meanwhile: the next round looks again.
        log.warning("cache.prune_failed", cache=cache.name, error=str(error))
        return
    if pruned.entries:
        log.info("cache.pruned", cache=cache.name, entries=pruned.entries, size_bytes=pruned.size_bytes)
