"""Deploys: a project's whole desired state becomes the account's, and what changed is the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.errors import NotBuilt
from bellrock.domain.sessions import GitMetadata
from bellrock.services.platform import Platform


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
    git: GitMetadata = GitMetadata()


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
    (DETACHED) with ``preserve_resources``. Every activated suite created or updated gets a first check
    session (run source CLI_DEPLOY) unless ``schedule_on_deploy`` is off.

    Raises Invalid naming resource and field, NotBuilt for resource types of later versions. Needs EDIT.
    """
    raise NotBuilt("projects")


async def get_deployment(
    platform: Platform, principal: Principal, logical_id: str, *, deployment_id: UUID
) -> Deployment:
    """A deploy of a project. Raises NotFound."""
    raise NotBuilt("projects")


async def get_project(platform: Platform, principal: Principal, logical_id: str) -> Project:
    """A project by its logical id. Raises NotFound."""
    raise NotBuilt("projects")


async def destroy_project(
    platform: Platform, principal: Principal, logical_id: str, *, preserve_resources: bool = False
) -> tuple[Change, ...]:
    """Delete (or detach) everything of a project, and the project. Raises NotFound. Needs EDIT."""
    raise NotBuilt("projects")
