"""Results and the manifest of uploaded files in SQL. A run's FINAL result has a fixed id: one row, ever."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.receipts import Receipt
from bellrock.domain.sessions import SessionKind
from bellrock.store.new_rows import NewRows
from bellrock.store.records import StoredResult
from bellrock.store.tables import artifacts, results, runs, sessions
from bellrock.store.upsert import upsert
from bellrock.wire.messages import Artifact

_OUTCOME = ("verdict", "blame", "outcome_code", "outcome_message")
_SAME_IN_BOTH = tuple(column.name for column in results.c if column.name not in _OUTCOME)
_same = attrgetter(*_SAME_IN_BOTH)
_of_outcome = attrgetter("verdict", "blame", "code", "message")
_NEW = NewRows(results, (*_SAME_IN_BOTH, *_OUTCOME))
_FAILING = (Verdict.FAILED, Verdict.ERRORED, Verdict.LOST)


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which results of a check's own sessions. ``before`` is a cursor."""

    check_id: UUID
    result_types: tuple[str, ...] = ("FINAL",)
    location: str | None = None
    has_failures: bool | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What really arrived under a name."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str


async def insert_results(connection: AsyncConnection, new: Sequence[StoredResult]) -> None:
    """Insert results. IntegrityError if there is one with such an id: the caller's state was wrong."""
    await _NEW.insert(connection, [(*_same(each), *_of_outcome(each.outcome)) for each in new])


async def results_of_runs(
    connection: AsyncConnection, run_ids: Collection[UUID]
) -> dict[UUID, list[StoredResult]]:
    """The results of each run, ATTEMPTs in order, then FINAL."""
    query = select(results).where(results.c.run_id.in_(run_ids))
    found: dict[UUID, list[StoredResult]] = {run_id: [] for run_id in run_ids}
    by_type = results.c.result_type == "FINAL"
    for row in await connection.execute(query.order_by(by_type, results.c.attempt)):
        found[row.run_id].append(_result(row))
    return found


async def result_of_report(connection: AsyncConnection, run_id: UUID, token: UUID) -> StoredResult | None:
    """The result made of the report with this token."""
    query = select(results).where(results.c.run_id == run_id, results.c.token == token)
    row = (await connection.execute(query.limit(1))).one_or_none()
    return None if row is None else _result(row)


async def add_evidence(
    connection: AsyncConnection,
    result_id: UUID,
    *,
    files: tuple[Artifact, ...],
    receipt: Receipt | None,
) -> None:
    """Complete a result with what came after its report."""
    values: dict[str, Any] = {"artifacts": files, "evidence_complete": True}
    if receipt is not None:
        values["receipt"] = receipt
    await connection.execute(update(results).where(results.c.id == result_id).values(values))


async def load_result(connection: AsyncConnection, result_id: UUID) -> StoredResult | None:
    """A result, or None."""
    row = (await connection.execute(select(results).where(results.c.id == result_id))).one_or_none()
    return None if row is None else _result(row)


async def find_results(
    connection: AsyncConnection, wanted: ResultFilter, *, limit: int, offset: int = 0
) -> list[StoredResult]:
    """Results, newest first."""
    query = (
        select(results)
        .join(runs, runs.c.id == results.c.run_id)
        .join(sessions, sessions.c.id == results.c.session_id)
        .where(*_conditions(wanted))
        .order_by(results.c.created_at.desc(), results.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_result(row) for row in await connection.execute(query)]


async def count_results(connection: AsyncConnection, wanted: ResultFilter) -> int:
    """How many results match."""
    query = (
        select(func.count())
        .select_from(results)
        .join(runs, runs.c.id == results.c.run_id)
        .join(sessions, sessions.c.id == results.c.session_id)
        .where(*_conditions(wanted))
    )
    return (await connection.execute(query)).scalar_one()


async def remember_upload(
    connection: AsyncConnection, run_id: UUID, attempt: int, *, file: UploadedFile, at: datetime
) -> None:
    """Note a file that arrived, in place of an earlier one of that name."""
    key = {"run_id": run_id, "attempt": attempt, "name": file.name}
    values = {
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "created_at": at,
    }
    await upsert(connection, artifacts, key, values)


async def uploads_of(connection: AsyncConnection, run_id: UUID, attempt: int) -> dict[str, UploadedFile]:
    """The files that arrived of an attempt, by name."""
    query = select(artifacts).where(artifacts.c.run_id == run_id, artifacts.c.attempt == attempt)
    return {
        row.name: UploadedFile(row.name, row.content_type, row.size_bytes, row.sha256)
        for row in await connection.execute(query)
    }


def _conditions(wanted: ResultFilter) -> list[ColumnElement[bool]]:
    column = results.c
    conditions = [
        column.check_id == wanted.check_id,
        sessions.c.kind == SessionKind.CHECK,
        column.result_type.in_(wanted.result_types),
    ]
    if wanted.location is not None:
        conditions.append(column.location == wanted.location)
    if wanted.has_failures is not None:
        failing = column.verdict.in_(_FAILING)
        conditions.append(failing if wanted.has_failures else ~failing)
    if wanted.from_at is not None:
        conditions.append(column.created_at >= wanted.from_at)
    if wanted.to_at is not None:
        conditions.append(column.created_at <= wanted.to_at)
    if wanted.before is not None:
        created_at, result_id = wanted.before
        same_moment = and_(column.created_at == created_at, column.id < result_id)
        conditions.append(or_(column.created_at < created_at, same_moment))
    return conditions


def _result(row: Row[Any]) -> StoredResult:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    outcome = Outcome(of["verdict"], of["blame"], of["outcome_code"], of["outcome_message"])
    return StoredResult(**{name: of[name] for name in _SAME_IN_BOTH}, outcome=outcome)
