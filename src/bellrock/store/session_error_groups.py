"""Errors of test sessions in SQL, and which groups of them somebody put away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.sessions import GitMetadata, SessionKind
from bellrock.store.config_tables import archived_session_error_groups as archived_groups
from bellrock.store.error_groups import FAILING, Archived
from bellrock.store.tables import results, sessions
from bellrock.store.upsert import upsert

_MOST_RESULTS = 10_000


@dataclass(frozen=True, slots=True)
class FailedResult:
    """A failing result of a test session. ``project_id`` is a logical id."""

    session_id: UUID
    project_id: str | None
    git: GitMetadata
    errors: tuple[str, ...]
    message: str | None
    at: datetime


async def failed_results(connection: AsyncConnection, account_id: UUID) -> list[FailedResult]:
    """The failing results of the account's recorded test sessions, the latest first, at most 10,000."""
    query = (
        select(
            results.c.session_id,
            sessions.c.project_id,
            sessions.c.git,
            results.c.errors,
            results.c.outcome_message.label("message"),
            results.c.created_at.label("at"),
        )
        .select_from(sessions)
        .join(results, results.c.session_id == sessions.c.id)
        .where(
            sessions.c.account_id == account_id,
            sessions.c.kind == SessionKind.TEST,
            sessions.c.recorded,
            FAILING,
        )
        .order_by(results.c.created_at.desc(), results.c.id)
        .limit(_MOST_RESULTS)
    )
    return [FailedResult(**row) for row in (await connection.execute(query)).mappings()]


async def archived_session_groups(
    connection: AsyncConnection, account_id: UUID
) -> Mapping[tuple[UUID, str], Archived]:
    """The account's groups that were put away, by owner and hash."""
    query = select(archived_groups).where(archived_groups.c.account_id == account_id)
    return {
        (row.owner_id, row.error_hash): Archived(row.at, row.for_ever)
        for row in await connection.execute(query)
    }


async def archive(
    connection: AsyncConnection, account_id: UUID, owner_id: UUID, error_hash: str, *, archived: Archived
) -> None:
    """Put a group away."""
    key: dict[str, Any] = {"account_id": account_id, "owner_id": owner_id, "error_hash": error_hash}
    await upsert(connection, archived_groups, key, {"at": archived.at, "for_ever": archived.for_ever})


async def take_back(connection: AsyncConnection, account_id: UUID, owner_id: UUID, error_hash: str) -> None:
    """A group is no longer put away."""
    column = archived_groups.c
    where = (column.account_id == account_id, column.owner_id == owner_id, column.error_hash == error_hash)
    await connection.execute(delete(archived_groups).where(*where))
