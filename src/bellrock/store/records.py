"""Rows that are more than one domain object: what is kept beside a run, and a stored result."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import Receipt, TestCounts
from bellrock.domain.runs import Run
from bellrock.wire.messages import AnySpec, Artifact, ReportedTest, Timing


@dataclass(frozen=True, slots=True)
class RunMaterial:
    """What a run executes, as it was when the run began: a check may change or go meanwhile.

    The scripts are those of a group that was never deployed, around an API check's own.
    """

    spec: AnySpec
    refresh_cache: bool = False
    record: bool = True
    file_path: str | None = None
    setup_scripts: tuple[str, ...] = ()
    teardown_scripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run, and what is shown with it. ``stage`` is what its runner said last."""

    run: Run
    check_name: str
    logical_id: str | None
    stage: str | None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be inserted. ``position`` orders the runs of a session."""

    run: Run
    position: int
    check_name: str
    logical_id: str | None
    material: RunMaterial
    sealed_environment: str | None


ResultType = Literal["FINAL", "ATTEMPT"]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result's row. ``token`` is that of the report it was made of, None if the server made it."""

    id: UUID
    run_id: UUID
    session_id: UUID
    check_id: UUID | None
    attempt: int
    result_type: ResultType
    location: str
    outcome: Outcome
    created_at: datetime
    token: UUID | None = None
    response_time_ms: int | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    tests: TestCounts | None = None
    test_list: tuple[ReportedTest, ...] = ()
    errors: tuple[str, ...] = ()
    timings: tuple[Timing, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    receipt: Receipt | None = None
    details: dict[str, object] = field(default_factory=dict)
    evidence_complete: bool = True
    files_removed_at: datetime | None = None
