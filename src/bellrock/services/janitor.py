"""What nobody needs any more is removed, in small steps: files of runs by age and by room, bundles, uploads.

Old sessions with all their results as well, and old events of heartbeat monitors.

Files of a run that goes on, or may still send evidence, are never touched.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from bellrock.artifacts import keys
from bellrock.artifacts.store import Removed
from bellrock.services.heartbeat_monitors import forget_old_events
from bellrock.services.platform import Platform
from bellrock.store.artifacts import RunFiles, forget_files, mark_removed, oldest_files, stored_bytes
from bellrock.store.bundles import AccountBundle, drop_unused, unused_bundles
from bellrock.store.retention import delete_sessions, old_sessions

log = structlog.get_logger(__name__)

_RUNS_A_STEP = 50
_BUNDLES_A_STEP = 20
# Ten thousand monitors, once a minute each, are 50,000 sessions between two steps.
_SESSIONS_A_LOT = 500
_LOTS_A_STEP = 200


async def tidy(platform: Platform) -> int:
    """Remove a bounded lot of what is not needed; how many files, sessions and events that were."""
    at = platform.clock()
    removed = {
        "artifact": await _remove_files_of_runs(platform, at),
        "bundle": await _remove_unused_bundles(platform, at),
        "upload": await _remove_unfinished_uploads(platform, at),
    }
    loops = platform.measures.loops
    for what, lot in removed.items():
        loops.removed_files.labels(what).inc(lot.files)
        loops.removed_bytes.labels(what).inc(lot.size_bytes)
        if lot.files:
            log.info("janitor.removed", what=what, files=lot.files, size_bytes=lot.size_bytes)
    forgotten = await _forget_old_sessions(platform, at) + await forget_old_events(platform)
    return sum(lot.files for lot in removed.values()) + forgotten


def runs_to_empty(
    oldest: Sequence[RunFiles], *, total_bytes: int, most_bytes: int, final_before: datetime
) -> list[UUID]:
    """Of runs in the order of their age, those whose files go: too old, or more than there is room for."""
    doomed = []
    for run in oldest:
        if run.stopped_at >= final_before and total_bytes <= most_bytes:
            break
        doomed.append(run.run_id)
        total_bytes -= run.size_bytes
    return doomed


async def _remove_files_of_runs(platform: Platform, at: datetime) -> Removed:
    settings = platform.settings
    settled = at - timedelta(seconds=settings.late_evidence_s)
    async with platform.database.read() as connection:
        total_bytes = await stored_bytes(connection)
        oldest = await oldest_files(connection, final_before=settled, limit=_RUNS_A_STEP)
    doomed = runs_to_empty(
        oldest,
        total_bytes=total_bytes,
        most_bytes=settings.artifact_store_bytes,
        final_before=at - timedelta(days=settings.artifact_days),
    )
    if not doomed:
        return Removed()
    # Said before it is done, and struck off the list after: a crash in between is made good by the next step.
    async with platform.database.write() as connection:
        await mark_removed(connection, doomed, at)
    removed, emptied = Removed(), []
    for run_id in doomed:
        try:
            removed += await platform.artifacts.delete_below(keys.files_of_run(run_id))
        except Exception:  # a supervisor: one file that cannot be removed must not keep the others
            log.exception("janitor.files_left", run_id=str(run_id))
        else:
            emptied.append(run_id)
    async with platform.database.write() as connection:
        await forget_files(connection, emptied)
    return removed


async def _forget_old_sessions(platform: Platform, at: datetime) -> int:
    """Lot by lot, each in a transaction of its own: nobody waits long for the database."""
    before = at - timedelta(days=platform.settings.result_days)
    forgotten = 0
    for _ in range(_LOTS_A_STEP):
        async with platform.database.write() as connection:
            lot = await old_sessions(connection, final_before=before, limit=_SESSIONS_A_LOT)
            if lot:
                await delete_sessions(connection, lot)
        forgotten += len(lot)
        if len(lot) < _SESSIONS_A_LOT:
            break
    platform.measures.loops.removed_sessions.inc(forgotten)
    if forgotten:
        log.info("janitor.sessions_forgotten", sessions=forgotten)
    return forgotten


async def _remove_unused_bundles(platform: Platform, at: datetime) -> Removed:
    before = at - timedelta(seconds=platform.settings.unused_bundle_s)
    async with platform.database.read() as connection:
        unused = await unused_bundles(connection, uploaded_before=before, limit=_BUNDLES_A_STEP)
    removed = Removed()
    for bundle in unused:
        removed += await _remove_bundle(platform, bundle, uploaded_before=before)
    return removed


async def _remove_bundle(platform: Platform, bundle: AccountBundle, *, uploaded_before: datetime) -> Removed:
    async with platform.database.write() as connection:
        if not await drop_unused(connection, bundle, uploaded_before=uploaded_before):
            return Removed()
        # In the transaction: whoever uploads it again at this moment comes before both or after both.
        await platform.artifacts.delete(keys.of_bundle(bundle.key))
    return Removed(1, bundle.size_bytes)


async def _remove_unfinished_uploads(platform: Platform, at: datetime) -> Removed:
    before = at - timedelta(seconds=platform.settings.unfinished_upload_s)
    whole = await platform.artifacts.delete_below(keys.UPLOADS, older_than=before)
    return whole + await platform.artifacts.delete_half_written(older_than=before)
