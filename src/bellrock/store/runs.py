"""Runs in SQL. A run is saved only by compare-and-set or under its lock, and never once it is final."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import CancelRequest
from bellrock.domain.outcomes import Outcome
from bellrock.domain.runs import Lease, Run, RunState
from bellrock.store.records import NewRun, RunMaterial, StoredRun
from bellrock.store.tables import runs

_SHOWN = [column for column in runs.c if column.name not in ("material", "sealed_environment")]


async def insert_runs(connection: AsyncConnection, new_runs: Sequence[NewRun]) -> None:
    """Insert fresh runs."""
    await connection.execute(insert(runs), [_new_values(new) for new in new_runs])


async def load_run(connection: AsyncConnection, run_id: UUID) -> StoredRun | None:
    """A run, or None."""
    row = (await connection.execute(select(*_SHOWN).where(runs.c.id == run_id))).one_or_none()
    return None if row is None else _stored(row)


async def load_runs(connection: AsyncConnection, run_ids: Collection[UUID]) -> list[StoredRun]:
    """The runs that exist of those named, in the order of their ids."""
    return await _many(connection, select(*_SHOWN).where(runs.c.id.in_(run_ids)).order_by(runs.c.id))


async def runs_of_sessions(
    connection: AsyncConnection, session_ids: Collection[UUID]
) -> dict[UUID, list[StoredRun]]:
    """The runs of each session, in their order there."""
    query = select(*_SHOWN).where(runs.c.session_id.in_(session_ids))
    found: dict[UUID, list[StoredRun]] = {session_id: [] for session_id in session_ids}
    for stored in await _many(connection, query.order_by(runs.c.session_id, runs.c.position)):
        found[stored.run.session_id].append(stored)
    return found


async def load_material(connection: AsyncConnection, run_id: UUID) -> tuple[RunMaterial, str | None]:
    """What a run executes, and its sealed variables."""
    query = select(runs.c.material, runs.c.sealed_environment).where(runs.c.id == run_id)
    row = (await connection.execute(query)).one()
    return row.material, row.sealed_environment


async def save_run(connection: AsyncConnection, run: Run, *, seen_version: int, **beside: object) -> bool:
    """Write a run over the version that was seen. False: somebody else wrote first, or it is final."""
    statement = (
        update(runs)
        .where(runs.c.id == run.id, runs.c.version == seen_version, runs.c.state != RunState.FINAL)
        .values(**_values(run), **beside)
    )
    return (await connection.execute(statement)).rowcount == 1


async def lock_open_runs(connection: AsyncConnection, run_ids: Collection[UUID]) -> list[StoredRun]:
    """Those of the runs that are not final. Nobody else writes them until the transaction is over.

    In the order of their ids, as everybody locks them: else two transactions wait for each other. (On
    SQLite every writer is alone anyway.)
    """
    query = select(*_SHOWN).where(runs.c.id.in_(run_ids), runs.c.state != RunState.FINAL)
    return await _many(connection, query.order_by(runs.c.id).with_for_update())


async def save_locked_runs(
    connection: AsyncConnection, changed: Sequence[Run], stages: Mapping[UUID, str]
) -> None:
    """Write runs that this transaction has locked; ``stages`` of those that say one."""
    if not changed:
        return
    new_stage = func.coalesce(bindparam("new_stage", type_=runs.c.stage.type), runs.c.stage)
    names = [name for name in _values(changed[0]) if name != "id"]
    statement = (
        update(runs)
        .where(runs.c.id == bindparam("run_id"))
        .values({name: bindparam(f"new_{name}", type_=runs.c[name].type) for name in names})
        .values(stage=new_stage)
    )
    rows = []
    for run in changed:
        values = _values(run)
        row = {f"new_{name}": values[name] for name in names}
        rows.append(row | {"run_id": run.id, "new_stage": stages.get(run.id)})
    await connection.execute(statement, rows)


async def has_open_runs(connection: AsyncConnection, session_id: UUID) -> bool:
    """Whether any run of the session is not final."""
    query = select(runs.c.id).where(runs.c.session_id == session_id, runs.c.state != RunState.FINAL)
    return await connection.scalar(query.limit(1)) is not None


async def ids_of_session(connection: AsyncConnection, session_id: UUID) -> list[UUID]:
    """The ids of a session's runs."""
    return list(await connection.scalars(select(runs.c.id).where(runs.c.session_id == session_id)))


async def runs_with_lease_over(connection: AsyncConnection, at: datetime, *, limit: int) -> list[UUID]:
    """Running runs whose lease ended before ``at``."""
    query = select(runs.c.id).where(runs.c.state == RunState.RUNNING, runs.c.lease_until <= at)
    return list(await connection.scalars(query.order_by(runs.c.lease_until).limit(limit)))


async def runs_with_retry_due(connection: AsyncConnection, at: datetime, *, limit: int) -> list[UUID]:
    """Runs whose wait between attempts is over."""
    query = select(runs.c.id).where(runs.c.state == RunState.RETRY_WAIT, runs.c.retry_at <= at)
    return list(await connection.scalars(query.order_by(runs.c.retry_at).limit(limit)))


async def runs_queued_since(connection: AsyncConnection, before: datetime, *, limit: int) -> list[UUID]:
    """Queued runs that were last offered before that time, longest waiting first."""
    query = select(runs.c.id).where(runs.c.state == RunState.QUEUED, runs.c.offered_at <= before)
    return list(await connection.scalars(query.order_by(runs.c.offered_at).limit(limit)))


async def cancels_in_flight(connection: AsyncConnection) -> list[StoredRun]:
    """Running runs that somebody asked to stop."""
    query = select(*_SHOWN).where(runs.c.state == RunState.RUNNING, runs.c.cancel_at.is_not(None))
    return await _many(connection, query)


async def mark_offered(connection: AsyncConnection, run_id: UUID, at: datetime) -> None:
    """Remember when a queued run was last offered. No state of the run changes."""
    await connection.execute(update(runs).where(runs.c.id == run_id).values(offered_at=at))


async def count_open_runs(connection: AsyncConnection) -> int:
    """How many runs are not final."""
    query = select(func.count()).select_from(runs).where(runs.c.state != RunState.FINAL)
    return (await connection.execute(query)).scalar_one()


async def _many(connection: AsyncConnection, query: Select[Any]) -> list[StoredRun]:
    return [_stored(row) for row in await connection.execute(query)]


def _new_values(new: NewRun) -> dict[str, Any]:
    return {
        **_values(new.run),
        "position": new.position,
        "check_name": new.check_name,
        "logical_id": new.logical_id,
        "offered_at": new.run.queued_at,
        "material": new.material,
        "sealed_environment": new.sealed_environment,
    }


_SAME_IN_BOTH = (
    *("id", "session_id", "account_id", "check_id", "check_type", "source", "location", "result_id"),
    *("queued_at", "state", "version", "attempt", "executions", "started_at", "stopped_at"),
    *("fenced", "retry", "retry_at", "requeued_at"),
)


def _values(run: Run) -> dict[str, Any]:
    lease, cancel, outcome = run.lease, run.cancel, run.outcome
    return {name: getattr(run, name) for name in _SAME_IN_BOTH} | {
        "lease_token": lease and lease.token,
        "lease_runner_id": lease and lease.runner_id,
        "lease_until": lease and lease.until,
        "cancel_at": cancel and cancel.at,
        "cancel_by": cancel and cancel.by,
        "cancel_via": cancel and cancel.via,
        "verdict": outcome and outcome.verdict,
        "blame": outcome and outcome.blame,
        "outcome_code": outcome and outcome.code,
        "outcome_message": outcome and outcome.message,
    }


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
