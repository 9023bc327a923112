"""Errors of results that are the same but for what changes from run to run: times, ids, addresses, counts."""

import hashlib
import re
from collections.abc import Iterable
from uuid import NAMESPACE_OID, UUID, uuid5

_LONGEST = 2_000
# In this order: a part of what an earlier one takes must not be taken by a later one.
_CHANGING = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<address>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d+(?:\.\d+)?(?= ?(?:(?:ms|s|seconds|min|minutes|bytes|kB|KB|MB)\b|%))"), "<number>"),
    (re.compile(r"\b\d+\.\d+\b|\b\d{4,}\b"), "<number>"),
    (re.compile(r"\s+"), " "),
)


def cleaned(message: str) -> str:
    """A message without what changes. Numbers of up to three digits stay: 404 is not 503."""
    text = message[: 2 * _LONGEST]
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text.strip()[:_LONGEST]


def error_hash(cleaned_message: str) -> str:
    """The SHA-256 of a cleaned message, in hex."""
    return hashlib.sha256(cleaned_message.encode(errors="replace")).hexdigest()


def group_id(owner_id: UUID, hashed: str) -> UUID:
    """The id of a group of errors of a check or a project: the same whenever such an error comes."""
    return uuid5(NAMESPACE_OID, f"{owner_id}/{hashed}")


def messages_of(errors: Iterable[str], message: str | None) -> tuple[str, ...]:
    """The messages of a failing result: its errors, or what its outcome says; each once."""
    said = tuple(dict.fromkeys(each for each in errors if each.strip()))
    return said or ((message,) if message else ())


def group_ids(owner_id: UUID, errors: Iterable[str], message: str | None) -> tuple[UUID, ...]:
    """The groups that a failing result belongs to."""
    hashes = (error_hash(cleaned(each)) for each in messages_of(errors, message))
    return tuple(dict.fromkeys(group_id(owner_id, each) for each in hashes))
