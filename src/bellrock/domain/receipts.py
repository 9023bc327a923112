"""The receipt of a cancelled run: who asked, what was done, when the last process was gone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bellrock.domain.cancellation import Via


class CancelAction(StrEnum):
    """The steps of the cancel ladder, in order."""

    INTERRUPT_MAIN = "interrupt_main"  # SIGINT to the suite's main process
    KILL_BROWSERS = "kill_browsers"
    KILL_WORKERS = "kill_workers"  # everything but the main process
    INTERRUPT_MAIN_AGAIN = "interrupt_main_again"
    KILL_NAMESPACE = "kill_namespace"


@dataclass(frozen=True, slots=True)
class CancelStep:
    """One step that was taken, ``offset_ms`` after the runner learned of the cancel."""

    action: CancelAction
    signal: str
    at: datetime
    offset_ms: int
    processes: int


@dataclass(frozen=True, slots=True)
class TestCounts:
    """How many tests of the suite ended in which way. ``flaky`` tests are counted in ``passed`` too."""

    __test__ = False  # the name starts with Test, and this is not a test

    total: int = 0
    passed: int = 0
    failed: int = 0
    flaky: int = 0
    skipped: int = 0
    interrupted: int = 0
    running: int = 0
    not_started: int = 0


@dataclass(frozen=True, slots=True)
class RunnerReceipt:
    """What the runner knows of a cancel it carried out.

    ``processes_left`` is the count after the last step and is proven by the isolation named:
    0 with ``proof`` saying how it was established. ``stage`` is where the run stood when stopped.
    """

    stage: str
    isolation: str
    received_at: datetime
    steps: tuple[CancelStep, ...]
    last_process_gone_at: datetime | None
    processes_left: int | None
    proof: str
    tests: TestCounts
    artifacts_kept: tuple[str, ...] = ()
    evidence_complete: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The whole receipt, as the API, the page and the CLI show it.

    ``runner`` is None where no runner ever had the run (cancelled while queued) or where the
    server had to end it alone (``forced_by_server``: the lease ran out and the runner is fenced).
    """

    requested_at: datetime
    requested_by: str
    requested_via: Via
    final_at: datetime
    never_started: bool
    forced_by_server: bool
    runner: RunnerReceipt | None
