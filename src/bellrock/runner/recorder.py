"""What an executor gets for one run: its folder, its events, its cancel, its way to move files.

Every event is written to the run's ``events.ndjson`` before anybody else sees it: the file is what
a reader who missed something is served from, and the artifact that stays.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from bellrock.domain.live import LiveEvent, Output, Progress, Stage, StageEntered
from bellrock.runner.scrub import Scrubber
from bellrock.runner.supervisor import Isolation
from bellrock.wire.messages import LIVE_EVENT, Artifact, Evidence, JobSpec, Report

EVENTS_FILE = "events.ndjson"
LONGEST_OUTPUT_CHARS = 64 * 1024
"""One event must fit a message; longer output is split."""

_INDEX_EVERY = 200
_FREE_TEXT = frozenset({"text", "note", "title", "message", "snippet", "error", "file", "project", "tags"})

E = TypeVar("E", bound=LiveEvent)
EventFactory = Callable[[int, int], E]
"""Makes an event of its ``seq`` and its time in ms."""


class CancelToken:
    """Whether, when and by whom the run was asked to stop. Set once; the first request stands."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.requested_at: datetime | None = None
        self.by: str | None = None
        self.via: str | None = None

    @property
    def is_set(self) -> bool:
        """Whether somebody asked."""
        return self._asked.is_set()

    def ask(self, *, at: datetime, by: str | None, via: str | None) -> bool:
        """Note the request. ``at`` is when this runner learned of it. False where it was asked before."""
        if self._asked.is_set():
            return False
        self.requested_at, self.by, self.via = at, by, via
        self._asked.set()
        return True

    async def wait(self) -> None:
        """Return once somebody asked. Has no deadline of its own: race it against the work."""
        await self._asked.wait()


class EventRecorder:
    """The run's events: numbered from 1, without gaps, in a file, and handed on in batches.

    Writing is synchronous and small. What waits to be published is bounded: where the publisher
    falls behind, the oldest are dropped from memory and readers refill the gap from the file.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime], scrubber: Scrubber, most_pending: int = 5_000
    ) -> None:
        self.path = path
        self.progress = Progress()
        self._clock = clock
        self.scrubber = scrubber
        self._file = path.open("wb")
        self._size = 0
        self._offsets: list[int] = []
        self._pending: deque[tuple[LiveEvent, int]] = deque(maxlen=most_pending)
        self._something_pending = asyncio.Event()

    @property
    def last_seq(self) -> int:
        """The number of the latest event, 0 before the first."""
        return self.progress.last_seq

    def emit(self, make: EventFactory[E]) -> LiveEvent:
        """Number, scrub, write and hand on the event that ``make(seq, at_ms)`` returns."""
        event: LiveEvent = make(self.last_seq + 1, int(self._clock().timestamp() * 1000))
        line = LIVE_EVENT.dump_json(event)
        if self.scrubber.data(line) != line:
            event = _scrubbed(event, self.scrubber)
            line = LIVE_EVENT.dump_json(event)
        if self.last_seq % _INDEX_EVERY == 0:
            self._offsets.append(self._size)
        if not self._file.closed:
            self._file.write(line + b"\n")
            self._file.flush()
            self._size += len(line) + 1
        self.progress.apply(event)
        self._pending.append((event, len(line)))
        self._something_pending.set()
        return event

    def stage(self, stage: Stage, note: str | None = None) -> None:
        """The run moved on to a stage."""
        self.emit(lambda seq, at_ms: StageEntered(seq, at_ms, stage, note))

    def output(
        self, stream: Literal["stdout", "stderr", "system"], text: str, *, test_id: str | None = None
    ) -> None:
        """Something was printed. ``system`` is Bellrock's own voice."""
        for start in range(0, len(text), LONGEST_OUTPUT_CHARS):
            part = text[start : start + LONGEST_OUTPUT_CHARS]
            self.emit(partial(_output, stream, part, test_id))

    async def wait_pending(self) -> None:
        """Return once there is something to publish. Ends with the run, by cancellation."""
        await self._something_pending.wait()

    def take(self, *, most: int, most_bytes: int) -> tuple[LiveEvent, ...]:
        """The oldest events that wait to be published; they no longer do."""
        taken: list[LiveEvent] = []
        size = 0
        while self._pending and len(taken) < most:
            event, bytes_of_event = self._pending[0]
            if taken and size + bytes_of_event > most_bytes:
                break
            self._pending.popleft()
            taken.append(event)
            size += bytes_of_event
        if not self._pending:
            self._something_pending.clear()
        return tuple(taken)

    def after(self, seq: int, *, most: int, most_bytes: int) -> tuple[LiveEvent, ...]:
        """Events with a higher number than ``seq``, read back from the file."""
        return read_events(self.path, after=seq, most=most, most_bytes=most_bytes, start=self._offset(seq))

    def close(self) -> None:
        """No more events are written. Those written stay readable."""
        self._file.close()

    def _offset(self, seq: int) -> int:
        if not self._offsets:
            return 0
        firsts = range(1, len(self._offsets) * _INDEX_EVERY + 1, _INDEX_EVERY)
        return self._offsets[max(bisect_right(firsts, seq + 1) - 1, 0)]


def _output(
    stream: Literal["stdout", "stderr", "system"], text: str, test_id: str | None, seq: int, at_ms: int
) -> Output:
    return Output(seq, at_ms, stream, text, test_id)


def _scrubbed(event: LiveEvent, scrubber: Scrubber) -> LiveEvent:
    """The event with secrets replaced in its free text, and only there: a secret may be "passed"."""
    return LIVE_EVENT.validate_python(_scrub("", LIVE_EVENT.dump_python(event, mode="json"), scrubber))


def _scrub(key: str, value: object, scrubber: Scrubber) -> object:
    match value:
        case dict():
            return {name: _scrub(name, inner, scrubber) for name, inner in value.items()}
        case list():
            return [_scrub(key, inner, scrubber) for inner in value]
        case str() if key in _FREE_TEXT:
            return scrubber.text(value)
        case _:
            return value


def read_events(
    path: Path, *, after: int, most: int, most_bytes: int, start: int = 0
) -> tuple[LiveEvent, ...]:
    """Events of a file numbered above ``after``, from byte ``start``. A torn last line is left out."""
    events: list[LiveEvent] = []
    size = 0
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n") or len(events) >= most:
                break
            event = LIVE_EVENT.validate_json(line)
            if event.seq <= after:
                continue
            if events and size + len(line) > most_bytes:
                break
            events.append(event)
            size += len(line)
    return tuple(events)


class Bundles(Protocol):
    """Where code bundles come from."""

    async def fetch(self, key: str) -> Path:
        """The bundle's tar.gz on this machine, from the runner's cache or the control plane.

        :raises TransferFailed: it could not be had; says whose fault that is.
        """


LateEvidence = Callable[[], Awaitable[Evidence]]


@dataclass(slots=True)
class RunContext:
    """One run as its executor sees it.

    ``folder`` is its own, empty at first, and removed by the agent afterwards; ``cache_folder``
    outlives runs. A person's request to stop arrives as ``cancelled``. That the run was taken away
    (fenced) or that the runner shuts down arrives as cancellation of the task: then every process
    must be dead before `execute` lets the cancellation through.
    """

    job: JobSpec
    token: UUID
    folder: Path
    cache_folder: Path
    events: EventRecorder
    cancelled: CancelToken
    bundles: Bundles
    upload: Callable[[Path, Artifact], Awaitable[None]]
    scrubber: Scrubber
    isolation: Isolation
    clock: Callable[[], datetime]
    late_evidence: LateEvidence | None = None
    """Set by an executor whose report is not ``evidence_complete``: the agent calls it after the
    report and sends what it returns."""
    drop_evidence: Callable[[], Awaitable[None]] | None = None
    """Set beside it: ends the collecting, its processes too. Called in any case; harmless afterwards."""


class Executor(Protocol):
    """Carries out runs of one check type."""

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        """Carry out one attempt, to its end or until it is cancelled, and say how it ended.

        What goes wrong is an outcome, with its blame; an exception is a defect, and reported as
        ERRORED with blame runner.
        """
