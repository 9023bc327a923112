"""Where a reader stands in one run's events: what is new to it, and whether something is missing."""

from dataclasses import dataclass

from bellrock.wire.messages import LiveBatch


@dataclass(slots=True)
class RunFeed:
    """``last_seq`` is the last event seen. ``began_ms`` tells one execution of a run from the next."""

    last_seq: int = 0
    began_ms: int | None = None

    def is_another_execution(self, batch: LiveBatch) -> bool:
        """Whether the batch holds a first event that is not the one seen before."""
        first = batch.events[0] if batch.events else None
        if first is None or first.seq != 1 or self.last_seq == 0:
            return False
        return self.began_ms is not None and first.at_ms != self.began_ms

    def has_gap_before(self, batch: LiveBatch) -> bool:
        """Whether events between those seen and the batch are missing."""
        return bool(batch.events) and batch.events[0].seq > self.last_seq + 1

    def take(self, batch: LiveBatch) -> LiveBatch | None:
        """What of the batch is new, and stand behind it. None: nothing."""
        if self.is_another_execution(batch):
            self.last_seq, self.began_ms = 0, None
        news = tuple(event for event in batch.events if event.seq > self.last_seq)
        if not news:
            return None
        if news[0].seq == 1:
            self.began_ms = news[0].at_ms
        self.last_seq = news[-1].seq
        return batch if len(news) == len(batch.events) else batch.model_copy(update={"events": news})
