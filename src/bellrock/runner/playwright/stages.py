"""Where a run stands, told to everybody who watches, and how long each stage took."""

from collections.abc import Callable
from datetime import datetime

from bellrock.domain.live import Stage
from bellrock.runner.recorder import EventRecorder
from bellrock.wire.messages import Timing


class StageClock:
    """The stages of one run, in the order in which they were entered."""

    def __init__(self, events: EventRecorder, clock: Callable[[], datetime]) -> None:
        self._events = events
        self._clock = clock
        self._entered: list[tuple[Stage, datetime]] = []

    @property
    def current(self) -> Stage | None:
        """The stage the run is in."""
        return self._entered[-1][0] if self._entered else None

    def enter(self, stage: Stage) -> None:
        """The run moves on. A first test that begins under a cancel changes nothing any more."""
        if stage is Stage.TESTING and self.current is not Stage.STARTING:
            return
        self._entered.append((stage, self._clock()))
        self._events.stage(stage)

    def timings(self) -> tuple[Timing, ...]:
        """How long each stage took; the current one as far as it went."""
        ends = [at for _, at in self._entered[1:]] + [self._clock()]
        return tuple(
            Timing(stage=str(stage), duration_ms=max(0, round((end - at).total_seconds() * 1000)))
            for (stage, at), end in zip(self._entered, ends, strict=True)
        )
