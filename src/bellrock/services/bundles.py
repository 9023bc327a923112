"""Code bundles: stored once per content, handed to the runner that holds a run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO
from uuid import UUID

import structlog

from bellrock.artifacts import keys
from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import BellrockError, Invalid, NotFound, Unauthenticated
from bellrock.domain.specs import BrowserCheck, PlaywrightSuite, Spec
from bellrock.services.accept_artifact import holder_may_write
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.store.bundles import save_bundle
from bellrock.store.runs import load_job
from bellrock.wire.bundles import validate_bundle

log = structlog.get_logger(__name__)

_GZIP = b"\x1f\x8b\x08"
_IN_MEMORY_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle by its key, which is made of what it unpacks to."""

    key: str
    size_bytes: int


async def store_bundle(
    platform: Platform, principal: Principal, chunks: AsyncIterator[bytes]
) -> StoredBundle:
    """Keep a tar.gz that is safe to unpack. Raises TooLarge or Invalid, which names the entry. Needs RUN.

    It is read to its end and nothing is unpacked; the runner checks again, and does not rely on this.
    """
    principal.must(Right.RUN)
    waiting = keys.of_upload(new_id())
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as copy:
        stored = await platform.artifacts.put(
            waiting, _copied(_gzip_only(chunks), copy), max_bytes=platform.settings.max_bundle_bytes
        )
        try:
            copy.seek(0)
            facts = await asyncio.to_thread(validate_bundle, copy)
        except BellrockError:
            await platform.artifacts.delete(waiting)
            raise
    key = keys.bundle_key(facts.digest)
    async with platform.database.write() as connection:
        at = platform.clock()
        await save_bundle(connection, principal.account_id, key, size_bytes=stored.size_bytes, at=at)
        # In the transaction: the janitor, which removes row and object, comes before both or after both.
        await platform.artifacts.move(waiting, keys.of_bundle(key))
    log.info("bundle.stored", key=key, size_bytes=stored.size_bytes)
    return StoredBundle(key, stored.size_bytes)


async def bundle_for_run(platform: Platform, run_id: UUID, *, token: UUID, key: str) -> AsyncIterator[bytes]:
    """The bundle of a run, or one of its snapshots, for the runner that holds it.

    Raises Unauthenticated for a token that does not hold the run, NotFound for another key.
    """
    async with platform.database.read() as connection:
        job = await load_job(connection, run_id)
    if job is None or not holder_may_write(platform, job[0].run, token):
        raise Unauthenticated("This token does not hold the run.")
    material = job[1]
    if key not in _keys_of(material.spec):
        raise NotFound("This run has no such bundle.")
    return await platform.artifacts.open(keys.of_bundle(key))


def _keys_of(spec: Spec) -> set[str]:
    match spec:
        case PlaywrightSuite():
            return {spec.bundle_key}
        case BrowserCheck():
            return {snapshot.key for snapshot in spec.snapshots}
        case _:
            return set()


async def _copied(chunks: AsyncIterator[bytes], copy: IO[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        await asyncio.to_thread(copy.write, chunk)
        yield chunk


async def _gzip_only(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    head = b""
    async for chunk in chunks:
        if len(head) >= len(_GZIP):
            yield chunk
            continue
        head += chunk
        if len(head) >= len(_GZIP):
            _refuse_unless_gzip(head)
            yield head
    _refuse_unless_gzip(head)


def _refuse_unless_gzip(head: bytes) -> None:
    if not head.startswith(_GZIP):
        raise Invalid("The code bundle is not a gzip file: a tar archive compressed by gzip is needed.")
