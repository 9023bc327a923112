"""Sessions begin here: which checks are meant, and one queued run for each of their locations."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.cancellation import RunSource, is_recorded
from bellrock.domain.checks import KEPT_TYPES, RUNNABLE, Check, EnvironmentVariable
from bellrock.domain.errors import Conflict, Invalid, NotBuilt, NotFound
from bellrock.domain.groups import CheckGroup, prepared, snippets_of
from bellrock.domain.locations import refuse_unknown_locations
from bellrock.domain.retries import RetryPolicy, policy_of_run
from bellrock.domain.sessions import GitMetadata, Session, SessionKind
from bellrock.domain.specs import SUITES
from bellrock.expressions.tags import matches
from bellrock.services.checks import CheckDraft, refuse_bad_specs
from bellrock.services.environment import merged, unseal
from bellrock.services.grouping import with_groups
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.services.private_locations import usable_locations
from bellrock.services.queue_runs import Job, QueuedSession, queue_session
from bellrock.services.session_views import run_view, served_locations, session_view
from bellrock.services.views import SessionView
from bellrock.services.work import Work, unit_of_work
from bellrock.store.checks import StoredCheck, all_checks, load_check
from bellrock.store.records import RunMaterial
from bellrock.store.snippets import load_snippets

_LONGEST_NAME = 255
_CAN_BE_ASKED = RUNNABLE | KEPT_TYPES  # who asks for what cannot run gets an error as its result


@dataclass(frozen=True, slots=True)
class Target:
    """Which checks are meant: by tags (OR of ANDs, ``!tag`` for not) AND by id; nothing means all.

    None and an empty sequence of ids both mean "no filter by id".
    """

    match_tags: tuple[tuple[str, ...], ...] = ()
    check_ids: tuple[UUID, ...] = ()
    allow_deactivated: bool = False


@dataclass(frozen=True, slots=True)
class TestSessionRequest:
    """A test session of deployed checks, all at one location."""

    __test__ = False

    name: str
    run_location: str
    target: Target = Target()
    environment: tuple[EnvironmentVariable, ...] = ()
    retry: RetryPolicy | None = None
    refresh_cache: bool = False
    git: GitMetadata = field(default_factory=GitMetadata)
    source: RunSource = RunSource.TRIGGER_API
    provider: str = "API"
    suite_id: str | None = None
    streams_logs: bool = False


@dataclass(frozen=True, slots=True)
class InlineJob:
    """An undeployed check of a project, with its variables in the draft. Its locations do not count.

    ``group`` is the one that it will be in, undeployed as well, with its variables in clear.
    """

    logical_id: str
    draft: CheckDraft
    retry: RetryPolicy | None = None
    file_path: str | None = None
    group: CheckGroup | None = None


@dataclass(frozen=True, slots=True)
class InlineSessionRequest:
    """A test session of undeployed checks. ``source`` says whether it is recorded (TEST_RECORD).

    ``project_id`` is the logical id of their project.
    """

    name: str
    run_location: str
    jobs: tuple[InlineJob, ...]
    environment: tuple[EnvironmentVariable, ...] = ()
    refresh_cache: bool = False
    git: GitMetadata = field(default_factory=GitMetadata)
    source: RunSource = RunSource.TEST_RECORD
    provider: str = "API"
    suite_id: str | None = None
    streams_logs: bool = False
    project_id: str | None = None


async def trigger_check_sessions(
    platform: Platform,
    principal: Principal,
    *,
    target: Target,
    refresh_cache: bool = False,
    source: RunSource = RunSource.TRIGGER_API,
) -> tuple[SessionView, ...]:
    """Start one check session per activated check meant, at all its locations, in one transaction.

    Raises NotFound where no check is meant. Needs RUN.
    """
    principal.must(Right.RUN)
    async with unit_of_work(platform) as work:
        checks = await _checks_meant(work.connection, principal, target)
        queued = [
            await queue_check_session(work, check, principal, source=source, refresh_cache=refresh_cache)
            for check in checks
        ]
        return await _views(work, queued)


async def start_check_session(
    platform: Platform,
    principal: Principal,
    *,
    check_id: UUID,
    source: RunSource = RunSource.SCHEDULE_NOW,
    refresh_cache: bool = False,
) -> SessionView:
    """Start one check's session ("Schedule now"). Raises NotFound, Conflict if deactivated. Needs RUN."""
    principal.must(Right.RUN)
    async with unit_of_work(platform) as work:
        stored = await load_check(work.connection, principal.account_id, check_id)
        if stored is None:
            raise NotFound(f"There is no check {check_id}.")
        (stored,) = await with_groups(work.connection, principal.account_id, [stored])
        if not stored.check.activated:
            said = "This check or its group is deactivated: activate it to run it."
            raise Conflict(said, code="CHECK_DEACTIVATED")
        queued = await queue_check_session(
            work, stored, principal, source=source, refresh_cache=refresh_cache
        )
        return (await _views(work, [queued]))[0]


async def trigger_test_session(
    platform: Platform, principal: Principal, request: TestSessionRequest
) -> SessionView:
    """Start a test session of deployed checks. Raises NotFound where none is meant, Invalid. Needs RUN."""
    principal.must(Right.RUN)
    async with unit_of_work(platform) as work:
        await _refuse_bad_location(work.connection, principal, request.run_location)
        checks = await _checks_meant(work.connection, principal, request.target)
        session = _test_session(work, principal, request)
        jobs = [
            Job(
                check_id=stored.check.id,
                type=stored.check.type,
                name=stored.check.name,
                logical_id=stored.check.logical_id,
                location=request.run_location,
                material=RunMaterial(stored.check.spec, request.refresh_cache, record=session.recorded),
                environment=merged(unseal(platform.vault, stored.sealed_environment), request.environment),
                retry=request.retry,
            )
            for stored in checks
        ]
        return (await _views(work, [await queue_session(work, session, jobs)]))[0]


async def run_test_session(
    platform: Platform, principal: Principal, request: InlineSessionRequest
) -> SessionView:
    """Start a test session of inline jobs. Each job's sequence id is its run's id (`sequence_ids`).

    Raises Invalid naming job and field. Needs RUN.
    """
    principal.must(Right.RUN)
    _refuse_bad_jobs(request.jobs)
    async with unit_of_work(platform) as work:
        await _refuse_bad_location(work.connection, principal, request.run_location)
        drafts = [(f"{job.logical_id}: ", job.draft) for job in request.jobs]
        await refuse_bad_specs(work.connection, principal.account_id, drafts)
        session = replace(_test_session(work, principal, request), project_id=request.project_id)
        jobs = [await _inline_job(work, job, request, session) for job in request.jobs]
        return (await _views(work, [await queue_session(work, session, jobs)]))[0]


async def queue_check_session(
    work: Work,
    stored: StoredCheck,
    principal: Principal,
    *,
    source: RunSource,
    refresh_cache: bool,
) -> QueuedSession:
    """Put one check's session and its runs into the open transaction."""
    session = replace(check_session(stored, source, at=work.at), started_by=principal.name)
    # Opened here although it is stored sealed: what cannot be opened must not be queued.
    environment = unseal(work.platform.vault, stored.sealed_environment)
    jobs = [
        replace(check_job(stored, each, refresh_cache=refresh_cache), environment=environment)
        for each in session.locations
    ]
    return await queue_session(work, session, jobs)


def check_session(
    stored: StoredCheck,
    source: RunSource,
    *,
    at: datetime,
    session_id: UUID | None = None,
    locations: tuple[str, ...] | None = None,
    stopped_at: datetime | None = None,
    status: str | None = None,
) -> Session:
    """A check's session, at all its locations and with a fresh id unless said, as it begins or has ended."""
    check = stored.check
    return Session(
        id=session_id or new_id(),
        account_id=check.account_id,
        kind=SessionKind.CHECK,
        name=check.name,
        source=source,
        started_at=at,
        locations=check.places if locations is None else locations,
        check_id=check.id,
        check_type=check.type,
        stopped_at=stopped_at,
        status=status,
    )


def check_job(stored: StoredCheck, location: str, *, refresh_cache: bool = False) -> Job:
    """What a run of a check session executes."""
    check = stored.check
    return Job(
        check_id=check.id,
        type=check.type,
        name=check.name,
        logical_id=check.logical_id,
        location=location,
        material=RunMaterial(check.spec, refresh_cache),
        sealed_environment=stored.sealed_environment,
        retry=_retry_of(check, location),
    )


def _retry_of(check: Check, location: str) -> RetryPolicy | None:
    if check.type in SUITES or check.policy.retry is None:
        return None
    return policy_of_run(check.policy.retry, location, check.places)


async def _views(work: Work, queued: Sequence[QueuedSession]) -> tuple[SessionView, ...]:
    """The sessions as they are now, before anybody can have changed them."""
    platform = work.platform
    served = await served_locations(platform, work.connection, work.at)
    return tuple(
        session_view(
            each.session, [run_view(platform, run, (), served=served) for run in each.runs], at=work.at
        )
        for each in queued
    )


async def _checks_meant(
    connection: AsyncConnection, principal: Principal, target: Target
) -> list[StoredCheck]:
    wanted = set(target.check_ids)
    known = await all_checks(connection, principal.account_id)
    meant = [
        stored
        for stored in await with_groups(connection, principal.account_id, known)
        if stored.check.type in _CAN_BE_ASKED
        and (stored.check.activated or target.allow_deactivated)
        and (not wanted or stored.check.id in wanted)
        and matches(target.match_tags, stored.check.tags)
        and stored.check.places
    ]
    if not meant:
        raise NotFound("No check matches: look at the tags, the ids, and whether they are activated.")
    return meant


def _test_session(
    work: Work, principal: Principal, request: TestSessionRequest | InlineSessionRequest
) -> Session:
    if not request.name.strip():
        raise Invalid("name: a test session needs one.")
    return Session(
        id=new_id(),
        account_id=principal.account_id,
        kind=SessionKind.TEST,
        name=request.name[:_LONGEST_NAME],
        source=request.source,
        started_at=work.at,
        locations=(request.run_location,),
        started_by=principal.name,
        provider=request.provider,
        git=request.git,
        recorded=is_recorded(request.source),
        suite_id=request.suite_id,
        streams_logs=request.streams_logs,
    )


async def _inline_job(work: Work, job: InlineJob, request: InlineSessionRequest, session: Session) -> Job:
    draft = job.draft
    material = RunMaterial(draft.spec, request.refresh_cache, session.recorded, job.file_path)
    environment = draft.environment or ()
    if job.group is not None:
        material, environment = await _in_its_group(work, session, job, job.group, material)
    return Job(
        check_id=None,
        type=draft.type,
        name=draft.name,
        logical_id=job.logical_id,
        location=request.run_location,
        material=material,
        environment=merged(environment, request.environment),
        retry=job.retry,
    )


async def _in_its_group(
    work: Work, session: Session, job: InlineJob, group: CheckGroup, material: RunMaterial
) -> tuple[RunMaterial, tuple[EnvironmentVariable, ...]]:
    """What the job executes with what its group adds: no group is found by its check when it is claimed."""
    needed = snippets_of(job.draft.spec, group)
    found = await load_snippets(work.connection, session.account_id, needed) if needed else {}
    scripts = {each.id: each.script for each in found.values()}
    complete = prepared(job.draft.spec, job.draft.environment or (), group=group, snippets=scripts)
    material = replace(
        material,
        spec=complete.spec,
        setup_scripts=complete.setup_scripts,
        teardown_scripts=complete.teardown_scripts,
    )
    return material, complete.environment


def _refuse_bad_jobs(jobs: tuple[InlineJob, ...]) -> None:
    if not jobs:
        raise Invalid("checkRunJobs: at least one job is needed.")
    for job in jobs:
        if job.draft.type not in _CAN_BE_ASKED:
            raise NotBuilt(
                f"checkRunJobs[{job.logical_id}].checkType: {job.draft.type} checks cannot be run."
            )
    names = [job.logical_id for job in jobs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Invalid(f"checkRunJobs: the logical id {repeated[0]!r} is there twice.")


async def _refuse_bad_location(connection: AsyncConnection, principal: Principal, location: str) -> None:
    served = await usable_locations(connection, principal.account_id, wanted=[location])
    refuse_unknown_locations([location], served=served, field="runLocation")


def sequence_ids(view: SessionView) -> dict[str, UUID]:
    """The sequence id of each job, by logical id (else by check id)."""
    return {run.logical_id or str(run.run.check_id): run.run.id for run in view.runs}
