"""The parts of a run's page that can change, which of them did, and the new lines of its log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.live import LiveEvent, Progress, StageEntered
from bellrock.services.views import RunView, SessionView
from bellrock.web import live_swap, session_page
from bellrock.web.live_swap import Sent
from bellrock.web.render import fragment
from bellrock.web.routes.loading import find_run
from bellrock.web.run_page import RunDetail, log_lines

_LINES_PER_MESSAGE = 400

DrawDetail = Callable[[RunView, session_page.RunRow, Sequence[StageEntered]], RunDetail]


class RunDrawing:
    """Draws one reader's run page. ``after`` is the ``seq`` of the last event that is in its log."""

    def __init__(
        self, principal: Principal, *, run_id: UUID, after: int, now: datetime, draw_detail: DrawDetail
    ) -> None:
        self.after = after
        self._principal = principal
        self._run_id = run_id
        self._now = now
        self._draw_detail = draw_detail
        self._sent = Sent()
        self._stages: list[StageEntered] = []
        self._read = 0

    def new_lines(self, events: Sequence[LiveEvent]) -> Iterator[str]:
        """What the log grows by, in pieces that a browser takes without a pause."""
        new: list[LiveEvent] = []
        for event in events:
            if event.seq <= self._read:  # the run is executed again, from event 1
                self.after, self._stages = 0, []
            self._read = event.seq
            if isinstance(event, StageEntered):
                self._stages.append(event)
            if event.seq > self.after:
                new.append(event)
                self.after = event.seq
        lines = log_lines(new)
        for start in range(0, len(lines), _LINES_PER_MESSAGE):
            piece = lines[start : start + _LINES_PER_MESSAGE]
            yield live_swap.append("log", fragment("_run.html", "log_lines", piece))

    def changes(self, view: SessionView, progress: Mapping[UUID, Progress]) -> str:
        """The swaps that bring the rest of the page up to date; empty where nothing changed."""
        run = find_run(view, self._run_id)
        page = session_page.build(view, self._principal, progress=progress)
        row = session_page.build_row(run, self._principal, progress=progress.get(self._run_id))
        detail = self._draw_detail(run, row, self._stages)
        parts = {
            "run-head": fragment("_run.html", "head", page, row, self._now),
            "run-verdict": fragment("_run.html", "verdict", detail),
            "stages": fragment("_run.html", "stages", detail, self._now),
            "files": fragment("_run.html", "files", detail),
        }
        if row.has_tests:
            parts["run-tests"] = fragment("_run.html", "tests", page, detail)
        else:
            parts["run-result"] = fragment("_run.html", "result", detail)
        return self._sent.changed(parts)
