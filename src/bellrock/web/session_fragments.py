"""The parts of a session's page that can change, and which of them did.

A file of tests is drawn again only when one of its tests changed, so that a suite of thousands of
tests costs what its running tests cost.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.live import Progress
from bellrock.services.views import SessionView
from bellrock.web import live_swap, session_page
from bellrock.web.live_swap import Sent
from bellrock.web.render import fragment
from bellrock.web.routes.loading import TestsPanel, find_run, tests_panel
from bellrock.web.test_tree import Suite


class SessionDrawing:
    """Draws one reader's session page. ``now`` stays as it is: durations count on in the browser."""

    def __init__(self, principal: Principal, *, run_id: UUID, show: str, now: datetime) -> None:
        self._principal = principal
        self._run_id = run_id
        self._show = show
        self._now = now
        self._sent = Sent()
        self._shape: object = None
        self._suites: dict[str, Suite] = {}

    def changes(self, view: SessionView, progress: Mapping[UUID, Progress]) -> str:
        """The swaps that bring the page up to date; empty where nothing changed."""
        page = session_page.build(view, self._principal, progress=progress)
        run = find_run(view, self._run_id)
        tests = tests_panel(page, run, show=self._show, progress=progress.get(self._run_id))
        parts = {"session-head": fragment("_session.html", "head", page, self._now)}
        for row in page.rows:
            parts[f"run-{row.id}"] = fragment("_session.html", "run_row", page, row, self._now)
        parts["test-filters"] = fragment("_session.html", "test_filters", tests)
        return "\n".join(part for part in (self._sent.changed(parts), self._tests(tests)) if part)

    def _tests(self, tests: TestsPanel) -> str:
        shape = (tuple(suite.id for suite in tests.suites), tests.suite_errors, tests.empty)
        before, self._suites = self._suites, {suite.id: suite for suite in tests.suites}
        if shape != self._shape:
            self._shape = shape
            return live_swap.replace("tests", fragment("_session.html", "test_list", tests, self._now))
        swaps = [
            live_swap.replace(suite.id, fragment("_session.html", "suite_block", suite, self._now))
            for suite in tests.suites
            if before.get(suite.id) != suite
        ]
        return "\n".join(swaps)
