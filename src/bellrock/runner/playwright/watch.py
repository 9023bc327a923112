"""Follows the reporter's file while the suite runs and hands its events to the recorder."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bellrock.runner.playwright.reporter_events import (
    Line,
    SuiteFacts,
    note_facts,
    read_line,
    to_live_event,
)
from bellrock.runner.playwright.untrusted import opened
from bellrock.runner.recorder import EventRecorder
from bellrock.runner.scrub import Scrubber

_LOOK_EVERY_S = 0.04
_READ_BYTES = 256 * 1024
_LONGEST_LINE_BYTES = 32 * 1024**2
_LONGEST_HELD_CHARS = 4 * 1024


@dataclass
class Watch:
    """One suite's stream. ``facts`` is what it said so far; ``on_read`` is called before more is told."""

    file: Path
    events: EventRecorder
    scrubber: Scrubber
    on_first_test: Callable[[], None]
    facts: SuiteFacts = field(default_factory=SuiteFacts)
    on_read: Callable[[], None] = lambda: None
    _offset: int = 0
    _rest: bytes = b""
    _words: dict[tuple[str, str], str] = field(default_factory=dict)

    async def follow(self) -> None:
        """Look for new lines until cancelled. What was written by then is for `catch_up`."""
        while True:
            # Thousands of events at once must not hold up everybody else.
            while self._read_some():  # noqa: ASYNC110 - the writer is another process, and sets no event
                await asyncio.sleep(0)
            await asyncio.sleep(_LOOK_EVERY_S)

    def catch_up(self) -> None:
        """Read everything there is, now."""
        while self._read_some():
            pass

    def finish(self) -> None:
        """Read the rest; whoever wrote is gone."""
        self.catch_up()
        for test_id, stream in tuple(self._words):
            self._release_words(test_id, stream)

    def _read_some(self) -> bool:
        chunk = self._chunk()
        if not chunk:
            return False
        self.on_read()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE_BYTES:
            self._rest = b""
        for raw in lines:
            line = read_line(raw)
            if line is not None:
                self._take(line)
        return True

    def _chunk(self) -> bytes:
        with contextlib.suppress(OSError), opened(self.file) as file:
            file.seek(self._offset)
            chunk = file.read(_READ_BYTES)
            self._offset += len(chunk)
            return chunk
        return b""

    def _take(self, line: Line) -> None:
        first_before = self.facts.first_test_begun
        note_facts(line, self.facts)
        if self.facts.first_test_begun and not first_before:
            self.on_first_test()
        if line["type"] == "output":
            self._hear(line)
            return
        make = to_live_event(line)
        if make is None:
            return
        if line["type"] == "testEnd":
            for stream in ("stdout", "stderr"):
                self._release_words(str(line["id"]), stream)
        self.events.emit(make)

    def _hear(self, line: Line) -> None:
        """A test's output comes in the pieces in which it was written; a secret may be in two of them."""
        test_id, stream = str(line.get("id")), "stderr" if line.get("stream") == "stderr" else "stdout"
        text = self._words.pop((test_id, stream), "") + str(line.get("text") or "")
        whole, newline, rest = text.rpartition("\n")
        if len(rest) > _LONGEST_HELD_CHARS:
            whole, newline, rest = text, "", ""
        if rest:
            self._words[test_id, stream] = rest
        if whole or newline:
            self._say(test_id, stream, whole + newline)

    def _release_words(self, test_id: str, stream: str) -> None:
        rest = self._words.pop((test_id, stream), "")
        if rest:
            self._say(test_id, stream, rest)

    def _say(self, test_id: str, stream: str, text: str) -> None:
        self.events.output(
            "stderr" if stream == "stderr" else "stdout",
            self.scrubber.text(text.rstrip("\n")),
            test_id=test_id,
        )
