"""The command line as a person uses it: in a terminal of its own, Ctrl+C included."""

import signal
from pathlib import Path
from typing import TypeAlias

import pexpect

from tests.system.dev_server import BELLROCK, DevServer

Terminal: TypeAlias = "pexpect.spawn[str]"  # generic in its stubs only
ANSWER_S = 60


def in_terminal(dev: DevServer, project: Path, *words: str) -> Terminal:
    """A command, in a terminal that is wide enough for every line."""
    return pexpect.spawn(
        str(BELLROCK),
        list(words),
        cwd=project,
        env={**dev.environment(project), "TERM": "xterm-256color"},
        timeout=ANSWER_S,
        dimensions=(50, 400),
        encoding="utf-8",
        preexec_fn=as_in_a_terminal,
    )


def as_in_a_terminal() -> None:
    """Who runs these tests in the background has SIGINT ignored, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def session_of(terminal: Terminal) -> str:
    """The id of the session that the command says it started."""
    terminal.expect(r"Session ([0-9a-f-]{36})")
    return str(terminal.match.group(1))  # type: ignore[union-attr]  # `expect` has just matched


def exit_code(terminal: Terminal) -> int | None:
    """Wait for the command's end."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus
