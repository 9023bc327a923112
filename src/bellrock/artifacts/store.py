"""Objects by key: bundles under `bundles/`, files of runs under `runs/`. Streams in both directions.

An upload becomes visible whole or not at all; size and SHA-256 are taken while it streams.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import LocalStore, MemoryStore

from bellrock.domain.errors import NotFound, TooLarge

if TYPE_CHECKING:
    from obstore import GetResult  # in its stubs only


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept: its size and the SHA-256 of its content, in hex."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed: how many files, and their bytes."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.files + other.files, self.size_bytes + other.size_bytes)


# How LocalStore names a file while it is being written. It never lists these, nor takes such a key.
_BEING_WRITTEN = re.compile(r"#\d+$")


@dataclass(slots=True)
class _Meter:
    """Passes chunks on, and knows how many bytes went by and what they were."""

    max_bytes: int
    size_bytes: int = 0
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size_bytes += len(chunk)
            if self.size_bytes > self.max_bytes:
                raise TooLarge(f"The body is too large, maximum allowed: {self.max_bytes}")
            self.hash.update(chunk)
            yield chunk


class ArtifactStore:
    """Objects in a folder, or in memory."""

    def __init__(self, objects: LocalStore | MemoryStore, *, folder: Path | None = None) -> None:
        self._objects = objects
        self._folder = folder

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> Stored:
        """Keep a stream under a key, replacing what is there. Raises TooLarge, keeping nothing.

        What ``chunks`` raises comes out unchanged, and nothing is kept then either.
        """
        meter = _Meter(max_bytes)
        await obstore.put_async(self._objects, key, meter.through(chunks))
        return Stored(meter.size_bytes, meter.hash.hexdigest())

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``. Raises NotFound at once, not while streaming."""
        try:
            if start == 0 and end is None:
                found = await obstore.get_async(self._objects, key)
            elif end is None:
                found = await obstore.get_async(self._objects, key, options={"range": {"offset": start}})
            else:
                found = await obstore.get_async(self._objects, key, options={"range": (start, end)})
        except FileNotFoundError as error:
            raise NotFound("This file is not kept any more.") from error
        return _chunks(found)

    async def has(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            await obstore.head_async(self._objects, key)
        except FileNotFoundError:
            return False
        return True

    async def move(self, source: str, target: str) -> None:
        """Give an object another key, replacing what is there."""
        await obstore.rename_async(self._objects, source, target)

    async def delete(self, key: str) -> None:
        """Remove an object. One that is not there is no error."""
        try:
            await obstore.delete_async(self._objects, key)
        except FileNotFoundError:
            return

    async def delete_below(self, prefix: str, *, older_than: datetime | None = None) -> Removed:
        """Remove the objects whose keys begin with these parts, all or those last written before."""
        removed = Removed()
        async for found in obstore.list(self._objects, prefix):
            for each in found:
                if older_than is None or each["last_modified"] < older_than:
                    await self.delete(each["path"])
                    removed += Removed(1, each["size"])
        return removed

    async def delete_half_written(self, *, older_than: datetime) -> Removed:
        """Remove what is left of writes that a crash cut off, where objects are files of a folder."""
        if self._folder is None:
            return Removed()
        return await asyncio.to_thread(_delete_half_written, self._folder, older_than.timestamp())


def _delete_half_written(folder: Path, before: float) -> Removed:
    removed = Removed()
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names if _BEING_WRITTEN.search(name)):
            try:
                file = path.stat()
                if file.st_mtime < before:
                    path.unlink()
                    removed += Removed(1, file.st_size)
            except FileNotFoundError:
                continue  # finished, or given up, meanwhile
    return removed


async def _chunks(found: "GetResult") -> AsyncIterator[bytes]:
    async for chunk in found.stream():
        if chunk:
            yield bytes(chunk)


def folder_store(folder: Path) -> ArtifactStore:
    """Objects as files below a folder, which is made when missing."""
    return ArtifactStore(LocalStore(folder, mkdir=True, automatic_cleanup=True), folder=folder)


def memory_store() -> ArtifactStore:
    """Objects in memory, for tests and for a platform that forgets."""
    return ArtifactStore(MemoryStore())
