"""Orders that were decided and not yet carried out. Rows leave when the bus has taken them over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.columns import Instant
from bellrock.store.tables import outbox

_DUE = (
    select(outbox)
    .where(outbox.c.due_at <= bindparam("at"))
    .order_by(outbox.c.created_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=bindparam("again_at", type_=outbox.c.due_at.type), tries=outbox.c.tries + 1)
)
_DROP = delete(outbox).where(outbox.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One order: what kind, its fields, and how often it was tried."""

    id: UUID
    kind: str
    body: dict[str, Any]
    tries: int = 0


async def put_orders(connection: AsyncConnection, rows: Sequence[OutboxRow], at: datetime) -> None:
    """Add orders, due at once."""
    if rows:
        values = [
            {"id": row.id, "kind": row.kind, "body": row.body, "tries": 0, "due_at": at, "created_at": at}
            for row in rows
        ]
        await connection.execute(insert(outbox), values)


async def take_due(
    connection: AsyncConnection, at: datetime, *, again_at: datetime, limit: int
) -> list[OutboxRow]:
    """Take due orders, oldest first. They come back at ``again_at`` unless they are deleted by then.

    Several relays may take at once: each order goes to one of them.
    """
    found = list(await connection.execute(_DUE, {"at": at, "most": limit}))
    if not found:
        return []
    await connection.execute(_TAKE, {"ids": [row.id for row in found], "again_at": again_at})
    return [OutboxRow(row.id, row.kind, row.body, row.tries + 1) for row in found]


async def drop_orders(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Forget orders that were carried out."""
    if ids:
        await connection.execute(_DROP, {"ids": list(ids)})


async def postpone(connection: AsyncConnection, ids: Sequence[UUID], until: datetime) -> None:
    """Have orders come back at a time."""
    if ids:
        await connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(due_at=until))


async def waiting_orders(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many orders wait, and since when the oldest does."""
    query = select(func.count(), func.min(outbox.c.created_at, type_=Instant()))
    number, oldest_at = (await connection.execute(query)).one()
    return number, oldest_at
