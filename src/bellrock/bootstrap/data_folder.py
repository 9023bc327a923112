"""The data folder of one installation: who may use it, and what lies where in it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bellrock.bootstrap.errors import CannotStart


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below the data folder."""

    path: Path

    @property
    def database_url(self) -> str:
        """The SQLite database."""
        return f"sqlite:///{self.path / 'bellrock.sqlite'}"

    @property
    def artifacts(self) -> Path:
        """Bundles and files of runs."""
        return self.path / "artifacts"

    @property
    def nats(self) -> Path:
        """The embedded nats-server's configuration, log and store."""
        return self.path / "nats"

    @property
    def runner(self) -> Path:
        """The runner's run folders and caches."""
        return self.path / "runner"

    @property
    def secret_key(self) -> Path:
        """The key that secrets of checks are encrypted with."""
        return self.path / "secret.key"

    @property
    def issuer_seed(self) -> Path:
        """The seed of the key by which NATS knows that we decide who may connect."""
        return self.path / "nats-issuer.seed"

    @property
    def credentials(self) -> Path:
        """The first account's credentials, readable by the owner only."""
        return self.path / "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The first account's id and API key."""

    account_id: UUID
    api_key: str


@contextmanager
def opened(path: Path) -> Iterator[DataFolder]:
    """The folder, made when missing, and locked against a second Bellrock while the block runs.

    :raises CannotStart: it is in use, or cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (path / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"the data folder {path} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another Bellrock uses the data folder {path}: stop it, or choose another --data-dir"
            raise CannotStart(message) from error
        yield DataFolder(path)


def read_credentials(path: Path) -> Credentials | None:
    """What an earlier start wrote, or None.

    :raises CannotStart: the file cannot be understood.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        return Credentials(UUID(content["account_id"]), str(content["api_key"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} cannot be read ({error}): mend it, or remove it and preset BELLROCK_API_KEY"
        raise CannotStart(message) from error


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Keep the credentials, so that a later start can show them again."""
    content = {"account_id": str(credentials.account_id), "api_key": credentials.api_key}
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    partial.rename(path)
