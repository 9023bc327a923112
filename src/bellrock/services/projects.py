"""Deploys: a project's whole desired state becomes the account's, and what changed is the answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.cancellation import RunSource
from bellrock.domain.errors import Invalid, NotBuilt, NotFound
from bellrock.domain.sessions import GitMetadata
from bellrock.domain.specs import CheckType
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.checks import CheckDraft, changed_check, is_same_check, new_check, refuse_bad_draft
from bellrock.services.grouping import with_groups
from bellrock.services.heartbeat_monitors import follow_check
from bellrock.services.ids import new_id
from bellrock.services.pending_imports import pending_checks, release_pending
from bellrock.services.platform import Platform
from bellrock.services.start_session import queue_check_session
from bellrock.services.work import Work, unit_of_work
from bellrock.store import checks as check_store
from bellrock.store import projects as store
from bellrock.store.checks import StoredCheck
from bellrock.store.projects import StoredDeployment, StoredProject

log = structlog.get_logger(__name__)

_CHECK = "check"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of a project, by its logical id. ``member=False`` only refers to an existing thing."""

    logical_id: str
    type: str
    payload: Mapping[str, object] | None
    physical_id: str | None = None
    member: bool = True


@dataclass(frozen=True, slots=True)
class ProjectDeploy:
    """A project's whole desired state."""

    logical_id: str
    name: str
    resources: tuple[Resource, ...]
    repo_url: str | None = None
    git: GitMetadata = field(default_factory=GitMetadata)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a deploy's difference."""

    type: str
    logical_id: str
    physical_id: str | None
    action: Literal["CREATE", "UPDATE", "DELETE", "DETACHED"]


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
    """Make the account's checks of this project equal to the deploy; all or nothing.

    Things of the project that the deploy does not name are deleted, or kept without the project
    (DETACHED) with ``preserve_resources``. Every activated suite of the deploy gets a first check
    session (run source CLI_DEPLOY) unless ``schedule_on_deploy`` is off.

    Raises Invalid naming resource and field, NotBuilt for resource types of later versions. Needs EDIT.
    """
    principal.must(Right.EDIT)
    drafts = _drafts(deploy)
    if dry_run:
        return await _preview(platform, principal, deploy, drafts, preserve=preserve_resources)
    async with unit_of_work(platform) as work:
        await store.lock_projects(work.connection, principal.account_id)
        project = await _save_project(work, principal, deploy)
        plan = await _plan(work, principal, deploy, drafts, preserve=preserve_resources)
        if not schedule_on_deploy:
            plan.wait_for_the_next_tick()
        await _apply(work, plan)
        session_ids = await _first_sessions(work, principal, plan) if schedule_on_deploy else ()
        deployment = Deployment(new_id(), project, "SUCCEEDED", plan.diff, session_ids, work.at)
        await _record(work, deployment)
    platform.schedule_bell.set()
    log.info(
        "project.deployed",
        project=deploy.logical_id,
        deployment_id=str(deployment.id),
        changes=len(plan.diff),
        sessions=len(session_ids),
    )
    return deployment


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
    async with unit_of_work(platform) as work:
        await store.lock_projects(work.connection, principal.account_id)
        stored = await store.load_project(work.connection, principal.account_id, logical_id)
        if stored is None:
            return ()
        nothing = ProjectDeploy(logical_id, stored.name, resources=())
        plan = await _plan(work, principal, nothing, {}, preserve=preserve_resources)
        if dry_run:
            return plan.diff
        await _apply(work, plan)
        await release_pending(work, principal.account_id, logical_id)
        await store.delete_project(work.connection, stored.id)
    platform.schedule_bell.set()
    log.info("project.destroyed", project=logical_id, changes=len(plan.diff))
    return plan.diff


@dataclass(slots=True)
class _Plan:
    """What a deploy does to the account's checks."""

    create: list[StoredCheck] = field(default_factory=list)
    update: list[StoredCheck] = field(default_factory=list)
    same: list[StoredCheck] = field(default_factory=list)
    leave: list[StoredCheck] = field(default_factory=list)
    preserve: bool = False

    def wait_for_the_next_tick(self) -> None:
        """Have checks that this deploy activates not run at once."""
        self.create = [_without_first_run(each) for each in self.create]
        self.update = [
            _without_first_run(each) if each.check.activated_at == each.check.updated_at else each
            for each in self.update
        ]

    @property
    def diff(self) -> tuple[Change, ...]:
        gone: Literal["DELETE", "DETACHED"] = "DETACHED" if self.preserve else "DELETE"
        return (
            *(_change(each, "CREATE") for each in self.create),
            *(_change(each, "UPDATE") for each in self.update),
            *(_change(each, gone) for each in self.leave),
        )


def _without_first_run(stored: StoredCheck) -> StoredCheck:
    return replace(stored, check=replace(stored.check, activated_at=None))


def _change(stored: StoredCheck, action: Literal["CREATE", "UPDATE", "DELETE", "DETACHED"]) -> Change:
    return Change(_CHECK, stored.check.logical_id or "", str(stored.check.id), action)


def _drafts(deploy: ProjectDeploy) -> dict[str, CheckDraft]:
    if not deploy.logical_id or not deploy.name:
        raise Invalid("project: logicalId and name are needed.")
    later = sorted({each.type for each in deploy.resources if each.type != _CHECK})
    if later:
        raise NotBuilt(f"Resources of the type {later[0]} are not built yet: this version deploys checks.")
    members = [each for each in deploy.resources if each.member]
    names = [each.logical_id for each in members]
    repeated = sorted({name for name in names if names.count(name) > 1 or not name})
    if repeated:
        raise Invalid(f"resources: the logical id {repeated[0]!r} is there twice, or is empty.")
    return {
        each.logical_id: draft_from_payload(each.payload or {}, where=f"resources[{each.logical_id}].")
        for each in members
    }


async def _plan(
    work: Work,
    principal: Principal,
    deploy: ProjectDeploy,
    drafts: dict[str, CheckDraft],
    *,
    preserve: bool,
) -> _Plan:
    account_id = principal.account_id
    before = await check_store.checks_of_project(work.connection, account_id, deploy.logical_id)
    plan = _Plan(preserve=preserve)
    for logical_id, draft in drafts.items():
        where = f"resources[{logical_id}]."
        await refuse_bad_draft(work.connection, account_id, draft, where=where)
        known = before.pop(logical_id, None)
        # A deploy says everything: variables that it does not name are gone.
        whole = replace(draft, environment=draft.environment or ())
        if known is None:
            ids = {"project_id": deploy.logical_id, "logical_id": logical_id}
            plan.create.append(new_check(work.platform, account_id, whole, **ids))
        elif known.check.type is not draft.type:
            raise Invalid(f"{where}checkType: a {known.check.type} check cannot become {draft.type}.")
        else:
            changed = changed_check(work.platform, known, whole)
            same = is_same_check(work.platform, known, changed)
            (plan.same if same else plan.update).append(changed)
    pending = await pending_checks(work.connection, account_id, deploy.logical_id)
    plan.leave.extend(each for each in before.values() if each.check.id not in pending)
    return plan


async def _preview(
    platform: Platform,
    principal: Principal,
    deploy: ProjectDeploy,
    drafts: dict[str, CheckDraft],
    *,
    preserve: bool,
) -> Deployment:
    at = platform.clock()
    async with platform.database.read() as connection:
        stored = await store.load_project(connection, principal.account_id, deploy.logical_id)
        work = Work(platform, connection, at)
        plan = await _plan(work, principal, deploy, drafts, preserve=preserve)
    created = {each.check.id for each in plan.create}
    # What would be created has no id yet.
    diff = tuple(
        replace(each, physical_id=None) if each.physical_id in set(map(str, created)) else each
        for each in plan.diff
    )
    project = _shown(stored) if stored else _new_project(principal, deploy, at)
    return Deployment(new_id(), project, "SUCCEEDED", diff, (), at)


async def _apply(work: Work, plan: _Plan) -> None:
    gone = [each.check.id for each in plan.leave]
    if plan.preserve:
        await check_store.detach_checks(work.connection, gone)
    else:
        await check_store.delete_checks(work.connection, gone)
    for stored in plan.create:
        await check_store.insert_check(work.connection, stored)
        await follow_check(work.connection, stored.check, at=work.at)
    for stored in plan.update:
        await check_store.update_check(work.connection, stored)
        await follow_check(work.connection, stored.check, at=work.at)


async def _first_sessions(work: Work, principal: Principal, plan: _Plan) -> tuple[UUID, ...]:
    deployed = (*plan.create, *plan.update, *plan.same)
    queued = [
        await queue_check_session(work, stored, principal, source=RunSource.CLI_DEPLOY, refresh_cache=False)
        for stored in await with_groups(work.connection, principal.account_id, deployed)
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
    project_id = uuid5(principal.account_id, f"project:{deploy.logical_id}")
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
