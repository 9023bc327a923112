"""What can be seen of a run while it goes on, and the fold that turns it into progress.

Events carry a per-run ``seq`` from 1 without gaps, so that a reader knows when it missed one.
Times are milliseconds since the epoch: they come from the runner's clock and are for display.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from bellrock.domain.receipts import CancelAction, TestCounts


class Stage(StrEnum):
    """Where a run stands at its runner, in order."""

    PREPARING = "preparing"  # bundle fetched and unpacked
    INSTALLING = "installing"  # dependencies restored from the cache, or installed
    STARTING = "starting"  # the suite's process runs, no test has begun
    TESTING = "testing"
    CANCELLING = "cancelling"
    REPORTING = "reporting"  # reports collected or rebuilt
    UPLOADING = "uploading"


@dataclass(frozen=True, slots=True)
class TestRef:
    """One test of the suite. ``title`` is the path of titles below the file."""

    __test__ = False

    id: str
    project: str
    file: str
    line: int
    title: tuple[str, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestError:
    """One error of a test. ``snippet`` is the code frame as Playwright prints it (ANSI removed)."""

    __test__ = False

    message: str
    snippet: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class StageEntered:
    """The run moved on to a stage."""

    seq: int
    at_ms: int
    stage: Stage
    note: str | None = None
    type: Literal["stage"] = "stage"


@dataclass(frozen=True, slots=True)
class Output:
    """Lines the suite, or the install, printed. ``test_id`` where a test printed them."""

    seq: int
    at_ms: int
    stream: Literal["stdout", "stderr", "system"]
    text: str
    test_id: str | None = None
    type: Literal["output"] = "output"


@dataclass(frozen=True, slots=True)
class TestsFound:
    """The suite's inventory, before the first test begins."""

    __test__ = False

    seq: int
    at_ms: int
    playwright_version: str
    workers: int
    tests: tuple[TestRef, ...]
    type: Literal["tests_found"] = "tests_found"


@dataclass(frozen=True, slots=True)
class TestStarted:
    """A test began; ``retry`` counts from 0."""

    __test__ = False

    seq: int
    at_ms: int
    test_id: str
    retry: int
    type: Literal["test_started"] = "test_started"


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of a test began. ``step`` is unique in the run, ``parent`` another step or None."""

    seq: int
    at_ms: int
    test_id: str
    retry: int
    step: int
    parent: int | None
    category: str
    title: str
    type: Literal["step_started"] = "step_started"


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended."""

    seq: int
    at_ms: int
    test_id: str
    retry: int
    step: int
    duration_ms: int
    error: str | None = None
    type: Literal["step_ended"] = "step_ended"


@dataclass(frozen=True, slots=True)
class TestEnded:
    """An execution of a test ended. ``final`` is False where Playwright will retry it."""

    __test__ = False

    seq: int
    at_ms: int
    test_id: str
    retry: int
    status: Literal["passed", "failed", "timedOut", "skipped", "interrupted"]
    outcome: Literal["expected", "unexpected", "flaky", "skipped"]
    final: bool
    duration_ms: int
    errors: tuple[TestError, ...] = ()
    type: Literal["test_ended"] = "test_ended"


@dataclass(frozen=True, slots=True)
class SuiteError:
    """An error outside any test: a config that does not parse, a failing global setup."""

    seq: int
    at_ms: int
    error: TestError
    type: Literal["suite_error"] = "suite_error"


@dataclass(frozen=True, slots=True)
class CancelProgress:
    """A step of the cancel ladder was taken."""

    seq: int
    at_ms: int
    action: str
    processes: int
    type: Literal["cancel"] = "cancel"


LiveEvent = (
    StageEntered
    | Output
    | TestsFound
    | TestStarted
    | StepStarted
    | StepEnded
    | TestEnded
    | SuiteError
    | CancelProgress
)


class TestStatus(StrEnum):
    """What is known of a test, now."""

    __test__ = False

    NOT_STARTED = "not_started"
    RUNNING = "running"
    PASSED = "passed"
    FLAKY = "flaky"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


@dataclass(slots=True)
class StepProgress:
    """A step as far as it went: ``duration_ms`` is None while it goes on."""

    step: int
    parent: int | None
    title: str
    category: str
    duration_ms: int | None = None
    error: str | None = None


@dataclass(slots=True)
class TestProgress:
    """A test as far as it went. Steps are those of its latest execution."""

    __test__ = False

    ref: TestRef
    status: TestStatus = TestStatus.NOT_STARTED
    retry: int = 0
    started_at_ms: int | None = None
    duration_ms: int = 0
    errors: tuple[TestError, ...] = ()
    steps: dict[int, StepProgress] = field(default_factory=dict)


_BY_OUTCOME = {
    "expected": TestStatus.PASSED,
    "unexpected": TestStatus.FAILED,
    "flaky": TestStatus.FLAKY,
    "skipped": TestStatus.SKIPPED,
}
_KILLS = frozenset({CancelAction.KILL_BROWSERS, CancelAction.KILL_WORKERS, CancelAction.KILL_NAMESPACE})


class Progress:
    """The fold of a run's events. Mutable, since a suite of thousands of tests is folded event by event."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.stage: Stage | None = None
        self.stage_at_ms: int | None = None
        self.tests: dict[str, TestProgress] = {}
        self.errors: list[TestError] = []
        self._cancel_began = False
        self._kills_began = False

    def apply(self, event: LiveEvent) -> None:
        """Fold one event. Events seen before (``seq`` not above the last) change nothing."""
        if event.seq <= self.last_seq:
            return
        self.last_seq = event.seq
        match event:
            case StageEntered():
                self.stage, self.stage_at_ms = event.stage, event.at_ms
            case TestsFound():
                self.tests = {ref.id: TestProgress(ref) for ref in event.tests}
            case SuiteError():
                self.errors.append(event.error)
            case TestStarted() | StepStarted() | StepEnded() | TestEnded():
                self._apply_to_test(event)
            case CancelProgress():
                self._cancel_began = True
                self._kills_began |= event.action in _KILLS
            case Output():
                pass

    def _apply_to_test(self, event: TestStarted | StepStarted | StepEnded | TestEnded) -> None:
        test = self.tests.get(event.test_id)
        if test is None:
            return
        match event:
            case TestStarted():
                test.status, test.retry, test.started_at_ms = TestStatus.RUNNING, event.retry, event.at_ms
                test.steps, test.errors = {}, ()
            case StepStarted():
                test.steps[event.step] = StepProgress(event.step, event.parent, event.title, event.category)
            case StepEnded() if event.step in test.steps:
                test.steps[event.step].duration_ms = event.duration_ms
                test.steps[event.step].error = event.error
            case TestEnded():
                test.status = self._status_after(event)
                test.duration_ms, test.errors, test.retry = event.duration_ms, event.errors, event.retry
            case _:
                pass

    def _status_after(self, event: TestEnded) -> TestStatus:
        # A test that fails because its browser was killed for the cancel's sake has not failed.
        if event.status == "interrupted" or (self._kills_began and event.status in ("failed", "timedOut")):
            return TestStatus.INTERRUPTED
        # Playwright begins and skips, in no time, what it will not run any more.
        if self._cancel_began and event.status == "skipped":
            return TestStatus.NOT_STARTED
        if not event.final:
            return TestStatus.RUNNING  # Playwright retries it
        return _BY_OUTCOME[event.outcome]

    def interrupt_open_tests(self) -> None:
        """A test that began and never ended was interrupted. To be called when the suite is gone."""
        for test in self.tests.values():
            if test.status is TestStatus.RUNNING:
                test.status = TestStatus.INTERRUPTED

    def counts(self) -> TestCounts:
        """Tests by status; flaky ones count as passed too."""
        of = dict.fromkeys(TestStatus, 0)
        for test in self.tests.values():
            of[test.status] += 1
        return TestCounts(
            total=len(self.tests),
            passed=of[TestStatus.PASSED] + of[TestStatus.FLAKY],
            failed=of[TestStatus.FAILED],
            flaky=of[TestStatus.FLAKY],
            skipped=of[TestStatus.SKIPPED],
            interrupted=of[TestStatus.INTERRUPTED],
            running=of[TestStatus.RUNNING],
            not_started=of[TestStatus.NOT_STARTED],
        )
