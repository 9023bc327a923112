"""The tests of a run as a page shows them: file, then describe, then test, per project.

Live events know steps, a stored result knows the end states: a tree is made of both, and where they
disagree the stored result is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from bellrock.domain.live import Progress, StepProgress, TestError, TestProgress, TestStatus
from bellrock.domain.receipts import TestCounts
from bellrock.web import words
from bellrock.wire.messages import ReportedTest

FILTERS: Mapping[str, frozenset[str]] = {
    "all": frozenset(TestStatus),
    "failed": frozenset({TestStatus.FAILED}),
    "flaky": frozenset({TestStatus.FLAKY}),
    "running": frozenset({TestStatus.RUNNING}),
    "passed": frozenset({TestStatus.PASSED, TestStatus.FLAKY}),
    "interrupted": frozenset({TestStatus.INTERRUPTED}),
    "skipped": frozenset({TestStatus.SKIPPED}),
    "not_started": frozenset({TestStatus.NOT_STARTED}),
}
_MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Step:
    """One step with those inside it. ``duration_ms`` is None while it goes on."""

    title: str
    duration_ms: int | None
    error: str | None
    running: bool
    children: tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One line of a code frame; ``here`` marks the one the error points at."""

    text: str
    here: bool


@dataclass(frozen=True, slots=True)
class ShownError:
    """An error of a test, ready to be shown."""

    message: str
    frame: tuple[FrameLine, ...]
    place: str | None


@dataclass(frozen=True, slots=True)
class Test:
    """One test, ready to be shown. ``describe`` is the path of titles above its own."""

    __test__ = False

    id: str
    describe: tuple[str, ...]
    title: str
    line: int
    tags: tuple[str, ...]
    status: str
    retry: int
    duration_ms: int | None
    started_at_ms: int | None
    errors: tuple[ShownError, ...]
    steps: tuple[Step, ...]

    @property
    def badge(self) -> words.Badge:
        """The status as a person sees it."""
        return words.badge_of_test(self.status)

    @property
    def has_details(self) -> bool:
        """Whether there is anything to unfold."""
        return bool(self.errors or self.steps)


@dataclass(frozen=True, slots=True)
class Describe:
    """Tests below one describe; an empty path for those directly in the file."""

    path: tuple[str, ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """One file in one project."""

    id: str
    project: str
    file: str
    counts: TestCounts
    describes: tuple[Describe, ...]

    @property
    def opens(self) -> bool:
        """Whether a page shows the file unfolded at first: unless all is well and done."""
        return self.counts.passed + self.counts.skipped < self.counts.total or self.counts.flaky > 0


def tests_of(
    progress: Progress | None, reported: Sequence[ReportedTest], *, is_final: bool
) -> tuple[tuple[str, str, Test], ...]:
    """All tests as (project, file, test), in the suite's own order."""
    known = dict(progress.tests) if progress else {}
    shown = [_from_progress(known[test_id], is_final=is_final) for test_id in known]
    if not reported:
        return tuple(shown)
    return tuple(_from_report(test, known.get(test.id)) for test in reported)


def suites_of(tests: Iterable[tuple[str, str, Test]], *, show: str = "all") -> tuple[Suite, ...]:
    """The tree, with only those tests whose status the filter ``show`` (a key of FILTERS) lets through."""
    wanted = FILTERS.get(show, FILTERS["all"])
    grouped: dict[tuple[str, str], list[Test]] = {}
    for project, file, test in tests:
        if test.status in wanted:
            grouped.setdefault((project, file), []).append(test)
    return tuple(_suite(project, file, members) for (project, file), members in grouped.items())


def count(statuses: Iterable[str]) -> TestCounts:
    """Tests by status; flaky ones are counted as passed too."""
    of: dict[str, int] = dict.fromkeys(TestStatus, 0)
    total = 0
    for status in statuses:
        total += 1
        of[status] = of.get(status, 0) + 1
    return TestCounts(
        total=total,
        passed=of[TestStatus.PASSED] + of[TestStatus.FLAKY],
        failed=of[TestStatus.FAILED],
        flaky=of[TestStatus.FLAKY],
        skipped=of[TestStatus.SKIPPED],
        interrupted=of[TestStatus.INTERRUPTED],
        running=of[TestStatus.RUNNING],
        not_started=of[TestStatus.NOT_STARTED],
    )


def of_filter(counts: TestCounts, show: str) -> int:
    """How many tests a filter lets through."""
    return counts.total if show == "all" else int(getattr(counts, show))


def _suite(project: str, file: str, tests: Sequence[Test]) -> Suite:
    describes: dict[tuple[str, ...], list[Test]] = {}
    for test in tests:
        describes.setdefault(test.describe, []).append(test)
    name = sha256(f"{project}\0{file}".encode()).hexdigest()[:12]
    return Suite(
        id=f"suite-{name}",
        project=project,
        file=file,
        counts=count(test.status for test in tests),
        describes=tuple(Describe(path, tuple(members)) for path, members in describes.items()),
    )


def _from_progress(test: TestProgress, *, is_final: bool) -> tuple[str, str, Test]:
    status = test.status
    if is_final and status is TestStatus.RUNNING:
        status = TestStatus.INTERRUPTED  # the runner vanished with the test
    ref = test.ref
    shown = Test(
        id=ref.id,
        describe=ref.title[:-1],
        title=ref.title[-1] if ref.title else "(untitled)",
        line=ref.line,
        tags=ref.tags,
        status=status,
        retry=test.retry,
        duration_ms=test.duration_ms or None,
        started_at_ms=test.started_at_ms if status is TestStatus.RUNNING else None,
        errors=tuple(_shown_error(error) for error in test.errors),
        steps=_steps(test.steps, running=status is TestStatus.RUNNING),
    )
    return ref.project, ref.file, shown


def _from_report(test: ReportedTest, seen: TestProgress | None) -> tuple[str, str, Test]:
    errors = tuple(_shown_error(_error_of(error)) for error in test.errors)
    shown = Test(
        id=test.id,
        describe=test.title[:-1],
        title=test.title[-1] if test.title else "(untitled)",
        line=test.line,
        tags=test.tags,
        status=test.status,
        retry=test.retry,
        duration_ms=test.duration_ms if test.status != TestStatus.NOT_STARTED else None,
        started_at_ms=None,
        errors=errors,
        steps=_steps(seen.steps, running=False) if seen else (),
    )
    return test.project, test.file, shown


def _error_of(reported: Mapping[str, object]) -> TestError:
    snippet, file, line = (reported.get(name) for name in ("snippet", "file", "line"))
    return TestError(
        message=str(reported.get("message", "")),
        snippet=str(snippet) if snippet else None,
        file=str(file) if file else None,
        line=line if isinstance(line, int) else None,
    )


def _shown_error(error: TestError) -> ShownError:
    place = f"{error.file}:{error.line}" if error.file and error.line else error.file
    lines = words.plain(error.snippet).strip("\n").split("\n") if error.snippet else []
    frame = tuple(FrameLine(line, here=line.startswith(">")) for line in lines)
    return ShownError(words.plain(error.message).strip(), frame, place)


def _steps(steps: Mapping[int, StepProgress], *, running: bool) -> tuple[Step, ...]:
    below: dict[int | None, list[StepProgress]] = {}
    for step in list(steps.values())[:_MOST_STEPS]:
        parent = step.parent if step.parent in steps else None
        below.setdefault(parent, []).append(step)

    def build(parent: int | None) -> tuple[Step, ...]:
        return tuple(
            Step(
                title=words.plain(step.title),
                duration_ms=step.duration_ms,
                error=words.plain(step.error) if step.error else None,
                running=running and step.duration_ms is None,
                children=build(step.step),
            )
            for step in below.get(parent, ())
        )

    return build(None)


def shown_errors(errors: Iterable[TestError]) -> tuple[ShownError, ...]:
    """Errors outside any test, ready to be shown."""
    return tuple(_shown_error(error) for error in errors)
