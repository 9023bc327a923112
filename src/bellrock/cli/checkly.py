"""`bellrock checkly -- …`: a project's own `checkly` command, led to a Bellrock server."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.client.api import connect
from bellrock.client.transport import Server
from bellrock.domain.errors import Invalid
from bellrock.resources import checkly_preload

_PROGRAM = "checkly"
_PLACE = Path("node_modules", ".bin", _PROGRAM)


async def checkly(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run the `checkly` command of this project against the Bellrock server; what follows `--` is its own.

    It is the command that is installed here (`npm install --save-dev checkly`), and it is not changed.

    Parameters
    ----------
    words
        What the command is called with, such as `test --record`.
    """
    program = find_program(Path.cwd())
    server = find_credentials().server
    account_id = server.account_id or await _only_account(server)
    environment = checkly_environment(os.environ, server, account_id)
    # In our place: signals and the exit code are the command's own.
    os.execve(program, [str(program), *words], environment)  # noqa: S606


def find_program(folder: Path) -> Path:
    """The command that is installed in the folder or above it, else the machine's. Raises Invalid."""
    for place in (folder, *folder.parents):
        if (place / _PLACE).is_file():
            return place / _PLACE
    found = shutil.which(_PROGRAM)
    if found is None:
        raise Invalid(f"There is no {_PROGRAM} command in {folder} or above: npm install --save-dev checkly.")
    return Path(found)


def checkly_environment(own: Mapping[str, str], server: Server, account_id: UUID) -> dict[str, str]:
    """The command's environment. What somebody has set for its mode and its news stays.

    ``local`` is the one environment whose API it lets be chosen; that of its events it does not, so a
    script that Node loads first leads that connection here.
    """
    preload = f"--require={checkly_preload()}"
    defaults = {"CHECKLY_SKIP_NEW_VERSION_CHECK": "true"}
    return {
        **defaults,
        **own,
        "CHECKLY_ENV": "local",
        "CHECKLY_API_URL": server.url,
        "CHECKLY_API_KEY": server.api_key,
        "CHECKLY_ACCOUNT_ID": str(account_id),
        "CHECKLY_EVENTS_URL": server.url.replace("http", "ws", 1),
        "NODE_OPTIONS": " ".join(filter(None, (own.get("NODE_OPTIONS"), preload))),
    }


async def _only_account(server: Server) -> UUID:
    async with connect(server) as client:
        accounts = await client.accounts.accounts()
    if len(accounts) != 1:
        raise Invalid("The key is for more than one account: set BELLROCK_ACCOUNT_ID.")
    return accounts[0].id
