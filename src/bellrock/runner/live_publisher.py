"""How a run's live events leave the runner: at once when it is quiet, in batches when it is not.

A batch that cannot be sent is not sent again: readers see the gap in the numbers and ask for it.
"""

import asyncio
from dataclasses import dataclass

import structlog

from bellrock.domain.live import LiveEvent
from bellrock.engine.port import Bus, BusError
from bellrock.runner.recorder import EventRecorder
from bellrock.wire import subjects
from bellrock.wire.messages import JobSpec, LiveBatch, ReplayRequest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveTimes:
    """At most one batch per ``interval_s``, of at most so many events and bytes."""

    interval_s: float = 0.1
    batch_events: int = 500
    batch_bytes: int = 256 * 1024


class LivePublisher:
    """Publishes one run's events and answers for those that a reader missed."""

    def __init__(self, bus: Bus, job: JobSpec, *, recorder: EventRecorder, times: LiveTimes) -> None:
        self._bus = bus
        self._job = job
        self._recorder = recorder
        self._times = times
        self._subject = subjects.live(job.location, job.session_id, job.run_id)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._recorder.wait_pending()
            await self._publish_one()
            await asyncio.sleep(self._times.interval_s)

    async def flush(self) -> None:
        """Publish what is pending, now."""
        while await self._publish_one():
            pass

    async def replay(self, _subject: str, body: bytes) -> bytes:
        """Answer a `ReplayRequest` from the run's file."""
        request = ReplayRequest.model_validate_json(body)
        events = self._recorder.after(
            request.after_seq,
            most=min(request.limit, self._times.batch_events),
            most_bytes=self._times.batch_bytes,
        )
        return self._batch(events).encode()

    async def _publish_one(self) -> bool:
        events = self._recorder.take(most=self._times.batch_events, most_bytes=self._times.batch_bytes)
        if not events:
            return False
        try:
            await self._bus.publish(self._subject, self._batch(events).encode())
        except BusError as error:
            log.debug("live.not_published", run_id=str(self._job.run_id), error=str(error))
        return True

    def _batch(self, events: tuple[LiveEvent, ...]) -> LiveBatch:
        return LiveBatch.model_construct(
            run_id=self._job.run_id, session_id=self._job.session_id, events=events
        )
