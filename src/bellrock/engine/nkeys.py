"""The keys and signed words by which NATS lets somebody else decide who may connect.

A key's text is a prefix for what it is, the public Ed25519 key, and a checksum, in base 32. A word (JWT) has
NATS' own algorithm name; its content is JSON.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SEED_BYTES = 32
_ACCOUNT = 0  # what the key is, in the upper five bits of the first byte
_POLYNOMIAL = 0x1021
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


def open_issuer(seed_file: Path) -> "Issuer":
    """The issuer of a data folder; its seed is made when missing, readable by its owner only."""
    try:
        descriptor = os.open(seed_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Issuer(seed_file.read_bytes())
    with os.fdopen(descriptor, "wb") as file:
        seed = secrets.token_bytes(_SEED_BYTES)
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())
    return Issuer(seed)


class Issuer:
    """Who signs: an account key made of a 32-byte seed that never leaves the control plane."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> str:
        """The key's text, as nats-server's configuration names its issuer."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        payload = bytes([_ACCOUNT << 3]) + raw
        return base64.b32encode(payload + _checksum(payload)).decode().rstrip("=")

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as a signed word."""
        content = f"{_part(_HEADER)}.{_part({**claims, 'iss': self.public})}"
        return f"{content}.{_text(self._key.sign(content.encode()))}"


def read_claims(word: str) -> dict[str, Any]:
    """What a word says. Its signature is not looked at: for words of our own server.

    Raises ValueError for anything else.
    """
    parts = word.split(".")
    if len(parts) != len(("header", "claims", "signature")):
        raise ValueError("not a signed word of NATS")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("not a signed word of NATS")  # noqa: TRY004 - whatever it is, it is no word
    return claims


def _part(content: Mapping[str, Any]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _checksum(payload: bytes) -> bytes:
    value = 0
    for byte in payload:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ _POLYNOMIAL if value & 0x8000 else value << 1) & 0xFFFF
    return value.to_bytes(2, "little")
