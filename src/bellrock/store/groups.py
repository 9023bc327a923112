"""Check groups in SQL. Variables are sealed by the caller: this module never sees them in clear."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.groups import CheckGroup
from bellrock.store.config_tables import check_groups
from bellrock.store.tables import checks

_NAMES = [column.name for column in check_groups.c if column.name != "sealed_environment"]
_OF_CHECK = (
    select(check_groups)
    .join(checks, checks.c.group_id == check_groups.c.id)
    .where(checks.c.id == bindparam("check"), checks.c.account_id == check_groups.c.account_id)
)


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group without its variables, and its variables sealed."""

    group: CheckGroup
    sealed_environment: str | None


async def insert_group(connection: AsyncConnection, stored: StoredGroup) -> StoredGroup:
    """Insert a group; it comes back with its id, whatever it had."""
    values = {name: value for name, value in _values(stored).items() if name != "id"}
    made = await connection.execute(insert(check_groups).values(values).returning(check_groups.c.id))
    return replace(stored, group=replace(stored.group, id=made.scalar_one()))


async def update_group(connection: AsyncConnection, stored: StoredGroup) -> None:
    """Write a group over the one with its id."""
    statement = update(check_groups).where(check_groups.c.id == stored.group.id)
    await connection.execute(statement.values(_values(stored)))


async def load_group(
    connection: AsyncConnection, account_id: UUID, group_id: int, *, to_change: bool = False
) -> StoredGroup | None:
    """A group of the account, or None. ``to_change`` locks it until the transaction is over."""
    query = select(check_groups).where(check_groups.c.account_id == account_id, check_groups.c.id == group_id)
    row = (await connection.execute(query.with_for_update() if to_change else query)).one_or_none()
    return None if row is None else _stored(row)


async def account_of_group(connection: AsyncConnection, group_id: int) -> UUID | None:
    """Whose group it is."""
    return await connection.scalar(select(check_groups.c.account_id).where(check_groups.c.id == group_id))


async def group_to_join(connection: AsyncConnection, account_id: UUID, group_id: int) -> StoredGroup | None:
    """A group of the account, or None. Nobody deletes it until the transaction is over."""
    query = select(check_groups).where(check_groups.c.account_id == account_id, check_groups.c.id == group_id)
    row = (await connection.execute(query.with_for_update(read=True))).one_or_none()
    return None if row is None else _stored(row)


async def load_groups(
    connection: AsyncConnection, account_id: UUID, group_ids: Collection[int] | None = None
) -> dict[int, StoredGroup]:
    """The account's groups by id, in the order they were made: all, or those named that exist."""
    query = select(check_groups).where(check_groups.c.account_id == account_id).order_by(check_groups.c.id)
    if group_ids is not None:
        query = query.where(check_groups.c.id.in_(group_ids))
    return {row.id: _stored(row) for row in await connection.execute(query)}


async def group_of_check(connection: AsyncConnection, check_id: UUID) -> StoredGroup | None:
    """The group that a check is in, or None."""
    row = (await connection.execute(_OF_CHECK, {"check": check_id})).one_or_none()
    return None if row is None else _stored(row)


async def count_checks(connection: AsyncConnection, group_id: int) -> int:
    """How many checks are in a group."""
    query = select(func.count()).select_from(checks).where(checks.c.group_id == group_id)
    return (await connection.execute(query)).scalar_one()


async def groups_of_project(
    connection: AsyncConnection, account_id: UUID, project_id: str
) -> dict[str, StoredGroup]:
    """The project's groups by logical id."""
    query = select(check_groups).where(
        check_groups.c.account_id == account_id, check_groups.c.project_id == project_id
    )
    found = [_stored(row) for row in await connection.execute(query.order_by(check_groups.c.id))]
    return {each.group.logical_id or "": each for each in found}


async def delete_group(connection: AsyncConnection, group_id: int) -> None:
    """Delete a group."""
    await connection.execute(delete(check_groups).where(check_groups.c.id == group_id))


def _values(stored: StoredGroup) -> dict[str, Any]:
    values = {name: getattr(stored.group, name) for name in _NAMES}
    return values | {"sealed_environment": stored.sealed_environment}


def _stored(row: Row[Any]) -> StoredGroup:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return StoredGroup(CheckGroup(**{name: of[name] for name in _NAMES}), of["sealed_environment"])
