"""Which JSON can be stored, and said again."""

import math
import re
from collections.abc import Mapping

_DEEPEST = 40
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def refuse_unstorable(value: object, *, depth: int = 0) -> None:
    """Raise ValueError for JSON that no database or client could take: NUL, half characters, NaN."""
    if depth > _DEEPEST:
        message = f"it is nested more than {_DEEPEST} levels deep"
        raise ValueError(message)
    match value:
        case str():
            _refuse_bad_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("numbers have to be finite")
        case Mapping():
            for key, part in value.items():
                refuse_unstorable(key, depth=depth + 1)
                refuse_unstorable(part, depth=depth + 1)
        case list() | tuple():
            for part in value:
                refuse_unstorable(part, depth=depth + 1)


def _refuse_bad_text(text: str) -> None:
    if "\x00" in text:
        raise ValueError("it holds a NUL character")
    if not text.isascii() and _HALF_CHARACTER.search(text):
        raise ValueError("it holds half of a character (a lone surrogate)")
