"""Test sessions: what is asked for, the session, its rows, one result in full, and the list."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from bellrock.api.bodies.base import Answer, Instant, SnakeCreated, SnakeUpdated, is_none
from bellrock.api.bodies.details import result_details
from bellrock.api.bodies.runs import CancelledBy, ProgressBody, ReceiptBody, Row, receipt_body, rows_of
from bellrock.api.links import Links
from bellrock.domain.outcomes import TOO_SLOW
from bellrock.domain.runs import Run
from bellrock.domain.sessions import GitMetadata, TestSessionStatus
from bellrock.domain.specs import CheckType
from bellrock.services.session_error_groups import groups_of_result
from bellrock.services.views import SessionView


class MetadataBody(Answer):
    """Where the code under test comes from. What is not known is absent."""

    environment: str | None = Field(None, exclude_if=is_none)
    repo_url: str | None = Field(None, exclude_if=is_none)
    commit_id: str | None = Field(None, exclude_if=is_none)
    commit_owner: str | None = Field(None, exclude_if=is_none)
    commit_message: str | None = Field(None, exclude_if=is_none)
    branch_name: str | None = Field(None, exclude_if=is_none)

    @classmethod
    def of(cls, git: GitMetadata) -> "MetadataBody":
        """From the domain's."""
        return cls(
            environment=git.environment,
            repo_url=git.repo_url,
            commit_id=git.commit_id,
            commit_owner=git.commit_owner,
            commit_message=git.commit_message,
            branch_name=git.branch_name,
        )


class TestSessionRow(Answer):
    """One result of a test session. PENDING until the run has its final result."""

    __test__ = False

    test_session_result_id: UUID
    test_session_result_link: str
    check_id: UUID | None
    check_type: CheckType
    name: str
    run_location: str
    error_group_ids: tuple[UUID, ...]
    result_type: Literal["FINAL", "ATTEMPT", "PENDING"]
    status: TestSessionStatus
    has_errors: bool
    has_failures: bool
    is_degraded: bool
    aborted: bool
    response_time: int | None
    started_at: Instant | None
    stopped_at: Instant | None
    sequence_id: UUID
    cancelled_at: Instant | None
    cancelled_by: CancelledBy | None
    progress: ProgressBody | None
    waiting_for_runner: bool


class TestSessionBody(Answer):
    """One test session with its rows."""

    __test__ = False

    test_session_id: UUID
    test_session_link: str
    name: str
    status: TestSessionStatus
    error_group_ids: tuple[UUID, ...]
    started_at: Instant
    stopped_at: Instant | None
    time_elapsed: int
    metadata: MetadataBody
    results: tuple[TestSessionRow, ...]


class TestSessionResult(TestSessionRow):
    """One result in full."""

    id: UUID
    private_location_id: UUID | None
    file_path: str | None
    is_cancelled: bool
    over_max_response_time: bool
    attempts: int
    schedule_error: str | None
    trace_id: str | None
    created_at: SnakeCreated
    updated_at: SnakeUpdated
    receipt: ReceiptBody | None
    playwright_check_result: dict[str, Any] | None = None
    api_check_result: dict[str, Any] | None = None
    browser_check_result: dict[str, Any] | None = None
    multi_step_check_result: dict[str, Any] | None = None
    ssl_check_result: dict[str, Any] | None = None


class Invoker(Answer):
    """Who started a session."""

    name: str


class TestSessionEntry(Answer):
    """One test session in the list: its runs by how they stand."""

    __test__ = False

    id: UUID
    account_id: UUID
    project_id: UUID | None
    name: str
    provider: str
    error_group_ids: tuple[UUID, ...]
    running: tuple[UUID, ...]
    passed: tuple[UUID, ...]
    failed: tuple[UUID, ...]
    cancelled: tuple[UUID, ...]
    status: TestSessionStatus
    region: str
    private_location_id: UUID | None
    invoker: Invoker | None
    repo_url: str | None
    commit_id: str | None
    commit_owner: str | None
    commit_message: str | None
    branch_name: str | None
    environment: str | None
    started_at: Instant
    stopped_at: Instant | None
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class TestSessionPage(Answer):
    """A page of test sessions, newest first."""

    __test__ = False

    length: int
    entries: tuple[TestSessionEntry, ...]
    next_id: str | None


def test_session_body(view: SessionView, links: Links) -> TestSessionBody:
    """A session with its rows."""
    session = view.session
    rows = (_row(row, view, links) for run in view.runs for row in rows_of(run))
    return TestSessionBody(
        test_session_id=session.id,
        test_session_link=links.session(session.id),
        name=session.name,
        status=TestSessionStatus(view.status),
        error_group_ids=_error_groups(view),
        started_at=session.started_at,
        stopped_at=view.stopped_at,
        time_elapsed=view.time_elapsed_ms,
        metadata=MetadataBody.of(session.git),
        results=tuple(rows),
    )


def test_session_result(row: Row, view: SessionView, links: Links) -> TestSessionResult:
    """One result in full. It can be read while its run goes on."""
    result = row.result
    outcome = result.outcome if result else None
    return TestSessionResult(
        **dict(_row(row, view, links)),
        id=row.result_id,
        private_location_id=None,
        file_path=None,
        is_cancelled=row.flags.is_cancelled,
        over_max_response_time=bool(outcome and outcome.code == TOO_SLOW),
        attempts=result.attempt if result else row.run.attempt,
        schedule_error=outcome.message if outcome and outcome.has_errors else None,
        trace_id=None,
        created_at=row.run.queued_at,
        updated_at=row.stopped_at,
        receipt=receipt_body(result.receipt) if result else None,
        **result_details(row, links),
    )


def test_session_entry(view: SessionView) -> TestSessionEntry:
    """A session as a line of the list."""
    session, git = view.session, view.session.git
    by_status: dict[TestSessionStatus, list[UUID]] = {status: [] for status in TestSessionStatus}
    for run in view.runs:
        by_status[_status(run.run)].append(run.run.result_id)
    return TestSessionEntry(
        id=session.id,
        account_id=session.account_id,
        project_id=session.project,
        name=session.name,
        provider=session.provider,
        error_group_ids=_error_groups(view),
        running=tuple(by_status[TestSessionStatus.RUNNING]),
        passed=tuple(by_status[TestSessionStatus.PASSED]),
        failed=tuple(by_status[TestSessionStatus.FAILED]),
        cancelled=tuple(by_status[TestSessionStatus.CANCELLED]),
        status=TestSessionStatus(view.status),
        region=session.locations[0] if session.locations else "",
        private_location_id=None,
        invoker=Invoker(name=session.started_by) if session.started_by else None,
        repo_url=git.repo_url,
        commit_id=git.commit_id,
        commit_owner=git.commit_owner,
        commit_message=git.commit_message,
        branch_name=git.branch_name,
        environment=git.environment,
        started_at=session.started_at,
        stopped_at=view.stopped_at,
        created_at=session.started_at,
        updated_at=view.stopped_at,
    )


def _error_groups(view: SessionView) -> tuple[UUID, ...]:
    found = (group for run in view.runs for group in groups_of_result(view.session, run.final))
    return tuple(dict.fromkeys(found))


def _row(row: Row, view: SessionView, links: Links) -> TestSessionRow:
    flags, run = row.flags, row.run
    return TestSessionRow(
        test_session_result_id=row.result_id,
        test_session_result_link=links.run(view.session.id, run.id),
        check_id=run.check_id,
        check_type=run.check_type,
        name=row.view.check_name,
        run_location=row.location,
        error_group_ids=groups_of_result(view.session, row.result),
        result_type=row.result.result_type if row.result else "PENDING",
        status=TestSessionStatus.FAILED if row.is_attempt else _status(run),
        has_errors=flags.has_errors,
        has_failures=flags.has_failures,
        is_degraded=flags.is_degraded,
        aborted=flags.aborted,
        response_time=row.response_time_ms,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        sequence_id=run.id,
        cancelled_at=row.cancel.at if row.cancel else None,
        cancelled_by=row.cancelled_by,
        progress=row.progress,
        waiting_for_runner=row.view.waiting_for_runner,
    )


def _status(run: Run) -> TestSessionStatus:
    if run.outcome is None:
        return TestSessionStatus.RUNNING
    if run.outcome.is_cancelled:
        return TestSessionStatus.CANCELLED
    return TestSessionStatus.FAILED if run.outcome.has_failures else TestSessionStatus.PASSED
