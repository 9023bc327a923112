"""How far a run's tests are, as a whole: the first thing a watcher of a session is told."""

from uuid import UUID

from bellrock.api.bodies.base import Answer
from bellrock.domain.live import Progress, TestError, TestProgress


class TestErrorBody(Answer):
    """One error of a test, or of the suite."""

    message: str
    snippet: str | None
    file: str | None
    line: int | None


class StepBody(Answer):
    """One step of a test; ``durationMs`` is null while it goes on."""

    step: int
    parent: int | None
    title: str
    category: str
    duration_ms: int | None
    error: str | None


class TestBody(Answer):
    """One test as far as it went. Steps and errors are those of its latest execution."""

    id: str
    project: str
    file: str
    line: int
    title: tuple[str, ...]
    tags: tuple[str, ...]
    status: str
    retry: int
    started_at_ms: int | None
    duration_ms: int
    errors: tuple[TestErrorBody, ...]
    steps: tuple[StepBody, ...]


class RunProgress(Answer):
    """One run: the runner's stage, and all its tests."""

    sequence_id: UUID
    last_seq: int
    stage: str | None
    stage_at_ms: int | None
    errors: tuple[TestErrorBody, ...]
    tests: tuple[TestBody, ...]


def run_progress(run_id: UUID, progress: Progress) -> RunProgress:
    """The fold of a run's events as the API says it."""
    return RunProgress(
        sequence_id=run_id,
        last_seq=progress.last_seq,
        stage=progress.stage,
        stage_at_ms=progress.stage_at_ms,
        errors=tuple(_error(error) for error in progress.errors),
        tests=tuple(_test(test) for test in progress.tests.values()),
    )


def _error(error: TestError) -> TestErrorBody:
    return TestErrorBody(message=error.message, snippet=error.snippet, file=error.file, line=error.line)


def _test(test: TestProgress) -> TestBody:
    ref = test.ref
    steps = (
        StepBody(
            step=step.step,
            parent=step.parent,
            title=step.title,
            category=step.category,
            duration_ms=step.duration_ms,
            error=step.error,
        )
        for step in test.steps.values()
    )
    return TestBody(
        id=ref.id,
        project=ref.project,
        file=ref.file,
        line=ref.line,
        title=ref.title,
        tags=ref.tags,
        status=test.status,
        retry=test.retry,
        started_at_ms=test.started_at_ms,
        duration_ms=test.duration_ms,
        errors=tuple(_error(error) for error in test.errors),
        steps=tuple(steps),
    )
