"""What services answer with: frozen pictures of sessions, runs and results, ready to be shown.

The edges (API, pages, events) only rename fields; every fold and every right was decided before.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from bellrock.domain.checks import Check
from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import Receipt, TestCounts
from bellrock.domain.runs import Run
from bellrock.domain.sessions import CheckSessionStatus, Session, TestSessionStatus
from bellrock.wire.messages import Artifact, ReportedTest, Timing

ResultType = Literal["FINAL", "ATTEMPT"]


@dataclass(frozen=True, slots=True)
class ResultView:
    """One stored result: the FINAL one of a run, or that of an attempt that was tried again.

    ``response_time_ms`` is None where nothing ever started. ``receipt`` is set exactly on cancelled
    FINAL results. ``evidence_complete`` turns True once the runner has sent all it kept.
    ``artifacts`` is empty once they were removed for age or space, which ``files_removed_at`` tells.
    """

    id: UUID
    run_id: UUID
    attempt: int
    result_type: ResultType
    location: str
    outcome: Outcome
    response_time_ms: int | None
    started_at: datetime | None
    stopped_at: datetime | None
    tests: TestCounts | None
    test_list: tuple[ReportedTest, ...]
    errors: tuple[str, ...]
    timings: tuple[Timing, ...]
    artifacts: tuple[Artifact, ...]
    receipt: Receipt | None
    details: dict[str, object]
    evidence_complete: bool
    created_at: datetime
    files_removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """One run (``run.id`` is the contract's sequenceId) with its results, ATTEMPTs first, then FINAL.

    ``counts`` are the final ones, or the live ones of a run that goes on, or None before any test.
    ``stage`` is where the runner stands (`bellrock.domain.live.Stage`), None without a runner.
    ``cancellable`` is about now: a final or already cancelled run is not, and
    ``why_not_cancellable`` is the sentence to show. ``logical_id`` names the job of a run that came
    from an undeployed project, or its check's logical id.
    """

    run: Run
    check_name: str
    results: tuple[ResultView, ...]
    counts: TestCounts | None
    stage: str | None
    waiting_for_runner: bool
    cancellable: bool
    why_not_cancellable: str | None
    logical_id: str | None = None

    @property
    def final(self) -> ResultView | None:
        """The FINAL result, once there is one."""
        return next((result for result in self.results if result.result_type == "FINAL"), None)


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session of either kind. ``status`` is the real one: v1 check sessions rename CANCELLED."""

    session: Session
    status: CheckSessionStatus | TestSessionStatus
    runs: tuple[RunView, ...]
    stopped_at: datetime | None
    time_elapsed_ms: int

    @property
    def is_final(self) -> bool:
        """Whether the status will never change again."""
        return self.stopped_at is not None


@dataclass(frozen=True, slots=True)
class CheckPage:
    """One page of checks, and how many there are in all."""

    checks: tuple[Check, ...]
    total: int


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions, newest first, and where the next page begins (None at the end)."""

    sessions: tuple[SessionView, ...]
    next_id: str | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result with the run it belongs to, and the groups of errors that it is in."""

    run: RunView
    result: ResultView
    error_group_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Results of a check, newest first, how many match in all, and where the next page begins."""

    rows: tuple[ResultRow, ...]
    total: int
    next_id: str | None


@dataclass(frozen=True, slots=True)
class CancelSummary:
    """What a cancel did, by run id.

    ``stamped`` runs are being stopped by their runners, ``finished`` ones were queued and are final
    already, ``ignored`` ids named no run of the session. Runs final before are in none of them.
    """

    stamped: tuple[UUID, ...] = ()
    finished: tuple[UUID, ...] = ()
    ignored: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class RunnerView:
    """A runner at one location, as it introduced itself, and when it was last heard of.

    ``leftover_processes`` of its runs could not be ended: 0 is good. ``orphans_swept`` processes of its
    former life were ended at its start.
    """

    runner_id: str
    location: str
    version: str
    slots: int
    busy_slots: int
    isolation: str
    guarantees: str
    leftover_processes: int
    orphans_swept: int
    started_at: datetime
    seen_at: datetime
    connected: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `/healthz` asks: each part True when it works. ``locations`` have a connected runner.

    ``containment`` holds the connected runners, for how they own the processes of their runs.
    """

    database: bool
    bus: bool
    runner: bool
    locations: tuple[str, ...] = field(default=())
    containment: tuple[RunnerView, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether all parts work."""
        return self.database and self.bus and self.runner
