"""What is going on right now: folds runners' live events, and lets readers follow without a gap.

Every replica of the control plane hears every event. Memory is bounded: running runs are folded,
finished ones are read from their stored `events.ndjson`.
"""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from bellrock.artifacts.store import ArtifactStore
from bellrock.domain.errors import NotBuilt
from bellrock.domain.live import Progress
from bellrock.domain.receipts import TestCounts
from bellrock.engine.port import Bus
from bellrock.store.database import Database
from bellrock.wire.messages import Announcement, LiveBatch

LiveFrame = LiveBatch | Announcement


class LiveHub:
    """One per process. `start` subscribes, `close` ends every reader."""

    def __init__(self, bus: Bus, *, database: Database, artifacts: ArtifactStore) -> None:
        self._bus = bus
        self._database = database
        self._artifacts = artifacts

    async def start(self) -> None:
        """Subscribe to `live.>` and `announce.>`."""

    async def close(self) -> None:
        """Unsubscribe and end every reader."""

    async def snapshot(self, session_id: UUID) -> dict[UUID, Progress]:
        """The fold of each run of the session so far (runs nobody heard of are missing).

        The values are copies: the caller may keep them.
        """
        raise NotBuilt("live events")

    def counts(self, run_id: UUID) -> TestCounts | None:
        """The live test counts of a run that this process hears, else None."""
        return None

    def stage(self, run_id: UUID) -> str | None:
        """The live stage of a run that this process hears, else None."""
        return None

    def follow(self, session_id: UUID, after: Mapping[UUID, int]) -> AsyncIterator[LiveFrame]:
        """Events of the session's runs after the given ``seq`` of each, and announcements; endless.

        Per run the batches come in order and without a gap, first what was missed. The reader stops
        by closing the iterator (`aclose`), or by ending the task that iterates.
        """
        raise NotBuilt("live events")
