"""A session and its queued runs are written, with the orders to dispatch them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from bellrock.domain.checks import KEPT_TYPES, EnvironmentVariable
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.runs import Announce, Dispatch, NotSupported, Run
from bellrock.domain.sessions import Session
from bellrock.domain.specs import CheckType
from bellrock.services.environment import seal
from bellrock.services.ids import new_id
from bellrock.services.work import Work, advance_together
from bellrock.store.records import NewRun, RunMaterial, StoredRun
from bellrock.store.runs import insert_runs
from bellrock.store.sessions import insert_sessions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What one run of a new session executes, and where."""

    check_id: UUID | None
    type: CheckType
    name: str
    logical_id: str | None
    location: str
    material: RunMaterial
    environment: tuple[EnvironmentVariable, ...] = ()
    retry: RetryPolicy | None = None
    sealed_environment: str | None = None
    """A check's variables as they are stored, in place of ``environment``."""
    run_id: UUID | None = None
    result_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class QueuedSession:
    """A session as it was written, with its runs in their order."""

    session: Session
    runs: tuple[StoredRun, ...]


async def queue_session(work: Work, session: Session, jobs: Sequence[Job]) -> QueuedSession:
    """Write the session, one queued run per job, and the orders that offer them to runners.

    Runs of types that this version cannot run end at once, by an error; they come back as they were queued.
    """
    (new_runs,) = await queue_sessions(work, [(session, jobs)])
    unsupported = [new.run.id for new in new_runs if new.run.check_type in KEPT_TYPES]
    if unsupported:
        await work.lock(session.id)
        await advance_together(work, {run_id: NotSupported() for run_id in unsupported})
    log.info(
        "session.started",
        session_id=str(session.id),
        kind=str(session.kind),
        source=str(session.source),
        runs=len(new_runs),
    )
    stored = (StoredRun(new.run, new.check_name, new.logical_id, stage=None) for new in new_runs)
    return QueuedSession(session, tuple(stored))


async def queue_sessions(
    work: Work, new: Sequence[tuple[Session, Sequence[Job]]]
) -> tuple[tuple[NewRun, ...], ...]:
    """Write many sessions, each with its runs and orders, in as many statements as for one."""
    runs = tuple(
        tuple(_new_run(work, session, job, position) for position, job in enumerate(jobs))
        for session, jobs in new
    )
    all_runs = [each.run for of_session in runs for each in of_session]
    await insert_sessions(work.connection, [session for session, _ in new])
    await insert_runs(work.connection, [each for of_session in runs for each in of_session])
    firsts = (of_session[0].run for of_session in runs)
    await work.order(
        *(Dispatch(run.id, run.location) for run in all_runs if run.check_type not in KEPT_TYPES),
        *(Announce(run.account_id, run.session_id, run.id, "queued") for run in firsts),
    )
    work.sessions_started += [session for session, _ in new]
    return runs


def _new_run(work: Work, session: Session, job: Job, position: int) -> NewRun:
    run = Run(
        id=job.run_id or new_id(),
        session_id=session.id,
        account_id=session.account_id,
        check_id=job.check_id,
        check_type=job.type,
        source=session.source,
        location=job.location,
        result_id=job.result_id or new_id(),
        queued_at=work.at,
        retry=job.retry,
    )
    sealed = job.sealed_environment or seal(work.platform.vault, job.environment)
    return NewRun(run, position, job.name, job.logical_id, job.material, sealed)
