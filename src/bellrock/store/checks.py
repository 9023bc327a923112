"""Checks in SQL. Variables are sealed by the caller: this module never sees them in clear."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.checks import Check, CheckPolicy
from bellrock.domain.specs import CheckType
from bellrock.store.known_rows import KnownRows
from bellrock.store.many import one_of
from bellrock.store.tables import checks

_NAMES = [column.name for column in checks.c if column.name != "sealed_environment"]
_LISTED = [checks.c[name] for name in ("id", "name", "type", "activated", "tags", "group_id")]
_MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A check without its variables, and its variables sealed."""

    check: Check
    sealed_environment: str | None


@dataclass(frozen=True, slots=True)
class ListedCheck:
    """What a list of many checks shows of each."""

    id: UUID
    name: str
    type: CheckType
    activated: bool
    tags: tuple[str, ...]
    group_id: int | None


async def insert_check(connection: AsyncConnection, stored: StoredCheck) -> None:
    """Insert a check."""
    await connection.execute(insert(checks).values(_values(stored)))


async def update_check(connection: AsyncConnection, stored: StoredCheck) -> None:
    """Write a check over the one with its id."""
    statement = update(checks).where(checks.c.id == stored.check.id).values(_values(stored))
    await connection.execute(statement)


async def delete_checks(connection: AsyncConnection, check_ids: Sequence[UUID]) -> None:
    """Delete checks."""
    await connection.execute(delete(checks).where(checks.c.id.in_(check_ids)))


async def detach_checks(connection: AsyncConnection, check_ids: Sequence[UUID]) -> None:
    """Keep checks without their project."""
    statement = update(checks).where(checks.c.id.in_(check_ids)).values(project_id=None, logical_id=None)
    await connection.execute(statement)


async def load_check(connection: AsyncConnection, account_id: UUID, check_id: UUID) -> StoredCheck | None:
    """A check of the account, or None."""
    query = select(checks).where(checks.c.id == check_id, checks.c.account_id == account_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _stored(row)


async def load_checks(connection: AsyncConnection, check_ids: Collection[UUID]) -> dict[UUID, StoredCheck]:
    """The checks that exist of those named, whosever they are."""
    found = await connection.execute(_BY_IDS, {"check_ids": check_ids})
    known = [_KNOWN.record(tuple(row), connection.dialect) for row in found]
    return {stored.check.id: stored for stored in known}


async def all_checks(connection: AsyncConnection, account_id: UUID) -> list[StoredCheck]:
    """All checks of the account, by name."""
    query = select(checks).where(checks.c.account_id == account_id)
    found = await connection.execute(query.order_by(checks.c.name, checks.c.id))
    return [_stored(row) for row in found]


async def listed_checks(connection: AsyncConnection, account_id: UUID) -> list[ListedCheck]:
    """All checks of the account by name, without what they do."""
    query = select(*_LISTED).where(checks.c.account_id == account_id)
    found = await connection.execute(query.order_by(checks.c.name, checks.c.id))
    return [ListedCheck(**row) for row in found.mappings()]


async def find_listed(connection: AsyncConnection, check_id: UUID) -> tuple[UUID, ListedCheck] | None:
    """A check, and whose it is."""
    query = select(*_LISTED, checks.c.account_id).where(checks.c.id == check_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    return row["account_id"], ListedCheck(**{column.name: row[column.name] for column in _LISTED})


async def policies_of(connection: AsyncConnection, account_id: UUID) -> dict[UUID, CheckPolicy]:
    """What holds for each check of the account, by the checks' names."""
    query = select(checks.c.id, checks.c.policy).where(checks.c.account_id == account_id)
    found = await connection.execute(query.order_by(checks.c.name, checks.c.id))
    return {row.id: row.policy for row in found}


async def checks_of_project(
    connection: AsyncConnection, account_id: UUID, project_id: str
) -> dict[str, StoredCheck]:
    """The project's checks by logical id."""
    query = select(checks).where(checks.c.account_id == account_id, checks.c.project_id == project_id)
    found = [_stored(row) for row in await connection.execute(query.order_by(checks.c.name))]
    return {stored.check.logical_id or "": stored for stored in found}


async def checks_of_group(connection: AsyncConnection, account_id: UUID, group_id: int) -> list[StoredCheck]:
    """The group's checks, by their order in it, then by name."""
    query = select(checks).where(checks.c.account_id == account_id, checks.c.group_id == group_id)
    order = (func.coalesce(checks.c.group_order, 0), func.lower(checks.c.name), checks.c.id)
    return [_stored(row) for row in await connection.execute(query.order_by(*order))]


async def find_checks(
    connection: AsyncConnection,
    account_id: UUID,
    *,
    check_type: CheckType | None,
    search: str | None,
) -> list[StoredCheck]:
    """Checks by name. (Tags are JSON: they are filtered by the caller, alike on both databases.)"""  # noqa: D415
    conditions: list[ColumnElement[bool]] = [checks.c.account_id == account_id]
    if check_type is not None:
        conditions.append(checks.c.type == check_type)
    if search:
        conditions.append(checks.c.name.icontains(search, autoescape=True))
    query = select(checks).where(*conditions).order_by(func.lower(checks.c.name), checks.c.id)
    return [_stored(row) for row in await connection.execute(query)]


def _values(stored: StoredCheck) -> dict[str, Any]:
    values = {name: getattr(stored.check, name) for name in _NAMES}
    return values | {"sealed_environment": stored.sealed_environment}


def _stored(row: Row[Any]) -> StoredCheck:
    return _check_of(row._asdict())


def _check_of(of: Mapping[str, Any]) -> StoredCheck:
    return StoredCheck(Check(**{name: of[name] for name in _NAMES}), of["sealed_environment"])


_KNOWN = KnownRows(checks, _check_of, most=_MOST_KNOWN)
_BY_IDS = select(*_KNOWN.columns).where(one_of(checks.c.id, "check_ids"))
