"""Secrets at rest: encrypted with a key that lives in the data folder, never in the database."""

import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken


class Vault:
    """Seals and opens texts. What was sealed under another key raises ValueError when opened."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, content: object) -> str:
        """Any JSON value as an opaque text."""
        return self._fernet.encrypt(json.dumps(content).encode()).decode()

    def open(self, sealed: str) -> object:
        """The JSON value again."""
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise ValueError("sealed under another key: is this the database of this data folder?") from error


def new_key() -> bytes:
    """A fresh key."""
    return Fernet.generate_key()


def open_vault(key_file: Path) -> Vault:
    """The vault of a data folder; its key file is made when missing, readable by its owner only."""
    try:
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Vault(key_file.read_bytes().strip())
    with os.fdopen(descriptor, "wb") as file:
        key = new_key()
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return Vault(key)
