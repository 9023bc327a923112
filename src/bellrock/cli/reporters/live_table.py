"""The table that a terminal shows while a session goes on: a row per run."""

from rich.table import Table
from rich.text import Text

from bellrock.cli.board import Board, RunBoard
from bellrock.cli.reporters.words import SIGNS, STYLES, test_name


def live_table(board: Board) -> Table:
    """The session as it stands, drawn anew for every refresh."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim", expand=True)
    table.add_column("", width=1)
    table.add_column("check", no_wrap=True, ratio=2)
    table.add_column("location", no_wrap=True)
    table.add_column("stage", no_wrap=True)
    for heading in ("passed", "failed", "running", "tests"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("now", no_wrap=True, overflow="ellipsis", ratio=3)
    for run in board.runs.values():
        _add(table, run)
    return table


def _add(table: Table, run: RunBoard) -> None:
    counts, stage = run.counts, run.stage
    style = "magenta" if stage == "cancelling" else STYLES.get(stage, "")
    now = run.running_tests
    current = test_name(now[0]) + (f" (+{len(now) - 1})" if len(now) > 1 else "") if now else ""
    table.add_row(
        Text(SIGNS.get(stage, "…"), style),
        Text(run.row.name),
        Text(run.row.run_location),
        Text(stage, style),
        Text(str(counts.passed), "green" if counts.passed else "dim"),
        Text(str(counts.failed), "red" if counts.failed else "dim"),
        Text(str(counts.running), "" if counts.running else "dim"),
        Text(str(counts.total), "dim"),
        Text(current, "dim"),
    )
