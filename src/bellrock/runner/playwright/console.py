"""What the processes of a run print: all of it into the log, a bounded part of it live.

The log file is the runner's own and written as it came; secrets are removed from the whole of it
before it leaves. What goes out live is scrubbed line by line, and lines that the supervisor had to
cut are put together first, so that a secret on the cut is found.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bellrock.runner.recorder import EventRecorder
from bellrock.runner.scrub import Scrubber
from bellrock.runner.supervisor import OutputLine

_MOST_LIVE_CHARS = 4 * 1024**2
_LONG_LINE_CHARS = 8 * 1024
_MOST_HELD_CHARS = 64 * 1024

Stream = Literal["stdout", "stderr", "system"]


class Console:
    """The output of one run, from its first install line to its last."""

    def __init__(self, log: Path, events: EventRecorder, scrubber: Scrubber) -> None:
        self._log = log.open("w", encoding="utf-8", errors="replace")
        self._events = events
        self._scrubber = scrubber
        self._live_chars = 0
        self._held: dict[Stream, str] = {}
        self._last_stderr: list[str] = []

    @property
    def last_stderr(self) -> str:
        """The end of what was printed to stderr: where Playwright says why it cannot start."""
        return "\n".join(self._last_stderr)

    async def print(self, lines: Sequence[OutputLine]) -> None:
        """Take lines of a process. Lines of one stream that follow each other become one event."""
        written = "".join(f"{line.text}\n" for line in lines)
        await asyncio.to_thread(self._log.write, written)
        batch: list[str] = []
        stream: Stream | None = None
        for line in lines:
            if line.stream != stream:
                self._send(stream, batch)
                batch, stream = [], line.stream
            batch.append(line.text)
            if line.stream == "stderr":
                self._last_stderr = [*self._last_stderr[-39:], line.text]
        self._send(stream, batch)

    def say(self, text: str) -> None:
        """Bellrock's own voice, in the log and live."""
        self._log.write(f"[bellrock] {text}\n")
        self._events.output("system", self._scrubber.text(text))

    def close(self) -> None:
        """Send what was held back and end the log."""
        for stream in tuple(self._held):
            self._emit(stream, self._held.pop(stream))
        self._log.close()

    def _send(self, stream: Stream | None, batch: list[str]) -> None:
        if stream is None or not batch:
            return
        text = self._held.pop(stream, "") + "\n".join(batch)
        # A long last line may go on in the next batch.
        if len(batch[-1]) >= _LONG_LINE_CHARS and len(text) < _MOST_HELD_CHARS:
            self._held[stream] = text
            return
        self._emit(stream, text)

    def _emit(self, stream: Stream, text: str) -> None:
        if self._live_chars > _MOST_LIVE_CHARS:
            return
        self._live_chars += len(text)
        self._events.output(stream, self._scrubber.text(text))
        if self._live_chars > _MOST_LIVE_CHARS:
            message = "More output follows in the log file; it is too much to be shown live."
            self._events.output("system", message)
