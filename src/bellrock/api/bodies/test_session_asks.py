"""What a test session is asked for with: deployed checks by target, or checks carried in the body."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from bellrock.api.bodies.base import Answer, Ask
from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import Invalid
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.sessions import GitMetadata
from bellrock.domain.specs import Dependency
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.check_payload.shared_files import with_shared_files
from bellrock.services.group_payload import group_of_job
from bellrock.services.snapshots import updating
from bellrock.services.start_session import (
    InlineJob,
    InlineSessionRequest,
    Target,
    TestSessionRequest,
    sequence_ids,
)
from bellrock.services.views import SessionView


class TestSessionTarget(Ask):
    """Which checks to run, as for check sessions; deactivated ones only on demand."""

    __test__ = False

    match_tags: tuple[tuple[Annotated[str, Field(min_length=1)], ...], ...] = ()
    check_id: tuple[UUID, ...] = ()
    allow_deactivated: bool = False


class Variable(Ask):
    """An environment variable of this session only."""

    key: Annotated[str, Field(min_length=1, max_length=500)]
    value: str | None = None
    locked: bool = False
    secret: bool = False

    def variable(self) -> EnvironmentVariable:
        """As the domain has it; no value is an empty one."""
        return EnvironmentVariable(self.key, self.value or "", self.locked, self.secret)


class RetryStrategy(Ask):
    """How often a failed check is tried again, and after how long."""

    type: Backoff
    base_backoff_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60
    same_region: bool = True
    max_retries: Annotated[int, Field(ge=1, le=10)] = 2
    max_duration_seconds: Annotated[float, Field(ge=0, le=600)] = 600
    only_on: tuple[Literal["NETWORK_ERROR"], ...] = ()

    def policy(self) -> RetryPolicy:
        """As the domain has it."""
        return RetryPolicy(
            self.type,
            base_backoff_s=self.base_backoff_seconds,
            max_retries=self.max_retries,
            max_duration_s=self.max_duration_seconds,
            same_region=self.same_region,
        )


class Metadata(Ask):
    """Where the code under test comes from."""

    environment: Annotated[str | None, Field(min_length=1)] = None
    repo_url: str | None = None
    commit_id: str | None = None
    commit_owner: str | None = None
    commit_message: str | None = None
    branch_name: str | None = None

    def git(self, *, environment: str | None = None) -> GitMetadata:
        """As the domain has it."""
        return GitMetadata(
            environment=environment or self.environment,
            repo_url=self.repo_url,
            commit_id=self.commit_id,
            commit_owner=self.commit_owner,
            commit_message=self.commit_message,
            branch_name=self.branch_name,
        )


class TriggerTestSession(Ask):
    """The body of trigger: deployed checks, all at one location."""

    name: Annotated[str, Field(min_length=1)]
    run_location: Annotated[str, Field(min_length=1)]
    target: TestSessionTarget = TestSessionTarget()
    environment_variables: Annotated[tuple[Variable, ...], Field(max_length=50)] = ()
    retry_strategy: RetryStrategy | None = None
    refresh_cache: bool = False
    metadata: Metadata = Metadata()

    def request(self) -> TestSessionRequest:
        """As the service wants it."""
        target = Target(self.target.match_tags, self.target.check_id, self.target.allow_deactivated)
        return TestSessionRequest(
            name=self.name,
            run_location=self.run_location,
            target=target,
            environment=tuple(variable.variable() for variable in self.environment_variables),
            retry=self.retry_strategy.policy() if self.retry_strategy else None,
            refresh_cache=self.refresh_cache,
            git=self.metadata.git(),
        )


class RunLocation(Ask):
    """Where to run: a public region, or a private location by its slug."""

    type: Literal["PUBLIC", "PRIVATE"] = "PUBLIC"
    region: str | None = None
    slug_name: str | None = None

    def location(self) -> str:
        """The location's name."""
        name = self.region if self.type == "PUBLIC" else self.slug_name
        if not name:
            field = "region" if self.type == "PUBLIC" else "slugName"
            raise Invalid(f"runLocation.{field} (body) is missing.")
        return name


class SourceInfo(Ask):
    """What the client calls the session that it is about to start, and whether it wants new snapshots."""

    check_run_suite_id: Annotated[str | None, Field(max_length=64)] = None
    update_snapshots: bool = False


class SharedFile(Ask):
    """A file that checks of the request name by its place in the list."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]
    content: str

    def file(self) -> Dependency:
        """As the domain has it."""
        return Dependency(self.path, self.content)


class Job(Ask):
    """A check that is not deployed: its payload, with the logical id it has in its project.

    ``group`` is the whole group that it will be in, where ``groupId`` names one of the project.
    """

    model_config = ConfigDict(extra="allow")

    logical_id: Annotated[str, Field(min_length=1, max_length=500)]
    file_path: str | None = None
    test_retry_strategy: RetryStrategy | None = None
    source_info: SourceInfo = SourceInfo()
    group: dict[str, Any] | None = None

    def job(self, index: int, shared: Sequence[Dependency]) -> InlineJob:
        """As the service wants it."""
        where = f"checkRunJobs[{index}]."
        payload = with_shared_files(self.model_extra or {}, shared, where=where)
        group = None if self.group is None else group_of_job(self.group, where=f"{where}group.")
        if group is not None:
            payload.pop("groupId", None)
        retry = self.test_retry_strategy.policy() if self.test_retry_strategy else None
        draft = draft_from_payload(payload, where=where)
        if self.source_info.update_snapshots:
            draft = replace(draft, spec=updating(draft.spec))
        return InlineJob(self.logical_id, draft, retry=retry, file_path=self.file_path, group=group)


class ProjectOfJobs(Ask):
    """The project that the checks are of; it need not be deployed."""

    logical_id: Annotated[str, Field(min_length=1, max_length=255)]


class RunTestSession(Ask):
    """The body of run: checks carried in the body."""

    name: Annotated[str, Field(min_length=1)]
    project: ProjectOfJobs | None = None
    run_location: RunLocation
    check_run_jobs: Annotated[tuple[Job, ...], Field(min_length=1, max_length=1_000)]
    shared_files: tuple[SharedFile, ...] = ()
    repo_info: Metadata | None = None
    environment: str | None = None
    should_record: bool = True
    stream_logs: bool = False
    refresh_cache: bool = False

    def request(self) -> InlineSessionRequest:
        """As the service wants it."""
        logical_ids = [job.logical_id for job in self.check_run_jobs]
        twice = next((name for name in logical_ids if logical_ids.count(name) > 1), None)
        if twice:
            raise Invalid(f"checkRunJobs (body) is not right: the logicalId {twice[:80]!r} is there twice.")
        shared = [each.file() for each in self.shared_files]
        return InlineSessionRequest(
            name=self.name,
            run_location=self.run_location.location(),
            jobs=tuple(job.job(index, shared) for index, job in enumerate(self.check_run_jobs)),
            refresh_cache=self.refresh_cache,
            git=(self.repo_info or Metadata()).git(environment=self.environment),
            source=RunSource.TEST_RECORD if self.should_record else RunSource.TEST_NO_RECORD,
            suite_id=self.check_run_jobs[0].source_info.check_run_suite_id,
            streams_logs=self.stream_logs,
            project_id=self.project.logical_id if self.project else None,
        )


class Started(Answer):
    """A session that has been started, with the sequence id of each job.

    An unrecorded session is no test session that could be looked up or stopped: whoever started it
    gets an id of another kind, to wait with (our addition).
    """

    sequence_ids: dict[str, UUID]
    test_session_id: UUID | None = None
    test_result_ids: dict[str, UUID] | None = None
    unrecorded_session_id: UUID | None = None


def started_fields(view: SessionView, *, recorded: bool) -> dict[str, Any]:
    """What `Started` says of a session."""
    ids = sequence_ids(view)
    if not recorded:
        return {"sequence_ids": ids, "unrecorded_session_id": view.session.id}
    results_of = {run.run.id: run.run.result_id for run in view.runs}
    return {
        "sequence_ids": ids,
        "test_session_id": view.session.id,
        "test_result_ids": {name: results_of[run_id] for name, run_id in ids.items()},
    }


class Scheduled(Started):
    """The answer of run."""

    scheduling_id: str


class Scheduling(Answer):
    """How the scheduling of a session ended. Ours is done before run answers."""

    scheduling_id: str
    test_session_id: UUID | None
    status: Literal["SUCCEEDED"]
    checks_total: int
    error: None
    created_at: str
    started_at: str
    ended_at: str
