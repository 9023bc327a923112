"""`bellrock checks`: list, show and run deployed checks."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import FAILURE, OK
from bellrock.cli.follow import read_report
from bellrock.cli.receipt_line import receipt_line
from bellrock.cli.reporters.words import SIGNS, STYLES, counts_words, id_column
from bellrock.cli.run_options import tag_groups
from bellrock.cli.terminal import new_console
from bellrock.client.api import BellrockClient, connect
from bellrock.client.errors import ApiError
from bellrock.client.models import CheckInfo, Session

app = App(name="checks", help="List, show and run deployed checks.")

TIMEOUT_S = 600.0
# DEGRADED passes: the target answered, late.
_BAD_ENDS = frozenset({"FAILED", "TIMED_OUT", "CANCELLED"})
_AT_ONCE = 10


@app.command(name="list")
async def list_checks(
    *,
    limit: Annotated[int, Parameter(("--limit", "-l"))] = 25,
    page: Annotated[int, Parameter(("--page", "-p"))] = 1,
    search: Annotated[str | None, Parameter(("--search", "-s"))] = None,
    tag: Annotated[list[str] | None, Parameter(("--tag", "-t"), negative="")] = None,
    type_: Annotated[str | None, Parameter("--type")] = None,
) -> int:
    """List deployed checks.

    Parameters
    ----------
    limit
        Checks on a page (1 to 100).
    page
        Which page.
    search
        Only checks whose name holds this text.
    tag
        Only checks with this tag.
    type_
        Only checks of this type, such as PLAYWRIGHT or URL.
    """
    async with connect(find_credentials().server) as client:
        found = await client.checks.list(
            page=page,
            limit=limit,
            search=search,
            tags=tag or (),
            check_type=type_.upper() if type_ else None,
        )
    table = Table(id_column("id"), "name", "type", "locations", "tags", "every", box=None, pad_edge=False)
    for check in found:
        table.add_row(str(check.id), Text(check.name), check.check_type, *_columns(check))
    new_console().print(table if found else "No checks.")
    return OK


def _columns(check: CheckInfo) -> tuple[Text, Text, str]:
    every = "off" if not check.activated else f"{check.frequency} min" if check.frequency else ""
    return Text(", ".join(check.locations)), Text(", ".join(check.tags)), every


@app.command
async def get(check_id: UUID, /) -> int:
    """Show one check."""
    async with connect(find_credentials().server) as client:
        check = await client.checks.get(check_id)
    locations, tags, every = _columns(check)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in (
        ("id", str(check.id)),
        ("name", check.name),
        ("type", check.check_type),
        ("locations", locations.plain),
        ("tags", tags.plain),
        ("runs every", every),
        ("at once everywhere", "yes" if check.run_parallel else "no"),
        ("muted", "yes" if check.muted else "no"),
    ):
        table.add_row(name, Text(value))
    new_console().print(table)
    return OK


@app.command
async def run(
    *,
    tags: Annotated[list[str] | None, Parameter(("--tags", "-t"), negative="")] = None,
    check_id: Annotated[list[UUID] | None, Parameter(negative="")] = None,
    refresh_cache: Annotated[bool, Parameter(negative="")] = False,
    timeout_s: Annotated[float, Parameter("--timeout")] = TIMEOUT_S,
    detach: Annotated[bool, Parameter(("--detach", "-d"), negative="")] = False,
    fail_on_no_matching: bool = True,
) -> int:
    """Start a check session of each check meant, and wait for their ends.

    Exits with 1 if a session ends FAILED, TIMED_OUT or CANCELLED. Ctrl+C leaves; sessions go on.

    Parameters
    ----------
    tags
        Only checks with these tags: a comma means AND, a repeated option OR, `!tag` not.
    check_id
        Only these checks; may be repeated.
    refresh_cache
        Install dependencies anew.
    timeout_s
        Seconds to wait.
    detach
        Start the sessions, say their ids and leave.
    fail_on_no_matching
        Whether it is a failure that no check is meant.
    """
    target: dict[str, object] = {}
    if tags:
        target["matchTags"] = [list(group) for group in tag_groups(tags)]
    if check_id:
        target["checkId"] = [str(one) for one in check_id]
    async with connect(find_credentials().server) as client:
        try:
            begun = await client.check_sessions.trigger({"target": target, "refreshCache": refresh_cache})
        except ApiError as refusal:
            if not refusal.is_not_found:
                raise
            print(refusal.message)
            return FAILURE if fail_on_no_matching else OK
        for session in begun:
            print(f"Session {session.id}  {session.name}  {session.link}")
        return OK if detach else await _wait(client, begun, timeout_s)


async def _wait(client: BellrockClient, begun: Sequence[Session], timeout_s: float) -> int:
    at_once = asyncio.Semaphore(_AT_ONCE)
    console = new_console()

    async def wait(session: Session) -> bool:
        async with at_once:
            done = await client.check_sessions.completion(session.id)
            await _print_end(client, console, done)
            return done.status not in _BAD_ENDS

    try:
        async with asyncio.timeout(timeout_s):
            good = await asyncio.gather(*(wait(session) for session in begun))
    except TimeoutError:
        console.print(f"Reached the timeout of {timeout_s:.0f} s; the sessions go on.", style="red")
        return FAILURE
    return OK if all(good) else FAILURE


async def _print_end(client: BellrockClient, console: Console, session: Session) -> None:
    report = await read_report(client.check_sessions, session)
    console.print(Text(f"{session.name}: {session.status}", "bold"), soft_wrap=True)
    for one in report.runs:
        tests = f" ({counts_words(one.counts)})" if one.counts and one.counts.total else ""
        reason = f": {one.reason}" if one.reason else ""
        line = f"  {SIGNS[one.word]} {one.row.run_location} {one.word}{tests}{reason}"
        console.print(Text(line, STYLES.get(one.word, "")), soft_wrap=True)
        if one.receipt is not None:
            console.print(Text(f"    {receipt_line(one.receipt)}"), soft_wrap=True)
