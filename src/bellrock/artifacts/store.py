"""Objects by key: bundles under `bundles/`, files of runs under `runs/`. Streams in both directions."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bellrock.domain.errors import TooLarge


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept: its size and the SHA-256 of its content, in hex."""

    size_bytes: int
    sha256: str


class ArtifactStore:
    """Objects in a folder, in memory, or in a bucket."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> Stored:
        """Keep a stream under a key, replacing what is there. Raises TooLarge, keeping nothing."""
        raise TooLarge(hashlib.sha256().hexdigest())

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``. Raises NotFound at once."""
        raise TooLarge("")


def folder_store(folder: Path) -> ArtifactStore:
    """Objects as files below a folder, which is made when missing."""
    return ArtifactStore()


def memory_store() -> ArtifactStore:
    """Objects in memory."""
    return ArtifactStore()
