"""What is known of a session while it goes on: a fold of its live frames, and what each one was news of.

Pure: frames in, happenings out. Frames may be repeated, or lost with the connection: the rows that
the server sends are the truth, the fold only makes it lively.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from bellrock.client.live import Frame, RunChanged, RunEvents, RunSoFar, SessionChanged
from bellrock.client.models import Counts, Row, Session
from bellrock.domain.live import (
    LiveEvent,
    Output,
    Progress,
    StageEntered,
    SuiteError,
    TestEnded,
    TestProgress,
    TestStarted,
    TestStatus,
)


@dataclass(slots=True)
class RunBoard:
    """One run: its latest row and the fold of its events."""

    row: Row
    progress: Progress = field(default_factory=Progress)
    cancelling: bool = False

    @property
    def stage(self) -> str:
        """Where the run stands, as a word for people."""
        if self.row.is_final:
            return outcome_word(self.row)
        if self.cancelling or self.row.cancelled_at is not None:
            return "cancelling"
        if self.progress.stage is not None:
            return self.progress.stage
        if self.row.progress is not None and self.row.progress.stage is not None:
            return self.row.progress.stage
        return "waiting for a runner" if self.row.waiting_for_runner else "queued"

    @property
    def counts(self) -> Counts:
        """Tests by how they stand: the live ones, or the row's where they say more."""
        live = self.progress.counts()
        of_row = self.row.progress.tests if self.row.progress else None
        if of_row is not None and (self.row.is_final or of_row.total > live.total):
            return of_row
        names = Counts.model_fields
        return Counts.model_validate({name: getattr(live, name) for name in names})

    @property
    def running_tests(self) -> tuple[TestProgress, ...]:
        """The tests that run at this moment."""
        return tuple(test for test in self.progress.tests.values() if test.status is TestStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class StageChanged:
    """A run moved on."""

    run: RunBoard
    stage: str


@dataclass(frozen=True, slots=True)
class TestFinished:
    """A test has its final status."""

    __test__ = False

    run: RunBoard
    test: TestProgress


@dataclass(frozen=True, slots=True)
class SuiteFailed:
    """An error outside any test."""

    run: RunBoard
    message: str


@dataclass(frozen=True, slots=True)
class Printed:
    """The suite, or its install, printed something."""

    run: RunBoard
    text: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has its final result."""

    run: RunBoard


Happening = StageChanged | TestFinished | SuiteFailed | Printed | RunEnded


class Board:
    """One session's fold."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.runs: dict[UUID, RunBoard] = {}
        for _ in self.take(session):
            pass  # what was so before we looked is no news

    def apply(self, frame: Frame) -> Iterator[Happening]:
        """Fold one frame; what it is news of."""
        match frame:
            case SessionChanged(session):
                yield from self.take(session)
            case RunSoFar(run_id, progress):
                if run_id in self.runs:
                    self.runs[run_id].progress = progress
            case RunEvents():
                run = self.runs.get(frame.run_id)
                for event in frame.events if run else ():
                    yield from _apply(run, event)
            case RunChanged():
                run = self.runs.get(frame.run_id)
                if run and frame.what == "cancelling":
                    run.cancelling = True

    def take(self, session: Session) -> Iterator[Happening]:
        """Take over the rows of a session as the server says it is now."""
        self.session = session
        for row in session.results:
            if row.is_attempt or row.sequence_id is None:
                continue
            run = self.runs.setdefault(row.sequence_id, RunBoard(row))
            is_news = row.is_final and not run.row.is_final
            run.row = row
            if is_news:
                run.progress.interrupt_open_tests()
                yield RunEnded(run)


def _apply(run: RunBoard | None, event: LiveEvent) -> Iterator[Happening]:
    if run is None or event.seq <= run.progress.last_seq:
        return
    run.progress.apply(event)
    match event:
        case StageEntered():
            run.cancelling = run.cancelling or event.stage == "cancelling"
            yield StageChanged(run, event.stage)
        case TestEnded() if event.final and event.test_id in run.progress.tests:
            test = run.progress.tests[event.test_id]
            if (
                test.status is not TestStatus.NOT_STARTED
            ):  # Playwright's word for what a cancel kept from running
                yield TestFinished(run, test)
        case SuiteError():
            yield SuiteFailed(run, event.error.message)
        case Output():
            yield Printed(run, event.text)
        case TestStarted() | _:
            return


def outcome_word(row: Row) -> str:
    """How a run ended, in a word. Asked in this order everywhere: a cancelled run is nothing else."""
    if row.was_cancelled:
        return "cancelled"
    if row.has_errors:
        return "errored"
    if row.has_failures:
        return "failed"
    return "degraded" if row.is_degraded else "passed"
