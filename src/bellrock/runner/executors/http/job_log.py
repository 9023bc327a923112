"""What an API check says of itself: live, as output of the run, and in its result."""

import time
from dataclasses import dataclass, field
from typing import Literal

from bellrock.runner.probing import ProbeTools
from bellrock.runner.supervisor import OutputLine

_MOST_CHARS = 64 * 1024
"""What a result keeps of it; the run's events have all."""

Level = Literal["INFO", "ERROR"]
_LEVELS: dict[str, Level] = {"stdout": "INFO", "stderr": "ERROR", "system": "INFO"}


@dataclass(slots=True)
class JobLog:
    """Lines by the step they belong to: setup, request or teardown."""

    tools: ProbeTools
    _steps: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    _chars_left: int = _MOST_CHARS

    def note(self, step: str, text: str, *, level: Level = "INFO") -> None:
        """Say something in Bellrock's own voice."""
        self.tools.say(text)
        self._keep(step, text, level=level)

    def printed(self, step: str, line: OutputLine) -> None:
        """A script printed a line."""
        if self.tools.context:
            self.tools.context.events.output(line.stream, f"{line.text}\n")
        self._keep(step, line.text, level=_LEVELS[line.stream])

    def as_result(self) -> dict[str, object]:
        """The contract's `jobLog`: per step its lines, each with its time in ms."""
        return {step: list(lines) for step, lines in self._steps.items()}

    def _keep(self, step: str, text: str, *, level: Level) -> None:
        if self._chars_left <= 0:
            return
        kept = text[: self._chars_left]
        self._chars_left -= len(kept)
        entry: dict[str, object] = {"time": int(time.time() * 1000), "level": level, "msg": kept}
        self._steps.setdefault(step, []).append(entry)
