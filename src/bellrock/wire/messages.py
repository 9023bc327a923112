"""The bodies of messages, as JSON. Version 1: a reader ignores fields it does not know."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import LiveEvent
from bellrock.domain.outcomes import Outcome
from bellrock.domain.receipts import RunnerReceipt, TestCounts
from bellrock.domain.specs import HostCertificate, Spec

MOST_TOGETHER_BYTES = 1024**2
"""Jobs or reports of a batch that are more go in several messages: one large one would hold up all others."""


class Message(BaseModel):
    """Base of all messages: frozen, versioned."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1

    def encode(self) -> bytes:
        """The JSON that goes on the wire."""
        return self.model_dump_json().encode()


class Offer(Message):
    """Dispatch: a run may be claimed. A hint, never a proof."""

    run_id: UUID


class Hello(Message):
    """A runner introduces itself, at start and after each reconnect.

    ``orphans_swept`` counts the processes of its former life that it ended at its start.
    """

    runner_id: str
    location: str
    version: str
    slots: int
    isolation: str
    guarantees: str
    started_at: datetime
    orphans_swept: int = 0


class HelloReply(Message):
    """What the control plane wants of its runners."""

    heartbeat_s: float
    lease_s: float


class ClaimRequest(Message):
    """A runner asks for a run, with a token of its own making."""

    run_id: UUID
    token: UUID
    runner_id: str


class Limits(Message):
    """What one run may use. Hitting one ends the run with an error that names it.

    Only ``cpus`` does not: a run that would keep more processors busy gets slower. None: all there are.
    """

    install_s: float = 300
    test_s: float = 1_800
    memory_bytes: int = 3 * 1024**3
    processes: int = 512
    disk_bytes: int = 2 * 1024**3
    output_bytes: int = 50 * 1024**2
    artifact_bytes: int = 150 * 1024**2
    cpus: float | None = None


AnySpec = Annotated[Spec, Field(discriminator="type")]
"""The record of any check type, as JSON with its type in it."""


class CheckJob(Message):
    """What a runner needs to carry out a check, whichever run of it this is.

    ``control_url`` is the base for `/runner/v1/...`; ``environment`` holds the check's own
    variables in clear (secrets flagged, to be scrubbed) and ``context`` the contract's variables
    (CHECKLY, ACCOUNT_ID, CHECKLY_RUN_SOURCE ...). ``client_certificates`` come oldest first.
    ``setup_scripts`` run before an API check's own, ``teardown_scripts`` after it, in this order.
    """

    account_id: UUID
    check_id: UUID | None
    check_name: str
    location: str
    spec: AnySpec
    environment: tuple[EnvironmentVariable, ...] = ()
    context: dict[str, str] = Field(default_factory=dict)
    client_certificates: tuple[HostCertificate, ...] = ()
    setup_scripts: tuple[str, ...] = ()
    teardown_scripts: tuple[str, ...] = ()
    refresh_cache: bool = False
    record: bool = True
    limits: Limits = Limits()
    control_url: str

    @property
    def has_secrets(self) -> bool:
        """Whether it may hold what is kept in memory for no longer than it is needed."""
        return bool(self.environment or self.client_certificates)

    @property
    def is_scheduled(self) -> bool:
        """Whether nobody asked for the run but the check's schedule."""
        return self.context.get("CHECKLY_RUN_SOURCE") == RunSource.SCHEDULER


class JobSpec(CheckJob):
    """Everything a runner needs to carry out one attempt of a run."""

    run_id: UUID
    session_id: UUID
    attempt: int
    attempt_id: UUID


class ClaimReply(Message):
    """Granted with a job, or refused with the reason (cancelled, taken, final, unknown)."""

    granted: bool
    reason: str | None = None
    job: JobSpec | None = None


class TicksOffer(Message):
    """A batch of monitors' ticks may be claimed. A hint, never a proof."""

    batch_id: UUID


class TicksClaim(Message):
    """A runner asks for a batch, with a token of its own making."""

    batch_id: UUID
    token: UUID
    runner_id: str


class TimedJob(Message):
    """The run of a tick: a first attempt, due now where ``due_at`` is over. ``job``: a `CheckJob` as JSON.

    As text, for it is the same from tick to tick: neither side makes it anew for each.
    """

    due_at: datetime
    run_id: UUID
    session_id: UUID
    attempt_id: UUID
    job: str


class TicksClaimReply(Message):
    """Granted with jobs, or refused: another has the batch, or it is over.

    Without a report for ``lease_s``, also an empty one, the batch is another's.
    """

    granted: bool
    jobs: tuple[TimedJob, ...] = ()
    lease_s: float = 5.0


class HeartbeatRequest(Message):
    """The runner still has these runs. Sent every heartbeat, and at once after a reconnect."""

    runner_id: str
    location: str
    busy_slots: int
    leftover_processes: int
    runs: tuple["HeldRun", ...]


class HeldRun(Message):
    """One run a runner has, and where it stands."""

    run_id: UUID
    token: UUID
    stage: str


class HeartbeatReply(Message):
    """Which runs to stop because somebody asked, and which are no longer the runner's."""

    stop: tuple[UUID, ...] = ()
    lost: tuple[UUID, ...] = ()


class CancelSignal(Message):
    """Stop this run, now."""

    run_id: UUID
    by: str
    via: str


class CancelAck(Message):
    """The runner's answer: it is stopping the run, or the suite had already ended by itself."""

    run_id: UUID
    stopping: bool
    reason: str | None = None


class Artifact(Message):
    """One file kept of a run. ``name`` is its path below the run's folder, with forward slashes."""

    name: str
    type: Literal["log", "trace", "video", "screenshot", "report", "file"]
    content_type: str
    size_bytes: int
    sha256: str
    test_id: str | None = None


SNAPSHOTS = "snapshots/"
"""What the names of pictures that a run made anew begin with; their place in the project follows."""


class Timing(Message):
    """How long a stage took."""

    stage: str
    duration_ms: int


class ReportedTest(Message):
    """The end state of one test, for result pages and reports."""

    id: str
    project: str
    file: str
    line: int
    title: tuple[str, ...]
    tags: tuple[str, ...]
    status: str
    retry: int
    duration_ms: int
    errors: tuple[dict[str, object], ...] = ()


class Report(Message):
    """How an attempt ended. ``details`` are type specific (a URL check's response and timings)."""

    run_id: UUID
    token: UUID
    outcome: Outcome
    started_at: datetime
    stopped_at: datetime
    response_time_ms: int | None
    tests: TestCounts | None = None
    test_list: tuple[ReportedTest, ...] = ()
    errors: tuple[str, ...] = ()
    timings: tuple[Timing, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    evidence_complete: bool = True
    receipt: RunnerReceipt | None = None
    processes_left: int = 0
    peak_memory_bytes: int | None = None
    details: dict[str, object] = Field(default_factory=dict)


class ReportReply(Message):
    """Accepted, or refused with the reason: then the runner drops what it still holds of the run."""

    accepted: bool
    reason: str | None = None


class TicksReport(Message):
    """How jobs of a batch ended, each with the batch's token. ``is_last``: no more follow."""

    batch_id: UUID
    token: UUID
    reports: tuple[Report, ...]
    is_last: bool


class Evidence(Message):
    """Artifacts that were ready only after the report."""

    run_id: UUID
    token: UUID
    artifacts: tuple[Artifact, ...]
    receipt: RunnerReceipt | None = None


class LiveBatch(Message):
    """A run's live events in order of ``seq``."""

    run_id: UUID
    session_id: UUID
    events: tuple[Annotated[LiveEvent, Field(discriminator="type")], ...]


class ReplayRequest(Message):
    """Events after ``after_seq``, at most ``limit`` of them."""

    run_id: UUID
    after_seq: int
    limit: int = 500


class Announcement(Message):
    """A run of a session changed: ``what`` is queued, running, cancelling, retry_wait or final."""

    account_id: UUID
    session_id: UUID
    run_id: UUID
    what: str


LIVE_EVENT: TypeAdapter[LiveEvent] = TypeAdapter(Annotated[LiveEvent, Field(discriminator="type")])
"""Reads and writes one live event, for files and server-sent events."""
