"""`bellrock sessions`: list, show, watch and cancel sessions of both kinds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from bellrock.cli.credentials import find_credentials
from bellrock.cli.display import Display
from bellrock.cli.exits import FAILURE, OK
from bellrock.cli.follow import Following, follow_session, read_report
from bellrock.cli.reporters.json_report import render_json
from bellrock.cli.reporters.words import SIGNS, STYLES, closing_lines, counts_words, id_column
from bellrock.cli.terminal import new_console
from bellrock.client.api import BellrockClient, connect
from bellrock.client.errors import ApiError
from bellrock.client.models import Session
from bellrock.client.sessions import CheckSessions, TestSessions

app = App(name="sessions", help="List, show, watch and cancel sessions.")

Status = Literal["running", "passed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class _Line:
    """A session of either kind, as a line of the list."""

    id: UUID
    kind: str
    name: str
    status: str
    started_at: datetime


@app.command(name="list")
async def list_sessions(
    *,
    limit: Annotated[int, Parameter(("--limit", "-l"))] = 20,
    status: Annotated[list[Status] | None, Parameter(("--status", "-s"), negative="")] = None,
    search: str | None = None,
    cursor: str | None = None,
    kind: Literal["test", "check", "all"] = "all",
) -> int:
    """List sessions, newest first.

    Parameters
    ----------
    limit
        Sessions on a page, of each kind (1 to 100).
    status
        Only test sessions that stand like this; may be repeated.
    search
        Only test sessions with this text (3 characters or more).
    cursor
        Where the page before ended; needs --kind.
    kind
        test, check or all. Filters know test sessions only.
    """
    filtered = bool(status or search)
    lines: list[_Line] = []
    next_ids: list[str] = []
    async with connect(find_credentials().server) as client:
        if kind != "check" or filtered:
            filters = {"statuses": [word.upper() for word in status or ()] or None, "textSearch": search}
            page = await client.test_sessions.list(limit=limit, next_id=cursor, filters=filters)
            lines += [_Line(one.id, "test", one.name, one.status, one.started_at) for one in page.entries]
            next_ids += [page.next_id] if page.next_id else []
        if kind != "test" and not filtered:
            checks = await client.check_sessions.list(limit=limit, next_id=cursor)
            lines += [_Line(one.id, "check", one.name, one.status, one.started_at) for one in checks.entries]
            next_ids += [checks.next_id] if checks.next_id else []
    lines.sort(key=lambda line: line.started_at, reverse=True)
    table = Table(id_column("id"), "kind", "status", "name", "started", box=None, pad_edge=False)
    for line in lines:
        word = line.status.lower()
        started = line.started_at.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(line.id), line.kind, Text(word, STYLES.get(word, "")), Text(line.name), started)
    new_console().print(table if lines else "No sessions.")
    if kind != "all":
        for next_id in next_ids:
            print(f"More: --kind {kind} --cursor {next_id}")
    return OK


@app.command
async def get(
    session_id: UUID,
    /,
    *,
    output: Annotated[Literal["table", "json"], Parameter(("--output", "-o"))] = "table",
) -> int:
    """Show one session: its runs, failures and receipts.

    Parameters
    ----------
    session_id
        A test session or a check session.
    output
        table for people, json for programs.
    """
    async with connect(find_credentials().server) as client:
        sessions, session = await find_session(client, session_id)
        report = await read_report(sessions, session, complete=session.stopped_at is not None)
    if output == "json":
        print(render_json(report), end="")
        return OK
    console = new_console()
    console.print(Text(f"{session.name}: {session.status}", "bold"))
    table = Table(
        "", "check", "location", "outcome", "tests", id_column("sequence id"), box=None, pad_edge=False
    )
    for run in report.runs:
        tests = counts_words(run.counts) if run.counts and run.counts.total else ""
        word = Text(run.word, STYLES.get(run.word, ""))
        row = run.row
        table.add_row(
            SIGNS[run.word], Text(row.name), row.run_location, word, tests, str(row.sequence_id or "")
        )
    console.print(table)
    for style, line in closing_lines(report):
        console.print(Text(line, style), soft_wrap=True)
    return OK


@app.command
async def watch(session_id: UUID, /) -> int:
    """Show a session until it is over. Ctrl+C leaves; the session goes on.

    Parameters
    ----------
    session_id
        A test session or a check session.
    """
    async with connect(find_credentials().server) as client:
        sessions, session = await find_session(client, session_id)
        following = Following(session.id, cancel_on_interrupt=False)
        with Display(new_console(), style="list") as display:
            report = await follow_session(sessions, following, display)
    return FAILURE if report.has_failures else OK


@app.command
async def cancel(
    session_id: UUID,
    /,
    *,
    run: Annotated[list[UUID] | None, Parameter(("--run", "--sequence-id"), negative="")] = None,
) -> int:
    """Ask for the end of a session, or of single runs of it.

    Parameters
    ----------
    session_id
        A test session or a check session.
    run
        Only the run with this sequence id; may be repeated.
    """
    async with connect(find_credentials().server) as client:
        sessions, session = await find_session(client, session_id)
        known = {row.sequence_id for row in session.results}
        for one in run or ():
            if one not in known:
                print(f"Run {one} is not one of this session's: ignored.")
        await sessions.cancel(session.id, sequence_ids=run or ())
    meant = f"{len(run)} run{'s' if len(run) != 1 else ''}" if run else "all runs that can be cancelled"
    print(f"Cancel of {meant} accepted. `bellrock sessions watch {session_id}` shows how it ends.")
    return OK


async def find_session(
    client: BellrockClient, session_id: UUID
) -> tuple[TestSessions | CheckSessions, Session]:
    """The session of either kind. Raises ApiError (404) where there is none."""
    try:
        return client.test_sessions, await client.test_sessions.get(session_id)
    except ApiError as refusal:
        if not refusal.is_not_found:
            raise
    return client.check_sessions, await client.check_sessions.get(session_id)
