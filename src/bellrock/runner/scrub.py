"""Which spellings of a secret are removed from what leaves the runner.

A secret shows up as it is, inside JSON, in a URL and in basic-auth headers; each form is replaced.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST_SECRET = 3
"""Replacing every "a" would destroy the log and hide nothing."""


class Scrubber:
    """Replaces the secrets of one run in text and bytes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET
            for spelling in _spellings(secret)
        }
        # The longest first: a secret may contain another one.
        ordered = sorted(spellings, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        encoded = (re.escape(spelling.encode()) for spelling in ordered)
        self._bytes = re.compile(b"|".join(encoded)) if ordered else None

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything to look for."""
        return self._text is not None

    def text(self, text: str) -> str:
        """The text with every secret replaced."""
        return self._text.sub(MASK, text) if self._text else text

    def data(self, data: bytes) -> bytes:
        """The bytes with every secret replaced. The length may change."""
        return self._bytes.sub(MASK.encode(), data) if self._bytes else data


def _spellings(secret: str) -> set[str]:
    raw = secret.encode()
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(raw).decode(),
    }
