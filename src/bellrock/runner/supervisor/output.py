"""What the suite prints: read at once, counted, cut into lines, handed on with bounded memory.

The suite must never wait long for whoever reads its lines. So the pipe is read at once, lines wait
in a queue of bounded size, and where the sink is too slow for too long, lines are dropped and
counted rather than the suite being held.
"""

import asyncio
import codecs
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from bellrock.runner.supervisor.spec import OutputLine, OutputSink

_CHUNK_BYTES = 64 * 1024
_LONGEST_LINE_CHARS = 16 * 1024
_MOST_WAITING_CHARS = 4 * 1024**2
_LINE_OVERHEAD = 100  # what keeping a line costs beside its text
_PATIENCE_S = 2.0  # how long one slow sink may hold the suite up before lines are dropped
_LAST_LINES_S = 5.0

Stream = Literal["stdout", "stderr"]


class LineCutter:
    """Turns chunks of one stream into lines; never holds more than one line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def cut(self, chunk: bytes, *, final: bool = False) -> list[OutputLine]:
        """The lines that are complete now; with ``final`` also the last one without a line end."""
        text = self._rest + self._decoder.decode(chunk, final=final)
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        whole = text.split("\n")
        self._rest = whole.pop()
        if self._rest and (final or len(self._rest) > _LONGEST_LINE_CHARS):
            whole.append(self._rest)
            self._rest = ""
        at = datetime.now(UTC)
        return [OutputLine(self._stream, part, at) for line in whole for part in _parts(line)]


def _parts(line: str) -> list[str]:
    if len(line) <= _LONGEST_LINE_CHARS:
        return [line]
    starts = range(0, len(line), _LONGEST_LINE_CHARS)
    return [line[start : start + _LONGEST_LINE_CHARS] for start in starts]


class OutputPump:
    """Both streams of one process tree."""

    def __init__(
        self, sink: OutputSink | None, *, limit_bytes: int | None, on_limit: Callable[[], None]
    ) -> None:
        self.bytes_read = 0
        self._sink = sink
        self._limit = limit_bytes
        self._on_limit = on_limit
        self._waiting: list[OutputLine] = []
        self._waiting_chars = 0
        self._dropped = 0
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        self._ended = False
        self._deliverer: asyncio.Task[None] | None = None

    def start(self, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        """Begin to read both streams."""
        self._readers = [
            asyncio.create_task(self._read("stdout", stdout)),
            asyncio.create_task(self._read("stderr", stderr)),
        ]
        self._deliverer = asyncio.create_task(self._deliver())

    async def finish(self, timeout_s: float) -> None:
        """Read what is left and deliver it. The writers are dead; the deadline is a safety net."""
        await _within(self._readers, timeout_s)
        self._ended = True
        self._something.set()
        if self._deliverer is not None:
            await _within([self._deliverer], _LAST_LINES_S)

    async def _read(self, stream: Stream, reader: asyncio.StreamReader) -> None:
        cutter = LineCutter(stream)
        while chunk := await reader.read(_CHUNK_BYTES):
            kept = self._within_limit(chunk)
            if self._dropped and self._is_full():
                self._dropped += kept.count(b"\n")
            elif kept and self._sink is not None:
                await self._queue(cutter.cut(kept))
        await self._queue(cutter.cut(b"", final=True))

    def _within_limit(self, chunk: bytes) -> bytes:
        """What still counts of a chunk: what came first is kept, the rest is read and thrown away."""
        before = self.bytes_read
        self.bytes_read += len(chunk)
        if self._limit is None or self.bytes_read <= self._limit:
            return chunk
        if before <= self._limit:
            self._on_limit()
        return chunk[: max(0, self._limit - before)]

    async def _queue(self, lines: list[OutputLine]) -> None:
        if self._is_full():
            self._room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), _PATIENCE_S)
        if self._is_full():
            self._dropped += len(lines)
            return
        self._waiting += lines
        self._waiting_chars += sum(len(line.text) + _LINE_OVERHEAD for line in lines)
        self._something.set()

    def _is_full(self) -> bool:
        return self._waiting_chars > _MOST_WAITING_CHARS

    async def _deliver(self) -> None:
        while not (self._ended and not self._waiting and not self._dropped):
            await self._something.wait()  # ends with finish(), which has the deadline
            if not self._ended:
                self._something.clear()
            lines, self._waiting, self._waiting_chars = self._waiting, [], 0
            if self._dropped:
                lines.append(_dropped_note(self._dropped))
                self._dropped = 0
            self._room.set()
            if lines and self._sink is not None:
                await self._sink(lines)


def _dropped_note(count: int) -> OutputLine:
    text = f"{count} lines of output were left out here: they came faster than they could be stored."
    return OutputLine("system", text, datetime.now(UTC))


async def _within(tasks: list[asyncio.Task[None]], timeout_s: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=timeout_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
