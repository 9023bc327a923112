"""Whom the command line acts for: environment, then the stored login, then a local dev server's file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bellrock.client.transport import Server
from bellrock.domain.errors import BellrockError

URL = "BELLROCK_URL"
API_KEY = "BELLROCK_API_KEY"
ACCOUNT_ID = "BELLROCK_ACCOUNT_ID"
CONFIG = "BELLROCK_CONFIG"
DEFAULT_URL = "http://127.0.0.1:3000"
DEV_FILE = Path(".bellrock") / "credentials.json"

_OWNER_ONLY = 0o600


class NoCredentials(BellrockError):
    """There is no server or key to use, or what is written down about them is not usable."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A server, and where its address and key came from."""

    server: Server
    source: str


def config_file(environ: Mapping[str, str]) -> Path:
    """Where `login` stores credentials: BELLROCK_CONFIG, or below XDG_CONFIG_HOME."""
    if environ.get(CONFIG):
        return Path(environ[CONFIG])
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config"
    return Path(home) / "bellrock" / "credentials.json"


def find_credentials(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Credentials:
    """The credentials to use. The environment decides value by value, the files as a whole.

    Raises:
        NoCredentials: nothing says a key; the message lists the ways.
    """
    environ = os.environ if environ is None else environ
    stored, source = _stored(environ, folder or Path.cwd())
    key = environ.get(API_KEY) or stored.get("api_key", "")
    if not key:
        message = (
            f"No API key: set {URL} and {API_KEY}, run `bellrock login`, "
            f"or go to a folder where `bellrock dev` keeps its data ({DEV_FILE})."
        )
        raise NoCredentials(message)
    url = environ.get(URL) or stored.get("url") or DEFAULT_URL
    account = environ.get(ACCOUNT_ID) or ("" if environ.get(API_KEY) else stored.get("account_id", ""))
    source = "the environment" if environ.get(API_KEY) else source
    return Credentials(Server(_checked_url(url), key, _account(account)), source)


def store_credentials(path: Path, server: Server) -> None:
    """Write the login file, readable by its owner only from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"url": server.url, "api_key": server.api_key}
    if server.account_id is not None:
        content["account_id"] = str(server.account_id)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    temporary.replace(path)


def _stored(environ: Mapping[str, str], folder: Path) -> tuple[dict[str, str], str]:
    for path in (config_file(environ), folder / DEV_FILE):
        if path.is_file():
            return _read(path), str(path)
    return {}, "nothing"


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): str(value) for key, value in content.items() if value is not None}
    except (OSError, ValueError, AttributeError) as error:
        raise NoCredentials(f"{path} cannot be read: {error}") from error


def _checked_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise NoCredentials(f"{url!r} is not an address of a server: it must begin with http:// or https://.")
    return url.rstrip("/")


def _account(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise NoCredentials(f"{ACCOUNT_ID} must be a UUID.") from error
