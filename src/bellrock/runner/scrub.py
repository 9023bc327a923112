"""Which spellings of a secret are removed from what leaves the runner.

A secret shows up as it is, inside JSON, HTML or a URL, and in base64, where its letters depend on what
stands before it (a basic-auth header encodes ``user:secret`` as a whole). Each form is replaced.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST_SECRET = 3
"""Replacing every "a" would destroy the log and hide nothing."""

_NEVER_SCRUBBED = frozenset({"123", "http://", "https://", "/artifact/", "*********"})
"""Texts that every report is full of: the contract lets them stand."""

_SHORTEST_CORE_CHARS = 6
_SHORTEST_LINE_CHARS = 8
# What encodeURIComponent and encodeURI leave as it is.
_COMPONENT_SAFE = "!'()*-._~"
_URI_SAFE = ";,/?:@&=+$-_.!~*'()#"
_ESCAPE = re.compile("%[0-9A-F]{2}")


class Scrubber:
    """Replaces the secrets of one run in text and bytes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these from now on as well."""
        self._spellings.update(
            spelling
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET and secret not in _NEVER_SCRUBBED
            for spelling in _spellings(secret)
        )
        # The longest first: a secret may contain another one.
        ordered = sorted(self._spellings, key=len, reverse=True)
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

    def tree(self, value: object) -> object:
        """A value as JSON has them with every secret in its texts and names replaced."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(name)): self.tree(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self.tree(inner) for inner in value]
        return value


def _spellings(secret: str) -> Iterator[str]:
    for plain in (secret, *_long_lines(secret)):
        yield plain
        yield json.dumps(plain)[1:-1]
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield html.escape(plain)
        for in_url in (
            quote(plain, safe=""),
            quote_plus(plain),
            quote(plain, safe=_COMPONENT_SAFE),
            quote(plain, safe=_URI_SAFE),
        ):
            yield in_url
            yield _ESCAPE.sub(lambda escape: escape[0].lower(), in_url)
    yield from _in_base64(secret.encode())


def _long_lines(secret: str) -> list[str]:
    """A key of many lines is printed line by line, and each may be looked at alone."""
    lines = secret.splitlines()
    return [line for line in lines if len(line) >= _SHORTEST_LINE_CHARS] if len(lines) > 1 else []


def _in_base64(raw: bytes) -> Iterator[str]:
    """The secret alone, and the letters that it alone decides wherever it stands in something longer."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        if len(whole.rstrip("=")) >= SHORTEST_SECRET:
            yield whole.rstrip("=")
        for before in range(3):
            letters = encode(b"\0" * before + raw).decode()
            core = letters[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
            if len(core) >= _SHORTEST_CORE_CHARS:
                yield core
