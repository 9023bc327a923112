"""Projects and their deployments in SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.tables import deployments, projects
from bellrock.store.upsert import insert_if_new


@dataclass(frozen=True, slots=True)
class StoredProject:
    """A project's row."""

    id: UUID
    account_id: UUID
    logical_id: str
    name: str
    repo_url: str | None
    created_at: datetime
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredDeployment:
    """A deploy's row. ``diff`` and ``session_ids`` are JSON as the service made it."""

    id: UUID
    project_id: UUID
    diff: list[dict[str, Any]]
    session_ids: list[str]
    created_at: datetime


async def lock_projects(connection: AsyncConnection, account_id: UUID) -> None:
    """Let the deploys of an account happen one after the other."""
    query = select(projects.c.id).where(projects.c.account_id == account_id)
    await connection.execute(query.with_for_update())


async def load_project(
    connection: AsyncConnection, account_id: UUID, logical_id: str
) -> StoredProject | None:
    """A project by its logical id, or None."""
    query = select(projects).where(projects.c.account_id == account_id, projects.c.logical_id == logical_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else StoredProject(**row._mapping)  # noqa: SLF001


async def projects_of(connection: AsyncConnection, account_id: UUID) -> list[StoredProject]:
    """The account's projects, by logical id."""
    query = select(projects).where(projects.c.account_id == account_id).order_by(projects.c.logical_id)
    return [StoredProject(**row._mapping) for row in await connection.execute(query)]  # noqa: SLF001


async def insert_project(connection: AsyncConnection, project: StoredProject) -> None:
    """Insert a project."""
    names = [column.name for column in projects.c]
    await connection.execute(insert(projects).values({name: getattr(project, name) for name in names}))


async def insert_new_project(connection: AsyncConnection, project: StoredProject) -> bool:
    """Insert a project. False: the account has one of its logical id."""
    names = [column.name for column in projects.c]
    return await insert_if_new(connection, projects, {name: getattr(project, name) for name in names})


async def update_project(connection: AsyncConnection, project: StoredProject) -> None:
    """Write a project over the one with its id."""
    values = {"name": project.name, "repo_url": project.repo_url, "updated_at": project.updated_at}
    await connection.execute(update(projects).where(projects.c.id == project.id).values(values))


async def delete_project(connection: AsyncConnection, project_id: UUID) -> None:
    """Delete a project and the record of its deployments."""
    await connection.execute(delete(projects).where(projects.c.id == project_id))


async def insert_deployment(connection: AsyncConnection, deployment: StoredDeployment) -> None:
    """Record a deploy."""
    names = [column.name for column in deployments.c]
    values = {name: getattr(deployment, name) for name in names}
    await connection.execute(insert(deployments).values(values))


async def load_deployment(connection: AsyncConnection, deployment_id: UUID) -> StoredDeployment | None:
    """A deploy, or None."""
    query = select(deployments).where(deployments.c.id == deployment_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else StoredDeployment(**row._mapping)  # noqa: SLF001
