"""The console that commands print to. In a terminal tables fit its width; in a pipe no cell is folded."""

import sys

from rich.console import Console

_PIPE_WIDTH = 1_000


def new_console(*, stderr: bool = False) -> Console:
    """A console on standard output, or standard error."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if is_terminal else _PIPE_WIDTH)
