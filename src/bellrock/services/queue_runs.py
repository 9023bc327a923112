"""A session and its queued runs are written, with the orders to dispatch them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from bellrock.domain.checks import CheckType, EnvironmentVariable
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.runs import Announce, Dispatch, Run
from bellrock.domain.sessions import Session
from bellrock.services.environment import seal
from bellrock.services.ids import new_id
from bellrock.services.work import Work
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


@dataclass(frozen=True, slots=True)
class QueuedSession:
    """A session as it was written, with its runs in their order."""

    session: Session
    runs: tuple[StoredRun, ...]


async def queue_session(work: Work, session: Session, jobs: Sequence[Job]) -> QueuedSession:
    """Write the session, one queued run per job, and the orders that offer them to runners."""
    new_runs = [_new_run(work, session, job, position) for position, job in enumerate(jobs)]
    await insert_sessions(work.connection, [session])
    await insert_runs(work.connection, new_runs)
    await work.order(*(Dispatch(new.run.id, new.run.location) for new in new_runs))
    await work.order(Announce(session.account_id, session.id, new_runs[0].run.id, "queued"))
    work.sessions_started.append(session)
    log.info(
        "session.started",
        session_id=str(session.id),
        kind=str(session.kind),
        source=str(session.source),
        runs=len(new_runs),
    )
    stored = (StoredRun(new.run, new.check_name, new.logical_id, stage=None) for new in new_runs)
    return QueuedSession(session, tuple(stored))


def _new_run(work: Work, session: Session, job: Job, position: int) -> NewRun:
    run = Run(
        id=new_id(),
        session_id=session.id,
        account_id=session.account_id,
        check_id=job.check_id,
        check_type=job.type,
        source=session.source,
        location=job.location,
        result_id=new_id(),
        queued_at=work.at,
        retry=job.retry,
    )
    sealed = seal(work.platform.vault, job.environment)
    return NewRun(run, position, job.name, job.logical_id, job.material, sealed)
