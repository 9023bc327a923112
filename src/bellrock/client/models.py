"""What the server says, as frozen models. Fields that a newer server adds are ignored."""

from datetime import datetime
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class AskedBy(Answer):
    """Who asked for a cancel, and through what (UI, API, CLI)."""

    name: str
    via: str


class Counts(Answer):
    """Tests of a suite by how they ended; flaky ones are counted in ``passed`` too."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    flaky: int = 0
    skipped: int = 0
    interrupted: int = 0
    running: int = 0
    not_started: int = 0


class Progress(Answer):
    """How far a run is: its stage at the runner, and its tests."""

    stage: str | None = None
    tests: Counts | None = None


class ReceiptStep(Answer):
    """One step of the ladder that ended a run; ``offset_ms`` after the runner learned of the cancel."""

    action: str
    signal: str
    at: datetime
    offset_ms: int
    processes: int


class Receipt(Answer):
    """What was done to cancel a run. What only a runner knows is None where none had the run."""

    requested_at: datetime
    requested_by: AskedBy
    final_at: datetime
    never_started: bool
    forced_by_server: bool
    stage: str | None = None
    isolation: str | None = None
    steps: tuple[ReceiptStep, ...] = ()
    last_process_gone_at: datetime | None = None
    processes_left: int | None = None
    proof: str | None = None
    tests: Counts | None = None
    artifacts_kept: tuple[str, ...] = ()
    evidence_complete: bool = True
    notes: tuple[str, ...] = ()


class Row(Answer):
    """One line of a session: a run's final result, one of its failed attempts, or a run that goes on.

    Test sessions say how a run ended with ``status``, check sessions with ``is_cancelled``: ask
    `was_cancelled`.
    """

    result_id: UUID = Field(validation_alias=AliasChoices("testSessionResultId", "checkResultId"))
    link: str = Field(validation_alias=AliasChoices("testSessionResultLink", "checkResultLink"))
    name: str
    check_id: UUID | None = None
    check_type: str
    run_location: str
    result_type: str | None = None
    status: str | None = None
    has_errors: bool
    has_failures: bool
    is_degraded: bool
    is_cancelled: bool = False
    aborted: bool
    response_time: float | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    sequence_id: UUID | None = None
    cancelled_at: datetime | None = None
    cancelled_by: AskedBy | None = None
    progress: Progress | None = None
    waiting_for_runner: bool = False

    @property
    def is_final(self) -> bool:
        """Whether this is the run's one final result."""
        return self.result_type == "FINAL"

    @property
    def is_attempt(self) -> bool:
        """Whether this is an earlier attempt that failed."""
        return self.result_type == "ATTEMPT"

    @property
    def was_cancelled(self) -> bool:
        """Whether the run ended because somebody stopped it."""
        return self.is_cancelled or self.status == "CANCELLED"


class Session(Answer):
    """A session of either kind. Its rows are there only where this one session was asked for.

    A test session is many checks at one location; a check session is one check (``check_id``) at
    its locations.
    """

    id: UUID = Field(validation_alias=AliasChoices("testSessionId", "checkSessionId"))
    link: str = Field(validation_alias=AliasChoices("testSessionLink", "checkSessionLink"))
    name: str = ""
    status: str
    started_at: datetime
    stopped_at: datetime | None = None
    time_elapsed: float
    check_id: UUID | None = None
    check_type: str | None = None
    run_locations: tuple[str, ...] = ()
    run_source: str | None = None
    results: tuple[Row, ...] = ()


class ReportedError(Answer):
    """One error of a test."""

    message: str = ""
    snippet: str | None = None
    file: str | None = None
    line: int | None = None


class ReportedTest(Answer):
    """How one test of a suite ended."""

    id: str
    project: str
    file: str
    line: int
    title: tuple[str, ...]
    tags: tuple[str, ...] = ()
    status: str
    retry: int = 0
    duration_ms: int = 0
    errors: tuple[ReportedError, ...] = ()


class Details(Answer):
    """The part of a result that depends on the check's type, as far as it is the same for all.

    ``blame`` says whose fault a failure is: target, check, runner or platform.
    """

    verdict: str | None = None
    blame: str | None = None
    code: str | None = None
    message: str | None = None
    errors: tuple[ReportedError, ...] = ()
    tests: Counts | None = None
    test_list: tuple[ReportedTest, ...] = ()


class ResultDetail(Answer):
    """One result in full."""

    is_cancelled: bool = False
    has_failures: bool = False
    receipt: Receipt | None = None
    playwright_check_result: Details | None = None
    api_check_result: Details | None = None
    browser_check_result: Details | None = None
    multi_step_check_result: Details | None = None
    ssl_check_result: Details | None = None

    @property
    def details(self) -> Details:
        """The details of whichever type the check has."""
        ours = (
            self.playwright_check_result,
            self.api_check_result,
            self.browser_check_result,
            self.multi_step_check_result,
            self.ssl_check_result,
        )
        return next((details for details in ours if details), Details())


class TestSessionEntry(Answer):
    """A line of the list of test sessions: results by how they stand."""

    __test__ = False

    id: UUID
    name: str
    provider: str | None = None
    status: str
    region: str | None = None
    running: tuple[UUID, ...] = ()
    passed: tuple[UUID, ...] = ()
    failed: tuple[UUID, ...] = ()
    cancelled: tuple[UUID, ...] = ()
    started_at: datetime
    stopped_at: datetime | None = None


class TestSessionPage(Answer):
    """Test sessions, newest first, and where the next page begins."""

    __test__ = False

    entries: tuple[TestSessionEntry, ...]
    next_id: str | None = None


class CheckSessionPage(Answer):
    """Check sessions, newest first, and where the next page begins."""

    entries: tuple[Session, ...]
    next_id: str | None = None


class StartedRuns(Answer):
    """What run and trigger of a test session answer with.

    Recorded sessions have a ``test_session_id``. Those that are not have an id only for whoever
    started them, to wait with.
    """

    sequence_ids: dict[str, UUID] = Field(default_factory=dict)
    test_session_id: UUID | None = None
    unrecorded_session_id: UUID | None = None


class CheckInfo(Answer):
    """A deployed check."""

    id: UUID
    check_type: str
    name: str
    activated: bool
    muted: bool
    locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency: int | None = None
    run_parallel: bool = False
    created_at: datetime | None = Field(default=None, alias="created_at")


class KeyInfo(Answer):
    """An API key as it is listed. ``secret`` is there only in the answer that made it."""

    id: UUID
    name: str
    kind: str
    role: str
    hint: str = ""
    created_at: datetime | None = None
    secret: str | None = Field(default=None, repr=False)


class Change(Answer):
    """One line of a deploy's difference."""

    type: str
    logical_id: str
    physical_id: str | int | None = None
    action: str
    note: str | None = None


class DeployResult(Answer):
    """What a deploy did, or would do."""

    diff: tuple[Change, ...] = ()
    session_ids: tuple[UUID, ...] = ()


class Destroyed(Answer):
    """What a destroy deleted or detached, or would."""

    diff: tuple[Change, ...] = ()


class DeployError(Answer):
    """Why a deploy did not succeed."""

    code: str | None = None
    message: str


class Deployment(Answer):
    """A deploy, under way or over."""

    id: UUID
    status: str
    result: DeployResult | None = None
    error: DeployError | None = None


class Account(Answer):
    """The account a key acts in."""

    id: UUID
    name: str


class User(Answer):
    """Who the key is."""

    name: str
    role: str | None = None
