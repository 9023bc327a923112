"""Errors of failing results in SQL, and which groups of them somebody put away.

An index of failing results alone makes this as dear as there are failures, whatever else was run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.check_statuses import COUNTS
from bellrock.store.config_tables import archived_error_groups
from bellrock.store.tables import checks, results
from bellrock.store.upsert import upsert

_MOST_TEXTS = 10_000
# As in the index, in these words: SQLite takes a partial index for a condition that it can read in the query.
FAILING = text("results.result_type = 'FINAL' AND results.verdict IN ('FAILED', 'ERRORED', 'LOST')")


@dataclass(frozen=True, slots=True)
class SeenErrors:
    """What failing results of a check said alike, word by word, and when they did."""

    check_id: UUID
    errors: tuple[str, ...]
    message: str | None
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Archived:
    """A group that somebody put away: until its next error, or for ever."""

    at: datetime
    for_ever: bool


async def seen_errors(
    connection: AsyncConnection, account_id: UUID, check_id: UUID | None = None
) -> list[SeenErrors]:
    """What failing results of the account's checks said, the latest first, at most 10,000 different texts."""
    errors = cast(results.c.errors, Text)
    last_at = func.max(results.c.created_at, type_=results.c.created_at.type)
    conditions: list[ColumnElement[bool]] = [checks.c.account_id == account_id, COUNTS]
    if check_id is not None:
        conditions.append(checks.c.id == check_id)
    query = (
        select(
            results.c.check_id,
            errors.label("errors"),
            results.c.outcome_message.label("message"),
            func.min(results.c.created_at, type_=results.c.created_at.type).label("first_at"),
            last_at.label("last_at"),
        )
        .select_from(checks)
        .join(results, results.c.check_id == checks.c.id)
        .where(*conditions, FAILING)
        .group_by(results.c.check_id, errors, results.c.outcome_message)
        .order_by(last_at.desc())
        .limit(_MOST_TEXTS)
    )
    found = (await connection.execute(query)).mappings()
    return [SeenErrors(**{**row, "errors": tuple(json.loads(row["errors"]))}) for row in found]


async def archived_groups(
    connection: AsyncConnection, account_id: UUID
) -> Mapping[tuple[UUID, str], Archived]:
    """The account's groups that were put away, by check and hash."""
    query = (
        select(archived_error_groups)
        .join(checks, checks.c.id == archived_error_groups.c.check_id)
        .where(checks.c.account_id == account_id)
    )
    return {
        (row.check_id, row.error_hash): Archived(row.at, row.for_ever)
        for row in await connection.execute(query)
    }


async def archive(connection: AsyncConnection, check_id: UUID, error_hash: str, archived: Archived) -> None:
    """Put a group away."""
    key: dict[str, Any] = {"check_id": check_id, "error_hash": error_hash}
    values = {"at": archived.at, "for_ever": archived.for_ever}
    await upsert(connection, archived_error_groups, key, values)


async def take_back(connection: AsyncConnection, check_id: UUID, error_hash: str) -> None:
    """A group is no longer put away."""
    column = archived_error_groups.c
    where = (column.check_id == check_id, column.error_hash == error_hash)
    await connection.execute(delete(archived_error_groups).where(*where))
