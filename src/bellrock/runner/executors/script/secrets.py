"""Secrets that a script comes to know while it runs, and keeps in `CHECKLY_SECRET_...` variables.

Its worker writes each down before the script can use it, so whatever was printed later finds it known.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from bellrock.domain.checks import EnvironmentVariable
from bellrock.runner.playwright.untrusted import opened
from bellrock.runner.scrub import Scrubber

_PREFIX = "CHECKLY_SECRET_"
_MOST_BYTES = 512 * 1024  # 128 KB of text, each character at its longest in JSON
_MOST_SECRETS = 20


class LearnedSecrets:
    """The file of a run's own secrets, as far as it was read."""

    def __init__(self, file: Path, scrubber: Scrubber, variables: Iterable[EnvironmentVariable]) -> None:
        self._file = file
        self._scrubber = scrubber
        self._offset = 0
        self._known = 0
        scrubber.learn(each.value for each in variables if each.key.startswith(_PREFIX))

    def catch_up(self) -> None:
        """Learn what was added. A stat call where there is nothing new."""
        try:
            if not self._offset < self._file.lstat().st_size <= _MOST_BYTES:
                return
            with opened(self._file) as file:
                file.seek(self._offset)
                content = file.read(_MOST_BYTES)
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        secrets = [text for line in whole.splitlines() if (text := _secret(line)) is not None]
        fresh = secrets[: _MOST_SECRETS - self._known]
        self._known += len(fresh)
        if fresh:
            self._scrubber.learn(fresh)


def _secret(line: bytes) -> str | None:
    try:
        text = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return text if isinstance(text, str) else None
