"""The second half of `test`, `trigger` and `pw-test`: a session has begun; show it, report it, exit."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rich.console import Console

from bellrock.cli.display import Display, Style
from bellrock.cli.exits import FAILURE, OK
from bellrock.cli.follow import Following, Sessions, follow_session
from bellrock.cli.report import SessionReport
from bellrock.cli.reporters.github import render_annotations, render_summary
from bellrock.cli.reporters.json_report import render_json
from bellrock.cli.reporters.junit import render_junit
from bellrock.cli.run_options import RunOptions
from bellrock.cli.terminal import new_console
from bellrock.client.api import BellrockClient
from bellrock.client.errors import OddAnswer
from bellrock.client.models import StartedRuns

_RENDER = {"json": render_json, "junit": render_junit}
_FILE_NAMES = {"json": "bellrock.json", "junit": "bellrock.xml"}
_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class RunStyle:
    """What differs between the commands."""

    timeout_s: float
    stream_logs: bool = False


async def conclude(client: BellrockClient, started: StartedRuns, options: RunOptions, style: RunStyle) -> int:
    """Follow a session that has begun, unless told to detach. The exit code of the command."""
    if options.detach:
        return await _leave(client, started)
    sessions, session_id = _where(client, started)
    following = Following(session_id, timeout_s=options.timeout_s or style.timeout_s)
    with Display(console_for(options), style=_style(options), stream_logs=style.stream_logs) as display:
        report = await follow_session(sessions, following, display)
    write_reports(report, options)
    return OK if report.complete and not report.has_failures else FAILURE


def _where(client: BellrockClient, started: StartedRuns) -> tuple[Sessions, UUID]:
    if started.test_session_id is not None:
        return client.test_sessions, started.test_session_id
    if started.unrecorded_session_id is not None:
        return client.unrecorded_sessions, started.unrecorded_session_id
    raise OddAnswer("The server started the session and did not say how to wait for it.")


async def _leave(client: BellrockClient, started: StartedRuns) -> int:
    if started.test_session_id is None:
        print("Started; it is not recorded, so there is nothing to look it up by.")
        return OK
    session = await client.test_sessions.get(started.test_session_id)
    print(f"Session {session.id}  {session.link}")
    print(f"It goes on without this terminal: `bellrock sessions watch {session.id}` follows it.")
    return OK


def console_for(options: RunOptions) -> Console:
    """Where people read: standard output, unless a report for programs goes there."""
    to_stdout = options.output is None and bool({"json", "junit"} & set(options.reporters))
    return new_console(stderr=to_stdout or "github" in options.reporters)


def _style(options: RunOptions) -> Style:
    if "list" in options.reporters:
        return "list"
    return "dot" if "dot" in options.reporters else "none"


def write_reports(report: SessionReport, options: RunOptions) -> None:
    """Write what the reporters for programs say."""
    chosen = [name for name in options.reporters if name in _RENDER]
    for name in chosen:
        text = _RENDER[name](report)
        if options.output is None:
            sys.stdout.write(text)
            continue
        path = options.output / _FILE_NAMES[name] if len(chosen) > 1 else options.output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if "github" in options.reporters:
        sys.stdout.write(render_annotations(report))
        summary = os.environ.get(_STEP_SUMMARY)
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(render_summary(report))
    sys.stdout.flush()
