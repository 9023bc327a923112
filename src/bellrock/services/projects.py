"""Deploys: a project's whole desired state becomes the account's, and what changed is the answer."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.cancellation import RunSource
from bellrock.domain.errors import NotFound
from bellrock.domain.projects import project_id_of
from bellrock.domain.specs import CheckType
from bellrock.services.deploys import TYPES, Change, ProjectDeploy, Resource, Scene, carry_out
from bellrock.services.grouping import with_groups
from bellrock.services.ids import new_id
from bellrock.services.pending_imports import release_pending
from bellrock.services.platform import Platform
from bellrock.services.start_session import queue_check_session
from bellrock.services.work import Work, unit_of_work
from bellrock.store import projects as store
from bellrock.store.projects import StoredDeployment, StoredProject

__all__ = [
    "TYPES",
    "Change",
    "Deployment",
    "Project",
    "ProjectDeploy",
    "Resource",
    "deploy_project",
    "destroy_project",
    "get_deployment",
    "get_project",
    "list_projects",
]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Project:
    """A deployed project."""

    id: UUID
    logical_id: str
    name: str
    repo_url: str | None
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deploy, done. ``session_ids`` are the first check sessions it started.

    A dry run has no stored deployment: its ``id`` names nothing.
    """

    id: UUID
    project: Project
    status: Literal["SUCCEEDED"]
    diff: tuple[Change, ...]
    session_ids: tuple[UUID, ...]
    created_at: datetime


async def deploy_project(
    platform: Platform,
    principal: Principal,
    deploy: ProjectDeploy,
    *,
    dry_run: bool = False,
    schedule_on_deploy: bool = True,
    preserve_resources: bool = False,
) -> Deployment:
    """Make the account's things of this project equal to the deploy; all or nothing.

    Things of the project that the deploy does not name are deleted, or kept without the project
    (DETACHED) with ``preserve_resources``. Every activated suite of the deploy gets a first check
    session (run source CLI_DEPLOY) unless ``schedule_on_deploy`` is off. A dry run is the same, undone.

    Raises Invalid naming resource and field, Conflict. Needs EDIT; to change private locations ADMINISTER.
    """
    principal.must(Right.EDIT)
    try:
        async with unit_of_work(platform) as work:
            await store.lock_projects(work.connection, principal.account_id)
            project = await _save_project(work, principal, deploy)
            scene = Scene(work, principal, deploy, preserve=preserve_resources, schedule=schedule_on_deploy)
            await carry_out(scene)
            if dry_run:
                raise _Undone
            session_ids = await _first_sessions(scene) if schedule_on_deploy else ()
            changes = tuple(scene.changes)
            deployment = Deployment(new_id(), project, "SUCCEEDED", changes, session_ids, work.at)
            await _record(work, deployment)
    except _Undone:
        return _preview(scene, project)
    platform.schedule_bell.set()
    log.info(
        "project.deployed",
        project=deploy.logical_id,
        deployment_id=str(deployment.id),
        changes=len(deployment.diff),
        kept=sum(change.note is not None for change in deployment.diff),
        sessions=len(deployment.session_ids),
    )
    return deployment


class _Undone(Exception):
    """A dry run is over: its transaction is rolled back."""


def _preview(scene: Scene, project: Project) -> Deployment:
    # What would be created has no id yet.
    diff = tuple(
        replace(each, physical_id=None) if each.action == "CREATE" else each for each in scene.changes
    )
    return Deployment(new_id(), project, "SUCCEEDED", diff, (), scene.work.at)


async def get_deployment(
    platform: Platform, principal: Principal, logical_id: str, *, deployment_id: UUID
) -> Deployment:
    """A deploy of a project. Raises NotFound."""
    project = await get_project(platform, principal, logical_id)
    async with platform.database.read() as connection:
        stored = await store.load_deployment(connection, deployment_id)
    if stored is None or stored.project_id != project.id:
        raise NotFound(f"The project {logical_id!r} has no deployment {deployment_id}.")
    diff = tuple(Change(**change) for change in stored.diff)
    session_ids = tuple(UUID(each) for each in stored.session_ids)
    return Deployment(stored.id, project, "SUCCEEDED", diff, session_ids, stored.created_at)


async def get_project(platform: Platform, principal: Principal, logical_id: str) -> Project:
    """A project by its logical id. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        stored = await store.load_project(connection, principal.account_id, logical_id)
    if stored is None:
        raise NotFound(f"There is no project {logical_id!r}.")
    return _shown(stored)


async def list_projects(platform: Platform, principal: Principal) -> tuple[Project, ...]:
    """All projects of the account, by their logical ids."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return tuple(_shown(each) for each in await store.projects_of(connection, principal.account_id))


async def destroy_project(
    platform: Platform,
    principal: Principal,
    logical_id: str,
    *,
    preserve_resources: bool = False,
    dry_run: bool = False,
) -> tuple[Change, ...]:
    """Delete (or detach) everything of a project, and the project; what that is comes back.

    A project that is not there has nothing to be deleted. With ``dry_run`` nothing is. Needs EDIT.
    """
    principal.must(Right.EDIT)
    try:
        async with unit_of_work(platform) as work:
            await store.lock_projects(work.connection, principal.account_id)
            stored = await store.load_project(work.connection, principal.account_id, logical_id)
            if stored is None:
                return ()
            nothing = ProjectDeploy(logical_id, stored.name, resources=())
            scene = Scene(work, principal, nothing, preserve=preserve_resources)
            await carry_out(scene)
            if dry_run:
                raise _Undone
            await release_pending(scene.shelf, logical_id)
            await store.delete_project(work.connection, stored.id)
    except _Undone:
        return tuple(scene.changes)
    platform.schedule_bell.set()
    log.info("project.destroyed", project=logical_id, changes=len(scene.changes))
    return tuple(scene.changes)


async def _first_sessions(scene: Scene) -> tuple[UUID, ...]:
    work, principal = scene.work, scene.principal
    queued = [
        await queue_check_session(work, stored, principal, source=RunSource.CLI_DEPLOY, refresh_cache=False)
        for stored in await with_groups(work.connection, principal.account_id, scene.checks)
        if stored.check.type is CheckType.PLAYWRIGHT and stored.check.activated
    ]
    return tuple(each.session.id for each in queued)


async def _save_project(work: Work, principal: Principal, deploy: ProjectDeploy) -> Project:
    stored = await store.load_project(work.connection, principal.account_id, deploy.logical_id)
    if stored is None:
        project = _new_project(principal, deploy, work.at)
        await store.insert_project(
            work.connection,
            StoredProject(
                project.id,
                principal.account_id,
                project.logical_id,
                project.name,
                project.repo_url,
                work.at,
            ),
        )
        return project
    changed = replace(stored, name=deploy.name, repo_url=deploy.repo_url, updated_at=work.at)
    await store.update_project(work.connection, changed)
    return _shown(changed)


async def _record(work: Work, deployment: Deployment) -> None:
    row = StoredDeployment(
        id=deployment.id,
        project_id=deployment.project.id,
        diff=[asdict(change) for change in deployment.diff],
        session_ids=[str(session_id) for session_id in deployment.session_ids],
        created_at=deployment.created_at,
    )
    await store.insert_deployment(work.connection, row)


def _new_project(principal: Principal, deploy: ProjectDeploy, at: datetime) -> Project:
    project_id = project_id_of(principal.account_id, deploy.logical_id)
    return Project(project_id, deploy.logical_id, deploy.name, deploy.repo_url, at, None)


def _shown(stored: StoredProject) -> Project:
    return Project(
        stored.id,
        stored.logical_id,
        stored.name,
        stored.repo_url,
        stored.created_at,
        stored.updated_at,
    )
