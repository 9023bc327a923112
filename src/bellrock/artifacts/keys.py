"""Where objects are kept, and which names of files are safe. Every key is made here."""

import re
from uuid import UUID

from bellrock.domain.errors import Invalid
from bellrock.domain.specs import SNAPSHOT_SUFFIX

_LONGEST_NAME = 512
_LONGEST_PART = 200
_BUNDLE = re.compile(r"^[0-9a-f]{64}\.tar\.gz$")
# LocalStore gives files such names while they are written, and takes no such key: see `store`.
_LIKE_HALF_WRITTEN = re.compile(r"#\d+_*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")

_SNAPSHOT = re.compile(r"^[0-9a-f]{64}\.snapshot$")

EVENTS = "events.ndjson"
"""The file of a run that holds its live events, one JSON object a line."""


def bundle_key(sha256: str) -> str:
    """The public key of a bundle with this content."""
    return f"{sha256}.tar.gz"


def snapshot_key(sha256: str) -> str:
    """The public key of a snapshot with this content. It is kept where bundles are."""
    return f"{sha256}{SNAPSHOT_SUFFIX}"


def is_snapshot_key(key: str) -> bool:
    """Whether a text can be the key of a snapshot."""
    return _SNAPSHOT.match(key) is not None


def is_bundle_key(key: str) -> bool:
    """Whether a text can be the key of a bundle."""
    return _BUNDLE.match(key) is not None


def of_bundle(key: str) -> str:
    """Where a bundle, or a snapshot, is kept. The same content of two accounts is one object."""
    return f"bundles/{key}"


UPLOADS = "uploads"
"""What lies below waits for its content, and so its key, to be known."""


def of_upload(upload_id: UUID) -> str:
    """Where a bundle waits until its content, and so its key, is known."""
    return f"{UPLOADS}/{upload_id}"


def files_of_run(run_id: UUID) -> str:
    """What the keys of all files of a run begin with."""
    return f"runs/{run_id}"


def of_run(run_id: UUID, attempt: int, name: str) -> str:
    """Where a file of an attempt is kept."""
    # Names of another kind stay as they are, so no two names have one key.
    last = "_" if _LIKE_HALF_WRITTEN.search(name) else ""
    return f"{files_of_run(run_id)}/{attempt}/{name}{last}"


def safe_name(name: str) -> str:
    """The name, if it is a plain relative path. Raises Invalid otherwise."""
    parts = name.split("/")
    unsafe = (
        len(name.encode()) > _LONGEST_NAME
        or _CONTROL.search(name) is not None
        or any(part in {"", ".", ".."} or len(part.encode()) > _LONGEST_PART for part in parts)
    )
    if unsafe:
        raise Invalid(
            f"artifact name {name[:80]!r}: use a relative path with '/' between its parts, without '.', "
            f"'..', empty parts and control characters, of at most {_LONGEST_NAME} bytes."
        )
    return name
