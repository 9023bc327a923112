"""Sessions that are too old to be kept, with their runs and results."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.tables import accounts, artifacts, runs, sessions


async def old_sessions(connection: AsyncConnection, *, final_before: datetime, limit: int) -> list[UUID]:
    """Sessions that ended before that time and have no files any more, account by account, oldest first."""
    found: list[UUID] = []
    for account_id in await connection.scalars(select(accounts.c.id).order_by(accounts.c.id)):
        if len(found) < limit:
            query = _of_account(account_id, final_before).limit(limit - len(found))
            found += await connection.scalars(query)
    return found


def _of_account(account_id: UUID, final_before: datetime) -> Select[tuple[UUID]]:
    files = select(artifacts.c.run_id).join(runs, runs.c.id == artifacts.c.run_id)
    return (
        select(sessions.c.id)
        .where(
            sessions.c.account_id == account_id,
            sessions.c.started_at < final_before,  # which is what the index has
            sessions.c.stopped_at < final_before,
            ~files.where(runs.c.session_id == sessions.c.id).exists(),
        )
        .order_by(sessions.c.started_at, sessions.c.id)
    )


async def delete_sessions(connection: AsyncConnection, session_ids: Sequence[UUID]) -> None:
    """Remove the sessions and everything that is stored of their runs."""
    await connection.execute(delete(sessions).where(sessions.c.id.in_(session_ids)))
