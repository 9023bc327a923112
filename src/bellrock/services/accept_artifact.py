"""Runners upload what they kept of a run.

The body is streamed before it is known to be wanted for good: a file counts only once its row is
written, and it is shown only once the runner's report or evidence lists it.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import structlog

from bellrock.artifacts import keys
from bellrock.domain.errors import BellrockError, Invalid, TooLarge, Unauthenticated
from bellrock.domain.runs import Run
from bellrock.services.platform import Platform
from bellrock.services.record_result import takes_late_evidence
from bellrock.store.results import UploadedFile, remember_upload, uploads_of
from bellrock.store.runs import load_run

log = structlog.get_logger(__name__)

_REFUSALS: dict[type[BellrockError], str] = {
    Invalid: "unsafe_name",
    TooLarge: "too_large",
    Unauthenticated: "not_the_holder",
}


async def accept_artifact(
    platform: Platform,
    run_id: UUID,
    *,
    token: UUID,
    name: str,
    content_type: str,
    chunks: AsyncIterator[bytes],
) -> None:
    """Keep one file of a run. Uploading a name again replaces it.

    The token is good while it holds the run, and for 120 s after its own final report. Raises
    Unauthenticated for any other token, Invalid for an unsafe name, TooLarge over the run's total.
    """
    try:
        await _accept(platform, run_id, token=token, name=name, content_type=content_type, chunks=chunks)
    except tuple(_REFUSALS) as error:
        reason = _REFUSALS[type(error)]
        platform.measures.recovery.artifacts_refused.labels(reason).inc()
        log.info("artifact.refused", run_id=str(run_id), name=name[:200], reason=reason)
        raise


async def _accept(
    platform: Platform,
    run_id: UUID,
    *,
    token: UUID,
    name: str,
    content_type: str,
    chunks: AsyncIterator[bytes],
) -> None:
    keys.safe_name(name)
    run, room_bytes = await _run_and_room(platform, run_id, token, name)
    key = keys.of_run(run.id, run.attempt, name)
    stored = await platform.artifacts.put(key, chunks, max_bytes=room_bytes)
    file = UploadedFile(name, content_type[:200], stored.size_bytes, stored.sha256)
    async with platform.database.write() as connection:
        now = await load_run(connection, run_id)
        still_its_run = now is not None and holder_may_write(platform, now.run, token)
        if still_its_run:
            await remember_upload(connection, run_id, run.attempt, file=file, at=platform.clock())
    if not still_its_run:
        await platform.artifacts.delete(key)
        raise Unauthenticated("The run ended while this file was uploaded: it is not kept.")
    log.debug("artifact.stored", run_id=str(run_id), name=name, size_bytes=stored.size_bytes)


def holder_may_write(platform: Platform, run: Run, token: UUID) -> bool:
    """Whether who shows this token may add files to the run."""
    if run.lease is None or run.lease.token != token:
        return False
    return not run.is_final or takes_late_evidence(platform, run)


async def _run_and_room(platform: Platform, run_id: UUID, token: UUID, name: str) -> tuple[Run, int]:
    async with platform.database.read() as connection:
        stored = await load_run(connection, run_id)
        if stored is None or not holder_may_write(platform, stored.run, token):
            raise Unauthenticated("This token does not hold the run.")
        uploads = await uploads_of(connection, run_id, stored.run.attempt)
    limit = platform.settings.max_artifact_bytes
    used = sum(upload.size_bytes for upload in uploads.values() if upload.name != name)
    if used >= limit:
        raise TooLarge(f"The files of this run are larger than {limit} bytes, which is what is allowed.")
    return stored.run, limit - used
