"""The files of runs, as far as their removal goes: which may go, and that they went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.runs import RunState
from bellrock.store.tables import artifacts, results, runs


@dataclass(frozen=True, slots=True)
class RunFiles:
    """How many bytes of files a final run has, and since when it is final."""

    run_id: UUID
    stopped_at: datetime
    size_bytes: int


async def stored_bytes(connection: AsyncConnection) -> int:
    """Bytes of all files of runs."""
    query = select(func.coalesce(func.sum(artifacts.c.size_bytes), 0))
    return int((await connection.execute(query)).scalar_one())


async def oldest_files(connection: AsyncConnection, *, final_before: datetime, limit: int) -> list[RunFiles]:
    """Runs that have files and were final before that time, the longest final first."""
    query = (
        select(runs.c.id, runs.c.stopped_at, func.sum(artifacts.c.size_bytes))
        .join(artifacts, artifacts.c.run_id == runs.c.id)
        .where(runs.c.state == RunState.FINAL, runs.c.stopped_at <= final_before)
        .group_by(runs.c.id, runs.c.stopped_at)
        .order_by(runs.c.stopped_at, runs.c.id)
        .limit(limit)
    )
    return [RunFiles(row[0], row[1], int(row[2])) for row in await connection.execute(query)]


async def mark_removed(connection: AsyncConnection, run_ids: Sequence[UUID], at: datetime) -> None:
    """Have the runs' results say that their files were removed. The list of what they were stays."""
    meant = (results.c.run_id.in_(run_ids), results.c.files_removed_at.is_(None))
    await connection.execute(update(results).where(*meant).values(files_removed_at=at))


async def forget_files(connection: AsyncConnection, run_ids: Sequence[UUID]) -> None:
    """Take the runs' files off the account of what is stored."""
    await connection.execute(delete(artifacts).where(artifacts.c.run_id.in_(run_ids)))
