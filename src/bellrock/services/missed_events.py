"""Events that a reader missed: the runner that has the run is asked, or the run's stored file is read."""

from collections.abc import AsyncIterator
from uuid import UUID

import structlog
from pydantic import ValidationError

from bellrock.artifacts import keys
from bellrock.artifacts.store import ArtifactStore
from bellrock.domain.errors import NotFound
from bellrock.domain.live import LiveEvent
from bellrock.engine.port import Bus, BusError, NobodyListening
from bellrock.store.database import Database
from bellrock.store.records import StoredResult, StoredRun
from bellrock.store.results import results_of_runs
from bellrock.store.runs import load_run
from bellrock.wire import subjects
from bellrock.wire.messages import LIVE_EVENT, LiveBatch, ReplayRequest

log = structlog.get_logger(__name__)

_REPLAY_TIMEOUT_S = 2.0
_BATCH = 500


class MissedEvents:
    """Finds a run's events after a ``seq``, wherever they are now."""

    def __init__(self, bus: Bus, *, database: Database, artifacts: ArtifactStore) -> None:
        self._bus = bus
        self._database = database
        self._artifacts = artifacts

    async def after(self, run_id: UUID, seq: int) -> AsyncIterator[LiveBatch]:
        """Batches in order, from the event after ``seq`` on, as far as they can be had."""
        async with self._database.read() as connection:
            stored = await load_run(connection, run_id)
            results = (await results_of_runs(connection, [run_id]))[run_id] if stored else []
        if stored is None:
            return
        final = results[-1] if stored.run.is_final and results else None
        if final is not None and final.files_removed_at is not None:
            return
        if final is not None and any(file.name == keys.EVENTS for file in final.artifacts):
            async for batch in self._from_file(stored, final, seq):
                yield batch
        else:
            async for batch in self._from_runner(stored, seq):
                yield batch

    async def _from_runner(self, stored: StoredRun, seq: int) -> AsyncIterator[LiveBatch]:
        subject = subjects.replay(stored.run.location, stored.run.id)
        while True:
            request = ReplayRequest(run_id=stored.run.id, after_seq=seq, limit=_BATCH)
            try:
                answer = await self._bus.request(subject, request.encode(), timeout_s=_REPLAY_TIMEOUT_S)
                batch = LiveBatch.model_validate_json(answer)
            except (NobodyListening, TimeoutError, BusError, ValidationError) as error:
                log.debug("live.replay_failed", run_id=str(stored.run.id), error=str(error))
                return
            if not batch.events or batch.events[-1].seq <= seq:
                return
            seq = batch.events[-1].seq
            yield batch

    async def _from_file(self, stored: StoredRun, final: StoredResult, seq: int) -> AsyncIterator[LiveBatch]:
        run = stored.run
        key = keys.of_run(run.id, final.attempt, keys.EVENTS)
        events: list[LiveEvent] = []
        try:
            async for line in _lines(await self._artifacts.open(key)):
                event = _parsed(line)
                if event is not None and event.seq > seq:
                    events.append(event)
                if len(events) == _BATCH:
                    yield LiveBatch(run_id=run.id, session_id=run.session_id, events=tuple(events))
                    events = []
        except NotFound:
            log.warning("live.events_missing", run_id=str(run.id))
        if events:
            yield LiveBatch(run_id=run.id, session_id=run.session_id, events=tuple(events))


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    yield rest


def _parsed(line: bytes) -> LiveEvent | None:
    if not line.strip():
        return None
    try:
        return LIVE_EVENT.validate_json(line)
    except ValidationError:
        return None  # the last line of a file that was cut off in the middle of a write
