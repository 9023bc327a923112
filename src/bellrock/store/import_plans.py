"""Import plans in SQL. Payloads are not kept: they hold the values of variables."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.imports import ImportItem, ImportPlan
from bellrock.store.tables import import_plans, projects


async def insert_plan(connection: AsyncConnection, plan: ImportPlan) -> None:
    """Insert a plan."""
    items = [asdict(each) for each in plan.items]
    names = ("id", "project_id", "created_at", "applied_at", "committed_at")
    values = {name: getattr(plan, name) for name in names}
    await connection.execute(insert(import_plans).values(items=items, **values))


async def update_plan(connection: AsyncConnection, plan: ImportPlan) -> None:
    """Write how far a plan has come."""
    values = {"applied_at": plan.applied_at, "committed_at": plan.committed_at}
    await connection.execute(update(import_plans).where(import_plans.c.id == plan.id).values(values))


async def delete_plan(connection: AsyncConnection, plan_id: UUID) -> None:
    """Delete a plan."""
    await connection.execute(delete(import_plans).where(import_plans.c.id == plan_id))


async def load_plan(connection: AsyncConnection, account_id: UUID, plan_id: UUID) -> ImportPlan | None:
    """A plan of the account, or None."""
    found = await connection.execute(_plans(account_id).where(import_plans.c.id == plan_id))
    row = found.one_or_none()
    return None if row is None else _stored(row)


async def plans_of(
    connection: AsyncConnection, account_id: UUID, *, project: str | None = None
) -> list[ImportPlan]:
    """The account's plans, of one project by its logical id or of all, oldest first."""
    query = _plans(account_id)
    if project is not None:
        query = query.where(projects.c.logical_id == project)
    found = await connection.execute(query.order_by(import_plans.c.created_at, import_plans.c.id))
    return [_stored(row) for row in found]


def _plans(account_id: UUID) -> Select[tuple[object, ...]]:
    query = select(import_plans, projects.c.logical_id.label("project"))
    return query.join(projects, projects.c.id == import_plans.c.project_id).where(
        projects.c.account_id == account_id
    )


def _stored(row: Row[tuple[object, ...]]) -> ImportPlan:
    items = tuple(map(_item, row.items))
    return ImportPlan(
        row.id, row.project_id, row.project, items, row.created_at, row.applied_at, row.committed_at
    )


def _item(row: dict[str, Any]) -> ImportItem:
    if "check_id" in row:  # a plan of the time when only checks were imported
        return ImportItem("check", row["check_id"], row["logical_id"])
    return ImportItem(**row)
