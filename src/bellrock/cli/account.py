"""`bellrock login` and `bellrock whoami`."""

import asyncio
import os
import sys
from getpass import getpass
from uuid import UUID

from bellrock.cli.credentials import DEFAULT_URL, config_file, find_credentials, store_credentials
from bellrock.client.api import connect
from bellrock.client.errors import ApiError
from bellrock.client.transport import Server
from bellrock.domain.errors import Invalid


def login(*, url: str | None = None, account_id: UUID | None = None) -> int:
    """Store a server's address and an API key on this machine, after trying them.

    The key is asked for without an echo, or read from standard input when that is no terminal.

    Parameters
    ----------
    url
        Address of the server.
    account_id
        The account to act in; the key's own when left out.
    """
    is_terminal = sys.stdin.isatty()
    if url is None:
        url = (input(f"Server [{DEFAULT_URL}]: ").strip() if is_terminal else "") or DEFAULT_URL
    key = (getpass("API key: ") if is_terminal else sys.stdin.readline()).strip()
    if not key:
        raise Invalid(
            "An API key is needed: create one with `bellrock keys create`, or use `bellrock dev`'s."
        )
    if not url.startswith(("http://", "https://")):
        raise Invalid(f"url must begin with http:// or https://, not {url!r}.")
    server = Server(url.rstrip("/"), key, account_id)
    who = asyncio.run(_who(server))
    path = config_file(os.environ)
    store_credentials(path, server)
    print(f"{who}\nStored in {path}.")
    return 0


async def whoami() -> int:
    """Say who the key is, in which account and on which server."""
    found = find_credentials()
    print(await _who(found.server))
    print(f"Server {found.server.url}, key from {found.source}.")
    return 0


async def _who(server: Server) -> str:
    async with connect(server) as client:
        user = await client.accounts.me()
        accounts = await client.accounts.accounts()
    mine = next((a for a in accounts if server.account_id in (None, a.id)), None)
    if mine is None:
        raise ApiError(f"The key cannot act in account {server.account_id}.", status=403)
    role = f" ({user.role})" if user.role else ""
    return f"{user.name}{role} in account {mine.name} {mine.id}"
