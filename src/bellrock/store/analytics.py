"""Results of checks in SQL, for figures: counted as what is alike, or one by one, no more than asked for."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.outcomes import Verdict
from bellrock.domain.spans import Span
from bellrock.store.check_statuses import COUNTS
from bellrock.store.tables import results

_A_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Alike:
    """So many results of a check ended alike and took as long."""

    check_id: UUID
    verdict: Verdict
    response_time_ms: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One result. ``details`` are those parts of its details that were asked for, by their place."""

    id: UUID
    created_at: datetime
    verdict: Verdict
    attempt: int
    location: str
    response_time_ms: int | None
    details: Mapping[tuple[str, ...], Any]


async def count_alike(connection: AsyncConnection, check_ids: Collection[UUID], span: Span) -> list[Alike]:
    """What the checks' results of a time were, counted by the database."""
    alike = (results.c.check_id, results.c.verdict, results.c.response_time_ms)
    query = (
        select(*alike, func.count().label("number"))
        .where(results.c.check_id.in_(check_ids), *_within(span), COUNTS)
        .group_by(*alike)
    )
    return [Alike(**row) for row in (await connection.execute(query)).mappings()]


async def samples(
    connection: AsyncConnection,
    check_id: UUID,
    span: Span,
    *,
    verdicts: Iterable[Verdict],
    places: Sequence[tuple[str, ...]],
) -> AsyncIterator[Sample]:
    """The results of a check in a time, newest first. They are read in chunks: others get their turn."""
    shown = [
        results.c[name] for name in ("id", "created_at", "verdict", "attempt", "location", "response_time_ms")
    ]
    parts = [
        results.c.details[place].as_json().label(f"part_{number}") for number, place in enumerate(places)
    ]
    query = (
        select(*shown, *parts)
        .where(results.c.check_id == check_id, *_within(span), COUNTS, results.c.verdict.in_(list(verdicts)))
        .order_by(results.c.created_at.desc(), results.c.id.desc())
        .limit(_A_CHUNK)
    )
    last: tuple[datetime, UUID] | None = None
    while True:
        chunk = query if last is None else query.where(_before(*last))
        rows = (await connection.execute(chunk)).mappings().all()
        for row in rows:
            details = {place: row[f"part_{number}"] for number, place in enumerate(places)}
            yield Sample(**{column.name: row[column.name] for column in shown}, details=details)
        if len(rows) < _A_CHUNK:
            return
        last = rows[-1]["created_at"], rows[-1]["id"]


def _within(span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return results.c.created_at >= span.start, results.c.created_at < span.end


def _before(created_at: datetime, result_id: UUID) -> ColumnElement[bool]:
    same_moment = and_(results.c.created_at == created_at, results.c.id < result_id)
    return or_(results.c.created_at < created_at, same_moment)
