"""Loading what several pages show: a session of either kind by its id alone."""

from dataclasses import dataclass
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.checks import WITH_TESTS
from bellrock.domain.errors import NotFound
from bellrock.domain.live import Progress
from bellrock.domain.sessions import SessionKind
from bellrock.services.platform import Platform
from bellrock.services.read_sessions import get_session
from bellrock.services.views import RunView, SessionView
from bellrock.web import session_page, test_tree, words
from bellrock.web.session_page import SessionPage


@dataclass(frozen=True, slots=True)
class RunChoice:
    """A run whose tests can be shown."""

    id: UUID
    label: str
    badge: words.Badge


@dataclass(frozen=True, slots=True)
class TestsPanel:
    """The tests of the chosen run, filtered."""

    __test__ = False

    run_id: UUID
    show: str
    choices: tuple[RunChoice, ...]
    filters: tuple[tuple[str, int], ...]
    suites: tuple[test_tree.Suite, ...]
    suite_errors: tuple[test_tree.ShownError, ...]
    empty: str
    empty_icon: str


async def find_session(platform: Platform, principal: Principal, session_id: UUID) -> SessionView:
    """A session of either kind. Raises NotFound."""
    try:
        return await get_session(platform, principal, SessionKind.CHECK, session_id=session_id)
    except NotFound:
        return await get_session(platform, principal, SessionKind.TEST, session_id=session_id)


def find_run(view: SessionView, run_id: UUID) -> RunView:
    """A run of the session, by its id or by that of its result. Raises NotFound."""
    for run in view.runs:
        if run_id in (run.run.id, run.run.result_id):
            return run
    raise NotFound("This session has no such run.")


def is_settled(view: SessionView) -> bool:
    """Whether nothing of the session will change any more, late artifacts included."""
    finals = [run.final for run in view.runs]
    return view.is_final and all(final is None or final.evidence_complete for final in finals)


def chosen_run(view: SessionView, run_id: UUID | None) -> RunView:
    """The run whose tests are shown: the one asked for, else the first that has failures, else the first."""
    if run_id is not None:
        return find_run(view, run_id)
    failing = (run for run in view.runs if run.counts and run.counts.failed)
    return next(failing, view.runs[0])


def tests_panel(page: SessionPage, run: RunView, *, show: str, progress: Progress | None) -> TestsPanel:
    """The tree of tests of one run."""
    final = run.final
    tests = test_tree.tests_of(progress, final.test_list if final else (), is_final=run.run.is_final)
    counts = test_tree.count(test.status for _, _, test in tests)
    show = show if show in test_tree.FILTERS else "all"
    empty, icon = _empty(run, show, has_tests=bool(tests))
    return TestsPanel(
        run_id=run.run.id,
        show=show,
        choices=tuple(
            RunChoice(row.id, row.location if page.kind is SessionKind.CHECK else row.check_name, row.badge)
            for row in page.rows
        ),
        filters=session_page.visible_filters(counts, show),
        suites=test_tree.suites_of(tests, show=show),
        suite_errors=test_tree.shown_errors(progress.errors) if progress else (),
        empty=empty,
        empty_icon=icon,
    )


def _empty(run: RunView, show: str, *, has_tests: bool) -> tuple[str, str]:
    if has_tests:
        return f"No test is {show.replace('_', ' ')}.", "list-checks"
    if run.run.check_type not in WITH_TESTS:
        return "This check has no tests of its own: its result is on the run's page.", "activity"
    if run.run.is_final:
        return "No test of this run is known.", "list-checks"
    if run.waiting_for_runner:
        return f"The run waits for a runner at {run.run.location}.", "unplug"
    return "Tests appear here as soon as the suite has started.", "hourglass"
