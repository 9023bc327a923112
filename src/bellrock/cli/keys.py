"""`bellrock keys`: list, create and revoke API keys."""

from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import OK
from bellrock.cli.reporters.words import id_column
from bellrock.cli.terminal import new_console
from bellrock.client.api import connect
from bellrock.domain.access import Role

app = App(name="keys", help="List, create and revoke API keys.")


@app.command(name="list")
async def list_keys() -> int:
    """List the account's keys."""
    async with connect(find_credentials().server) as client:
        keys = await client.accounts.keys()
    table = Table(id_column("id"), "name", "kind", "role", "begins with", box=None, pad_edge=False)
    for key in keys:
        table.add_row(str(key.id), Text(key.name), key.kind, key.role, key.hint)
    new_console().print(table)
    return OK


@app.command
async def create(
    name: str,
    /,
    *,
    role: Annotated[Role, Parameter(("--role", "-r"))] = Role.READ_RUN,
    kind: Literal["user", "service"] = "service",
) -> int:
    """Create a key and print it, this once.

    Parameters
    ----------
    name
        What the key is for.
    role
        What it may do.
    kind
        user keys act as a person, service keys as a machine.
    """
    async with connect(find_credentials().server) as client:
        key = await client.accounts.create_key(name=name, kind=kind, role=role)
    print(f"Key {key.name} ({key.role}), shown this once:")
    print(key.secret)
    return OK


@app.command
async def revoke(key_id: UUID, /) -> int:
    """Delete a key: from now on it opens nothing.

    Parameters
    ----------
    key_id
        As `keys list` shows it.
    """
    async with connect(find_credentials().server) as client:
        await client.accounts.revoke_key(key_id)
    print(f"Key {key_id} is revoked.")
    return OK
