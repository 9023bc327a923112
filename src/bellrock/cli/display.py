"""What the terminal shows while a session goes on: lines or dots, and a live table where it can be drawn."""

from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bellrock.cli.board import Board, Happening, Printed, RunEnded, StageChanged, SuiteFailed, TestFinished
from bellrock.cli.report import SessionReport
from bellrock.cli.reporters.live_table import live_table
from bellrock.cli.reporters.words import SIGNS, STYLES, closing_lines, run_line, test_name

Style = Literal["list", "dot", "none"]

REFRESH_S = 0.2
_MILLISECONDS = 1000


class Display:
    """Shows one session to a person. Use it as a context manager: it gives the terminal back.

    ``stream_logs`` prints what the suite prints, instead of a line per test.
    """

    def __init__(self, console: Console, *, style: Style, stream_logs: bool = False) -> None:
        self.console = console
        self._style = style
        self._stream_logs = stream_logs
        self._live: Live | None = None
        self._board: Board | None = None
        self._in_dots = False

    def __enter__(self) -> Self:
        """Nothing is drawn before `begin`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the table away and show the cursor again."""
        self._stop_table()

    def begin(self, board: Board) -> None:
        """The session is known."""
        self._board = board
        session = board.session
        self.note(f"Session {session.id}  {session.link}" if session.link else "Session without a record")
        if self._style == "list" and self.console.is_terminal:
            # Drawn from the event loop only: the board must not change under a drawing thread.
            self._live = Live(
                live_table(board),
                console=self.console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
            )
            self._live.start()

    def refresh(self) -> None:
        """Draw the table anew."""
        if self._live is not None and self._board is not None:
            self._live.update(live_table(self._board), refresh=True)

    def note(self, text: str, style: str = "") -> None:
        """One line for the person, above the table."""
        self._end_dots()
        self.console.print(Text(text, style), soft_wrap=True)

    def show(self, news: Happening) -> None:
        """Something happened."""
        if self._style == "none":
            return
        if self._style == "dot":
            self._show_dot(news)
            return
        match news:
            case StageChanged(run, stage):
                self.note(f"  {run.row.name} at {run.row.run_location}: {stage}", "dim")
            case TestFinished(run, test) if not self._stream_logs:
                line = f"  {SIGNS[test.status]} {run.row.run_location} {test_name(test)}"
                self.note(f"{line} ({test.duration_ms / _MILLISECONDS:.1f}s)", STYLES.get(test.status, ""))
            case SuiteFailed(run, message):
                self.note(f"  ✗ {run.row.run_location} {message}", "red")
            case Printed(run, text) if self._stream_logs:
                self.note(f"  {run.row.run_location} | {text.rstrip()}")
            case RunEnded(run):
                self.note(run_line(run), STYLES.get(run.stage, ""))
            case _:
                pass

    def end(self, report: SessionReport) -> None:
        """The session is over, or we stopped waiting: the last words."""
        self._stop_table()
        if self._style == "none":
            return
        for style, line in closing_lines(report):
            self.note(line, style)

    def _show_dot(self, news: Happening) -> None:
        if not isinstance(news, TestFinished):
            return
        sign = {"failed": "F", "flaky": "±", "skipped": "-", "interrupted": "⊘"}.get(news.test.status, "·")
        self.console.print(Text(sign, STYLES.get(news.test.status, "")), end="")
        self._in_dots = True

    def _end_dots(self) -> None:
        if self._in_dots:
            self.console.print()
            self._in_dots = False

    def _stop_table(self) -> None:
        self._end_dots()
        if self._live is not None:
            self._live.stop()
            self._live = None
