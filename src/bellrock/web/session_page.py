"""What a session's pages say of a session and its runs: badges, cancel buttons, reasons, counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal, Right
from bellrock.domain.cancellation import Via
from bellrock.domain.checks import WITH_TESTS
from bellrock.domain.live import Progress
from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import TestCounts
from bellrock.domain.runs import RunState
from bellrock.domain.sessions import SessionKind
from bellrock.services.views import RunView, SessionView
from bellrock.web import test_tree, words

_VARIOUS_REASONS = "What still runs goes on to its end: only Playwright Check Suite runs can be cancelled."
_ROLE_TOO_LOW = "Your role may look, but not run or cancel."
_VIA = {Via.UI: "the page", Via.API: "the API", Via.CLI: "the command line"}


@dataclass(frozen=True, slots=True)
class CancelButton:
    """What stands where a cancel button can be.

    ``state`` is ``ready`` (press it), ``asked`` (disabled, "cancelling…") or ``absent``; then ``reason``
    says why, or is None where there is nothing to say (a run that is over).
    """

    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as a row of its session."""

    id: UUID
    result_id: UUID
    check_name: str
    location: str
    attempt: int
    badge: words.Badge
    stage: str | None
    note: str | None
    has_tests: bool
    counts: TestCounts | None
    started_at: datetime | None
    duration_ms: int | None
    is_final: bool
    button: CancelButton

    @property
    def ticking_since(self) -> datetime | None:
        """From when the duration counts on by itself; None where it stands still."""
        return self.started_at if not self.is_final else None


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A session, ready to be shown."""

    id: UUID
    kind: SessionKind
    name: str
    badge: words.Badge
    view: SessionView
    rows: tuple[RunRow, ...]
    counts: TestCounts | None
    button: CancelButton
    started_by: str | None
    started_through: str
    cancelled_by: str | None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.view.is_final


def build(
    view: SessionView, principal: Principal, *, progress: Mapping[UUID, Progress] | None = None
) -> SessionPage:
    """The page's picture of a session; live counts and stages come from ``progress`` where it knows."""
    heard = progress or {}
    rows = tuple(build_row(run, principal, progress=heard.get(run.run.id)) for run in view.runs)
    session = view.session
    counted = [row.counts for row in rows if row.counts]
    return SessionPage(
        id=session.id,
        kind=session.kind,
        name=session.name,
        badge=_session_badge(view, rows),
        view=view,
        rows=rows,
        counts=add(counted) if counted else None,
        button=_session_button(view, rows),
        started_by=session.started_by,
        started_through=words.source(session.source),
        cancelled_by=_cancelled_by(view.runs),
    )


def build_row(view: RunView, principal: Principal, *, progress: Progress | None = None) -> RunRow:
    """The row of one run."""
    run = view.run
    final = view.final
    counts, stage = view.counts, view.stage
    has_tests = run.check_type in WITH_TESTS
    if progress and not run.is_final:
        counts = progress.counts() if progress.tests else counts
        stage = progress.stage or stage
    duration_ms = final.response_time_ms if final else None
    if duration_ms is None and run.started_at and run.stopped_at:
        duration_ms = int((run.stopped_at - run.started_at).total_seconds() * 1000)
    return RunRow(
        id=run.id,
        result_id=run.result_id,
        check_name=view.check_name,
        location=run.location,
        attempt=run.attempt,
        badge=_run_badge(view),
        stage=words.stage(stage) if run.state is RunState.RUNNING and has_tests else None,
        note=_note(view),
        has_tests=has_tests,
        counts=counts,
        started_at=run.started_at,
        duration_ms=duration_ms,
        is_final=run.is_final,
        button=_run_button(view, principal),
    )


def add(counts: Sequence[TestCounts]) -> TestCounts:
    """The sum of several runs' tests."""
    names = TestCounts.__dataclass_fields__
    return TestCounts(**{name: sum(getattr(one, name) for one in counts) for name in names})


def explain(outcome: Outcome | None) -> str | None:
    """Why a run did not pass, with whose fault it was; None where there is nothing to explain."""
    if outcome is None or not outcome.message:
        return None
    blame = words.blame(outcome.blame)
    return f"{words.plain(outcome.message)} ({blame})" if blame else words.plain(outcome.message)


def via(through: Via) -> str:
    """What somebody cancelled through, as the end of "by ana, through ..."."""
    return _VIA[through]


def visible_filters(counts: TestCounts, chosen: str) -> tuple[tuple[str, int], ...]:
    """The filters of the test tree worth showing, each with its number of tests."""
    numbers = ((name, test_tree.of_filter(counts, name)) for name in test_tree.FILTERS)
    return tuple((name, number) for name, number in numbers if number or name in ("all", chosen))


def _run_badge(view: RunView) -> words.Badge:
    run = view.run
    if run.outcome and run.is_final:
        return words.verdict_badge(run.outcome.verdict)
    if run.cancel:
        return words.CANCELLING
    if run.state is RunState.RETRY_WAIT:
        return words.WAITING_TO_RETRY
    return words.QUEUED if run.state is RunState.QUEUED else words.RUNNING


def _note(view: RunView) -> str | None:
    run = view.run
    if run.is_final:
        return explain(run.outcome)
    if view.waiting_for_runner:
        return f"No runner is connected at {run.location}. The run starts when one is."
    if run.state is RunState.QUEUED:
        return "Waiting for a free slot"
    return f"Attempt {run.attempt}" if run.attempt > 1 else None


def _run_button(view: RunView, principal: Principal) -> CancelButton:
    run = view.run
    if run.is_final:
        return CancelButton("absent")
    if run.cancel:
        return CancelButton("asked")
    if not principal.may(Right.RUN):
        return CancelButton("absent", _ROLE_TOO_LOW)
    if not view.cancellable:
        return CancelButton("absent", view.why_not_cancellable)
    return CancelButton("ready")


def _session_button(view: SessionView, rows: Sequence[RunRow]) -> CancelButton:
    if view.is_final:
        return CancelButton("absent")
    states = [row.button.state for row in rows if not row.is_final]
    if "ready" in states:
        return CancelButton("ready")
    if "asked" in states:
        return CancelButton("asked")
    reasons = {row.button.reason for row in rows if row.button.reason}
    if len(reasons) > 1:
        return CancelButton("absent", _VARIOUS_REASONS)
    return CancelButton("absent", min(reasons) if reasons else None)


def _session_badge(view: SessionView, rows: Sequence[RunRow]) -> words.Badge:
    states = {row.button.state for row in rows if not row.is_final}
    if not view.is_final and states == {"asked"}:
        return words.CANCELLING
    if not view.is_final and rows and all(row.badge is words.QUEUED for row in rows):
        return words.QUEUED
    return words.session_badge(view.status)


def _cancelled_by(runs: Sequence[RunView]) -> str | None:
    asked = [run.run.cancel for run in runs if run.run.cancel]
    if not asked:
        return None
    first = min(asked, key=lambda cancel: cancel.at)
    return f"{first.by}, through {via(first.via)}"
