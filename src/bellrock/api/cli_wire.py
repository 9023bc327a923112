"""What command lines of the contract need beyond its published paths: bundles, and their own trigger."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from bellrock.api.auth import Caller, PlatformOf, RunCaller
from bellrock.api.bodies.base import Answer, Ask
from bellrock.api.bodies.details import file_link
from bellrock.api.bodies.test_session_asks import Metadata, RetryStrategy, RunLocation, Variable
from bellrock.api.links import LinksOf
from bellrock.domain.cancellation import RunSource
from bellrock.domain.errors import Forbidden, NotFound, TooLarge
from bellrock.domain.sessions import SessionKind
from bellrock.services import bundles, read_sessions, results, snapshots, start_session
from bellrock.services.start_session import Target, TestSessionRequest
from bellrock.services.views import SessionView

router = APIRouter(prefix="/next", include_in_schema=False)


class StoredBundle(Answer):
    """Where a bundle is, for a check's `codeBundlePath`."""

    key: str


@router.post("/checkly-storage/upload-code-bundle")
async def upload_code_bundle(
    request: Request, response: Response, platform: PlatformOf, caller: RunCaller
) -> StoredBundle:
    """Store a tar.gz, sent as the raw body."""
    # Clients drop their request stream as soon as they read an answer. A socket that was answered
    # early would be kept alive in a state nobody can use, and hold the client's process.
    response.headers["Connection"] = "close"
    limit = platform.settings.max_bundle_bytes
    chunks = request.stream()
    try:
        if int(request.headers.get("content-length", "0")) > limit:
            raise TooLarge(f"The bundle is too large, maximum allowed: {limit}")
        stored = await bundles.store_bundle(platform, caller, chunks)
    except TooLarge:
        await _read_to_the_end(chunks, most_bytes=limit)
        raise
    return StoredBundle(key=stored.key)


class StoredSnapshot(Answer):
    """Where a snapshot is, for a browser check's `snapshots`."""

    key: str


@router.post("/checkly-storage/upload")
async def upload_snapshot(
    request: Request, response: Response, platform: PlatformOf, caller: RunCaller
) -> StoredSnapshot:
    """Store a snapshot of a browser check, sent as the raw body."""
    response.headers["Connection"] = "close"  # as above
    chunks = request.stream()
    try:
        return StoredSnapshot(key=await snapshots.store_snapshot(platform, caller, chunks))
    except TooLarge:
        await _read_to_the_end(chunks, most_bytes=snapshots.MOST_BYTES)
        raise


class SnapshotAsk(Ask):
    """Which snapshot: an upload's key, or one that a result named."""

    key: Annotated[str, Field(min_length=1, max_length=2_000)]


@router.post("/checkly-storage/download")
async def download_snapshot(platform: PlatformOf, caller: Caller, body: SnapshotAsk) -> StreamingResponse:
    """A snapshot's bytes."""
    chunks = await snapshots.open_snapshot(platform, caller, body.key)
    return StreamingResponse(chunks, media_type="application/octet-stream")


async def _read_to_the_end(chunks: AsyncIterator[bytes], *, most_bytes: int) -> None:
    """A client that still sends does not read: hear it out, within reason, so that it gets its answer."""
    async for chunk in chunks:
        most_bytes -= len(chunk)
        if most_bytes < 0:
            return


class TriggerAsk(Ask):
    """Deployed checks to be run as a test session: ``targetTags`` as ``matchTags`` elsewhere."""

    name: Annotated[str, Field(min_length=1)]
    run_location: RunLocation
    should_record: bool = True
    target_tags: tuple[tuple[str, ...], ...] = ()
    check_id: tuple[UUID, ...] | None = None
    environment_variables: Annotated[tuple[Variable, ...], Field(max_length=200)] = ()
    repo_info: Metadata | None = None
    environment: str | None = None
    test_retry_strategy: RetryStrategy | None = None
    refresh_cache: bool = False
    check_run_suite_id: Annotated[str | None, Field(max_length=64)] = None

    def request(self) -> TestSessionRequest:
        """As the service wants it."""
        tags = tuple(group for group in self.target_tags if group)
        retry = self.test_retry_strategy.policy() if self.test_retry_strategy else None
        return TestSessionRequest(
            name=self.name,
            run_location=self.run_location.location(),
            target=Target(match_tags=tags, check_ids=self.check_id or ()),
            environment=tuple(variable.variable() for variable in self.environment_variables),
            retry=retry,
            refresh_cache=self.refresh_cache,
            git=(self.repo_info or Metadata()).git(environment=self.environment),
            source=RunSource.TRIGGER_RECORD if self.should_record else RunSource.TRIGGER_NO_RECORD,
            provider="TRIGGER",
            suite_id=self.check_run_suite_id,
        )


class TriggeredCheck(Answer):
    """A check that runs."""

    id: UUID
    name: str
    check_type: str


class Triggered(Answer):
    """The runs of each check. An unrecorded session has no id but that to wait with (see `Scheduled`)."""

    checks: tuple[TriggeredCheck, ...]
    sequence_ids: dict[str, UUID]
    test_session_id: UUID | None = None
    test_result_ids: dict[str, UUID] | None = None
    unrecorded_session_id: UUID | None = None


@router.post("/test-sessions/trigger", response_model_exclude_none=True)
async def trigger_test_session(platform: PlatformOf, caller: RunCaller, body: TriggerAsk) -> Triggered:
    """Start a test session of deployed checks."""
    try:
        view = await start_session.trigger_test_session(platform, caller, body.request())
    except NotFound as nothing:
        raise Forbidden(nothing.message, code="ERR_NO_MATCHING_CHECKS") from nothing
    return _triggered(view, recorded=body.should_record)


class SessionLink(Answer):
    """Where a person sees the session."""

    link: str


@router.get("/test-sessions/{testSessionId}/link")
async def get_session_link(
    testSessionId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> SessionLink:
    """The page of a test session."""
    view = await read_sessions.get_session(platform, caller, SessionKind.TEST, session_id=testSessionId)
    return SessionLink(link=links.session(view.session.id))


class ResultLinks(Answer):
    """Where a person sees a result, and the files that explain it."""

    test_result_link: str
    test_trace_links: tuple[str, ...]
    video_links: tuple[str, ...]
    screenshot_links: tuple[str, ...]


@router.get("/test-sessions/{testSessionId}/results/{testSessionResultId}/links")
async def get_result_links(
    testSessionId: UUID,  # noqa: N803
    testSessionResultId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> ResultLinks:
    """The page and the files of a result."""
    view, run, result = await results.get_session_result(
        platform, caller, SessionKind.TEST, session_id=testSessionId, result_id=testSessionResultId
    )

    def files(kind: str) -> tuple[str, ...]:
        kept = result.artifacts if result else ()
        return tuple(file_link(result, each, links) for each in kept if result and each.type == kind)

    return ResultLinks(
        test_result_link=links.run(view.session.id, run.run.id),
        test_trace_links=files("trace"),
        video_links=files("video"),
        screenshot_links=files("screenshot"),
    )


def _triggered(view: SessionView, *, recorded: bool) -> Triggered:
    runs = [(str(run.run.check_id), run) for run in view.runs]
    checks = (
        TriggeredCheck(id=run.run.check_id, name=run.check_name, check_type=run.run.check_type)
        for _, run in runs
        if run.run.check_id
    )
    return Triggered(
        checks=tuple(checks),
        sequence_ids={check_id: run.run.id for check_id, run in runs},
        test_session_id=view.session.id if recorded else None,
        test_result_ids={check_id: run.run.result_id for check_id, run in runs} if recorded else None,
        unrecorded_session_id=None if recorded else view.session.id,
    )
