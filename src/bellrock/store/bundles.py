"""Code bundles and snapshots in SQL: which account has which, and which of them nobody needs.

Whoever needs a bundle and whoever removes it agree by a lock on its key. SQLite needs none: there,
writers come one after the other anyway.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.runs import RunState
from bellrock.domain.specs import SNAPSHOT_SUFFIX, CheckType
from bellrock.store.tables import bundles, checks, runs


@dataclass(frozen=True, slots=True)
class AccountBundle:
    """A bundle as one account has it."""

    account_id: UUID
    key: str
    size_bytes: int


async def save_bundle(
    connection: AsyncConnection, account_id: UUID, key: str, *, size_bytes: int, at: datetime
) -> None:
    """Note that the account has this bundle, uploaded now."""
    await _lock(connection, key)
    upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = upsert(bundles).values(account_id=account_id, key=key, size_bytes=size_bytes, created_at=at)
    again = {"created_at": at}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "key"], set_=again)
    )


async def has_bundle(connection: AsyncConnection, account_id: UUID, key: str) -> bool:
    """Whether the account has this bundle. If so it stays at least until this transaction's end."""
    await _lock(connection, key, shared=True)
    query = select(bundles.c.key).where(bundles.c.account_id == account_id, bundles.c.key == key)
    return await connection.scalar(query) is not None


async def unused_bundles(
    connection: AsyncConnection, *, uploaded_before: datetime, limit: int
) -> list[AccountBundle]:
    """Bundles that no check and no open run needs, and that were uploaded before that time."""
    query = select(bundles.c.account_id, bundles.c.key, bundles.c.size_bytes)
    query = query.where(*_is_unused(uploaded_before)).order_by(bundles.c.created_at).limit(limit)
    return [AccountBundle(*row) for row in await connection.execute(query)]


async def drop_unused(
    connection: AsyncConnection, bundle: AccountBundle, *, uploaded_before: datetime
) -> bool:
    """Take a bundle from its account if it is still unused. True: no account has it any more."""
    await _lock(connection, bundle.key)
    its_row = (bundles.c.account_id == bundle.account_id, bundles.c.key == bundle.key)
    dropped = await connection.execute(delete(bundles).where(*its_row, *_is_unused(uploaded_before)))
    others = await connection.scalar(
        select(func.count()).select_from(bundles).where(bundles.c.key == bundle.key)
    )
    return dropped.rowcount == 1 and not others


def _is_unused(uploaded_before: datetime) -> tuple[ColumnElement[bool], ...]:
    of_checks = checks.c.spec["bundle_key"].as_string()
    of_runs = runs.c.material["spec"]["bundle_key"].as_string()
    # Without the absent ones: a NULL in the list would make NOT IN true for nothing.
    in_checks = select(of_checks).where(of_checks.is_not(None))
    in_runs = select(of_runs).where(runs.c.state != RunState.FINAL, of_runs.is_not(None))
    return (
        bundles.c.created_at < uploaded_before,
        bundles.c.key.not_in(in_checks),
        bundles.c.key.not_in(in_runs),
        or_(bundles.c.key.not_like(f"%{SNAPSHOT_SUFFIX}"), _is_unused_snapshot()),
    )


def _is_unused_snapshot() -> ColumnElement[bool]:
    """A key of a snapshot is made of a digest: what holds that text refers to it."""
    of_check = and_(checks.c.type == CheckType.BROWSER, cast(checks.c.spec, Text).contains(bundles.c.key))
    of_run = and_(runs.c.state != RunState.FINAL, cast(runs.c.material, Text).contains(bundles.c.key))
    return and_(~exists().where(of_check), ~exists().where(of_run))


async def _lock(connection: AsyncConnection, key: str, *, shared: bool = False) -> None:
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        await connection.execute(select(lock(func.hashtextextended(key, 0))))
