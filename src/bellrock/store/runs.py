"""Runs in SQL. A run is saved only by compare-and-set or under its lock, and never once it is final."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import CancelRequest
from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.runs import Lease, Run, RunState
from bellrock.store.columns import Instant
from bellrock.store.new_rows import NewRows
from bellrock.store.records import NewRun, RunMaterial, StoredRun
from bellrock.store.tables import runs

_SHOWN = [column for column in runs.c if column.name not in ("material", "sealed_environment")]

# Built once: SQLAlchemy takes longer to build such a statement than the database to carry it out.
_BY_ID = select(*_SHOWN).where(runs.c.id == bindparam("run_id"))
_JOB_BY_ID = select(*_SHOWN, *(runs.c[name] for name in ("material", "sealed_environment"))).where(
    runs.c.id == bindparam("run_id")
)
_OF_SESSIONS = (
    select(*_SHOWN)
    .where(runs.c.session_id.in_(bindparam("session_ids", expanding=True)))
    .order_by(runs.c.session_id, runs.c.position)
)
_OPEN_BY_IDS = (
    select(*_SHOWN)
    .where(runs.c.id.in_(bindparam("run_ids", expanding=True)), runs.c.state != RunState.FINAL)
    .order_by(runs.c.id)
    .with_for_update()
)
_ENDS_OF_SESSION = (
    select(runs.c.state, runs.c.verdict)
    .where(runs.c.session_id == bindparam("of_session"))
    .group_by(runs.c.state, runs.c.verdict)
)


_TIME_IS_UP = (
    select(runs.c.id, runs.c.state)
    .where(
        or_(
            and_(runs.c.state == RunState.RUNNING, runs.c.lease_until <= bindparam("at", type_=Instant())),
            and_(runs.c.state == RunState.RETRY_WAIT, runs.c.retry_at <= bindparam("at", type_=Instant())),
        )
    )
    .order_by(runs.c.queued_at)
    .limit(bindparam("most", type_=Integer()))
)


async def insert_runs(connection: AsyncConnection, new_runs: Sequence[NewRun]) -> None:
    """Insert fresh runs."""
    await _NEW.insert(connection, [_new_row(new) for new in new_runs])


async def load_run(connection: AsyncConnection, run_id: UUID) -> StoredRun | None:
    """A run, or None."""
    row = (await connection.execute(_BY_ID, {"run_id": run_id})).one_or_none()
    return None if row is None else _stored(row)


async def load_runs(connection: AsyncConnection, run_ids: Collection[UUID]) -> list[StoredRun]:
    """The runs that exist of those named, in the order of their ids."""
    query = select(*_SHOWN).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)
    return [_stored(row) for row in await connection.execute(query)]


async def runs_of_sessions(
    connection: AsyncConnection, session_ids: Collection[UUID]
) -> dict[UUID, list[StoredRun]]:
    """The runs of each session, in their order there."""
    found: dict[UUID, list[StoredRun]] = {session_id: [] for session_id in session_ids}
    for row in await connection.execute(_OF_SESSIONS, {"session_ids": list(session_ids)}):
        found[row.session_id].append(_stored(row))
    return found


async def load_job(
    connection: AsyncConnection, run_id: UUID
) -> tuple[StoredRun, RunMaterial, str | None] | None:
    """A run with what it executes and its sealed variables, or None."""
    row = (await connection.execute(_JOB_BY_ID, {"run_id": run_id})).one_or_none()
    return None if row is None else (_stored(row), row.material, row.sealed_environment)


async def save_run(connection: AsyncConnection, run: Run, *, seen_version: int, **beside: object) -> bool:
    """Write a run over the version that was seen. False: somebody else wrote first, or it is final."""
    seen = {"run_id": run.id, "seen_version": seen_version}
    statement = _SAVE if not beside else _SAVE.values(beside)
    return (await connection.execute(statement, _new_values_of(run) | seen)).rowcount == 1


async def lock_open_runs(connection: AsyncConnection, run_ids: Collection[UUID]) -> list[StoredRun]:
    """Those of the runs that are not final. Nobody else writes them until the transaction is over.

    In the order of their ids, as everybody locks them: else two transactions wait for each other. (On
    SQLite every writer is alone anyway.)
    """
    if not run_ids:
        return []
    found = await connection.execute(_OPEN_BY_IDS, {"run_ids": list(run_ids)})
    return [_stored(row) for row in found]


async def save_locked_runs(
    connection: AsyncConnection, changed: Sequence[Run], stages: Mapping[UUID, str]
) -> None:
    """Write runs that this transaction has locked; ``stages`` of those that say one."""
    if not changed:
        return
    new_stage = func.coalesce(bindparam("new_stage", type_=runs.c.stage.type), runs.c.stage)
    rows = [_new_values_of(run) | {"run_id": run.id, "new_stage": stages.get(run.id)} for run in changed]
    await connection.execute(_SAVE_LOCKED.values(stage=new_stage), rows)


async def verdicts_if_over(connection: AsyncConnection, session_id: UUID) -> set[Verdict] | None:
    """The verdicts of a session's runs once all are final, else None."""
    ends = list(await connection.execute(_ENDS_OF_SESSION, {"of_session": session_id}))
    if any(end.state is not RunState.FINAL for end in ends):
        return None
    return {end.verdict for end in ends}


async def ids_of_session(connection: AsyncConnection, session_id: UUID) -> list[UUID]:
    """The ids of a session's runs."""
    return list(await connection.scalars(select(runs.c.id).where(runs.c.session_id == session_id)))


async def runs_whose_time_is_up(
    connection: AsyncConnection, at: datetime, *, limit: int
) -> list[tuple[UUID, RunState]]:
    """Running runs whose lease is over, and runs whose wait between attempts is; the oldest first."""
    found = await connection.execute(_TIME_IS_UP, {"at": at, "most": limit})
    return [(row.id, row.state) for row in found]


async def runs_queued_since(connection: AsyncConnection, before: datetime, *, limit: int) -> list[UUID]:
    """Queued runs that were last offered before that time, longest waiting first."""
    query = select(runs.c.id).where(runs.c.state == RunState.QUEUED, runs.c.offered_at <= before)
    return list(await connection.scalars(query.order_by(runs.c.offered_at).limit(limit)))


async def cancels_in_flight(connection: AsyncConnection) -> list[StoredRun]:
    """Running runs that somebody asked to stop."""
    query = select(*_SHOWN).where(runs.c.state == RunState.RUNNING, runs.c.cancel_at.is_not(None))
    return [_stored(row) for row in await connection.execute(query)]


async def mark_offered(connection: AsyncConnection, run_id: UUID, at: datetime) -> None:
    """Remember when a queued run was last offered. No state of the run changes."""
    await connection.execute(update(runs).where(runs.c.id == run_id).values(offered_at=at))


async def count_open_runs(connection: AsyncConnection) -> int:
    """How many runs are not final."""
    query = select(func.count()).select_from(runs).where(runs.c.state != RunState.FINAL)
    return (await connection.execute(query)).scalar_one()


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """The runs of one location that are in one state, and since when the first of them waits."""

    location: str
    state: RunState
    number: int
    waiting_since: datetime


async def open_runs(connection: AsyncConnection) -> list[OpenRuns]:
    """How many runs are not final, by location and state."""
    waiting_since = func.min(func.coalesce(runs.c.requeued_at, runs.c.queued_at), type_=Instant())
    query = (
        select(runs.c.location, runs.c.state, func.count(), waiting_since)
        .where(runs.c.state != RunState.FINAL)
        .group_by(runs.c.location, runs.c.state)
    )
    return [OpenRuns(*row) for row in await connection.execute(query)]


_SAME_IN_BOTH = (
    *("id", "session_id", "account_id", "check_id", "check_type", "source", "location", "result_id"),
    *("queued_at", "state", "version", "attempt", "executions", "started_at", "stopped_at"),
    *("fenced", "retry", "retry_at", "requeued_at"),
)


_NEVER_CHANGES = frozenset(
    {
        "id",
        "session_id",
        "account_id",
        "check_id",
        "check_type",
        "source",
        "result_id",
        "queued_at",
    }
)
_OF_LEASE_CANCEL_AND_OUTCOME = (
    *("lease_token", "lease_runner_id", "lease_until", "cancel_at", "cancel_by", "cancel_via"),
    *("verdict", "blame", "outcome_code", "outcome_message"),
)
_NO_OUTCOME = (None, None, None, None)
_BESIDE = ("position", "check_name", "logical_id", "material", "sealed_environment")
_NEW = NewRows(runs, (*_SAME_IN_BOTH, *_OF_LEASE_CANCEL_AND_OUTCOME, *_BESIDE, "offered_at"))
_same = attrgetter(*_SAME_IN_BOTH)
_beside = attrgetter(*_BESIDE)
_SAVE_LOCKED = (
    update(runs)
    .where(runs.c.id == bindparam("run_id"))
    .values(
        {
            name: bindparam(f"new_{name}", type_=runs.c[name].type)
            for name in (*_SAME_IN_BOTH, *_OF_LEASE_CANCEL_AND_OUTCOME)
            if name not in _NEVER_CHANGES
        }
    )
)
_SAVE = _SAVE_LOCKED.where(runs.c.version == bindparam("seen_version"), runs.c.state != RunState.FINAL)


def _new_row(new: NewRun) -> tuple[object, ...]:
    return (*_row(new.run), *_beside(new), new.run.queued_at)


def _row(run: Run) -> tuple[object, ...]:
    lease, cancel, outcome = run.lease, run.cancel, run.outcome
    return (
        *_same(run),
        *((lease.token, lease.runner_id, lease.until) if lease else (None, None, None)),
        *((cancel.at, cancel.by, cancel.via) if cancel else (None, None, None)),
        *((outcome.verdict, outcome.blame, outcome.code, outcome.message) if outcome else _NO_OUTCOME),
    )


def _stored(row: Row[Any]) -> StoredRun:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    lease = cancel = outcome = None
    if of["lease_token"] is not None:
        lease = Lease(of["lease_token"], of["lease_runner_id"], of["lease_until"])
    if of["cancel_at"] is not None:
        cancel = CancelRequest(of["cancel_at"], of["cancel_by"], of["cancel_via"])
    if of["verdict"] is not None:
        outcome = Outcome(of["verdict"], of["blame"], of["outcome_code"], of["outcome_message"])
    same = {name: of[name] for name in _SAME_IN_BOTH}
    run = Run(**same, lease=lease, cancel=cancel, outcome=outcome)
    return StoredRun(run, of["check_name"], of["logical_id"], of["stage"])


def _new_values_of(run: Run) -> dict[str, Any]:
    values = zip((*_SAME_IN_BOTH, *_OF_LEASE_CANCEL_AND_OUTCOME), _row(run), strict=True)
    return {f"new_{name}": value for name, value in values if name not in _NEVER_CHANGES}
