"""Deploys: a project's whole desired state in one request; dry runs answer with the difference alone.

A deploy is done before it is answered, so its stream of events holds one frame, its last.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, Instant, is_none
from bellrock.api.bodies.test_session_asks import Metadata, SharedFile
from bellrock.domain.access import Principal
from bellrock.domain.errors import NotFound
from bellrock.domain.specs import Dependency
from bellrock.services import projects
from bellrock.services.check_payload.shared_files import with_shared_files
from bellrock.services.platform import Platform
from bellrock.services.projects import Change, Deployment, Project, ProjectDeploy, Resource

router = APIRouter(prefix="/v1/projects", tags=["Projects"])


class DeployOptions(BaseModel):
    """What a deploy may be told in its query. Another word is refused: a misspelt ``dryRun`` deploys."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, alias="dryRun")
    schedule_on_deploy: bool = Field(default=True, alias="scheduleOnDeploy")
    preserve_resources: bool = Field(default=False, alias="preserveResources")


class DestroyOptions(BaseModel):
    """What a destroy may be told. Another word is refused: a misspelt ``dryRun`` destroys."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, alias="dryRun")
    preserve_resources: bool = Field(default=False, alias="preserveResources")


class ProjectAsk(Ask):
    """The project that is deployed."""

    logical_id: Annotated[str, Field(min_length=1, max_length=255)]
    name: Annotated[str, Field(min_length=1)]
    repo_url: str | None = None


class ResourceAsk(Ask):
    """One thing of the project. ``member`` false only refers to something that exists."""

    logical_id: Annotated[str, Field(min_length=1, max_length=500)]
    type: Annotated[str, Field(json_schema_extra={"enum": sorted(projects.TYPES)})]
    payload: dict[str, Any] | None = None
    physical_id: str | int | None = None
    member: bool = True

    def resource(self, shared: Sequence[Dependency]) -> Resource:
        """As the service wants it."""
        physical_id = None if self.physical_id is None else str(self.physical_id)
        where = f"resources[{self.logical_id}]."
        payload = self.payload and with_shared_files(self.payload, shared, where=where)
        return Resource(self.logical_id, self.type, payload, physical_id, self.member)


class DeployAsk(Ask):
    """The body of a deploy."""

    project: ProjectAsk
    resources: Annotated[tuple[ResourceAsk, ...], Field(max_length=5_000)] = ()
    shared_files: tuple[SharedFile, ...] = ()
    repo_info: Metadata | None = None

    def deploy(self) -> ProjectDeploy:
        """As the service wants it."""
        shared = [each.file() for each in self.shared_files]
        return ProjectDeploy(
            logical_id=self.project.logical_id,
            name=self.project.name,
            resources=tuple(resource.resource(shared) for resource in self.resources),
            repo_url=self.project.repo_url,
            git=(self.repo_info or Metadata()).git(),
        )


class ProjectBody(Answer):
    """A deployed project. A dry run of a new one has no id yet that could be asked for."""

    id: UUID
    logical_id: str
    name: str
    repo_url: str | None


class ChangeBody(Answer):
    """One line of the difference. ``note``, our addition, says what this version does not do about it."""

    type: str
    logical_id: str
    physical_id: str | None
    action: Literal["CREATE", "UPDATE", "DELETE", "DETACHED"]
    note: str | None = Field(None, exclude_if=is_none)


class DeployResult(Answer):
    """What a deploy changed, or would. ``sessionIds`` are the first check sessions it started."""

    project: ProjectBody
    diff: tuple[ChangeBody, ...]
    session_ids: tuple[UUID, ...]


class Destroyed(Answer):
    """What a destroy deleted or detached, or would. It is over, so there is no deployment to follow."""

    logical_id: str
    diff: tuple[ChangeBody, ...]


class DeploymentBody(Answer):
    """A deploy that is over."""

    id: UUID
    logical_id: str
    status: Literal["SUCCEEDED"]
    progress: int
    error: None
    result: DeployResult
    created_at: Instant


class _Progress(Answer):
    progress: int


def _project(project: Project) -> ProjectBody:
    return ProjectBody(
        id=project.id, logical_id=project.logical_id, name=project.name, repo_url=project.repo_url
    )


def _change(change: Change) -> ChangeBody:
    return ChangeBody(
        type=change.type,
        logical_id=change.logical_id,
        physical_id=change.physical_id,
        action=change.action,
        note=change.note,
    )


def deploy_result(deployment: Deployment) -> DeployResult:
    """What a deploy changed, as a body."""
    return DeployResult(
        project=_project(deployment.project),
        diff=tuple(_change(change) for change in deployment.diff),
        session_ids=deployment.session_ids,
    )


def _deployment(deployment: Deployment) -> DeploymentBody:
    return DeploymentBody(
        id=deployment.id,
        logical_id=deployment.project.logical_id,
        status=deployment.status,
        progress=100,
        error=None,
        result=deploy_result(deployment),
        created_at=deployment.created_at,
    )


async def deployed(
    platform: Platform, caller: Principal, body: DeployAsk, options: DeployOptions
) -> Deployment:
    """Carry out a deploy as it was asked for, in whichever generation of requests."""
    return await projects.deploy_project(
        platform,
        caller,
        body.deploy(),
        dry_run=options.dry_run,
        schedule_on_deploy=options.schedule_on_deploy,
        preserve_resources=options.preserve_resources,
    )


@router.post("/deploy", status_code=202, responses={200: {"model": DeployResult}})
async def deploy_project(
    response: Response,
    platform: PlatformOf,
    caller: EditCaller,
    body: DeployAsk,
    options: Annotated[DeployOptions, Query()],
) -> DeploymentBody | DeployResult:
    """Deploy a project (202), or say what that would change (200, with ``dryRun``)."""
    deployment = await deployed(platform, caller, body, options)
    if options.dry_run:
        response.status_code = 200
        return deploy_result(deployment)
    return _deployment(deployment)


@router.delete("/{logicalId}")
async def destroy_project(
    logicalId: str,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: EditCaller,
    options: Annotated[DestroyOptions, Query()],
) -> Destroyed:
    """Delete a project with all that it deployed, or detach that. A project that is not there has nothing."""
    diff = await projects.destroy_project(
        platform,
        caller,
        logicalId,
        preserve_resources=options.preserve_resources,
        dry_run=options.dry_run,
    )
    return Destroyed(logical_id=logicalId, diff=tuple(_change(change) for change in diff))


@router.get("/{logicalId}")
async def get_project(logicalId: str, platform: PlatformOf, caller: Caller) -> ProjectBody:  # noqa: N803  (the contract's name)
    """A deployed project."""
    return _project(await projects.get_project(platform, caller, logicalId))


@router.get("/{logicalId}/deployments/{deploymentId}")
@router.get("/{logicalId}/deployments/{deploymentId}/completion")
async def get_deployment(
    logicalId: str,  # noqa: N803
    deploymentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
) -> DeploymentBody:
    """A deploy, which is over."""
    deployment = await projects.get_deployment(platform, caller, logicalId, deployment_id=deploymentId)
    return _deployment(deployment)


@router.post("/{logicalId}/deployments/{deploymentId}/cancel", status_code=204, include_in_schema=False)
async def cancel_deployment(
    logicalId: str,  # noqa: N803
    deploymentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> None:
    """Stop a deploy: none is left to be stopped, since each is over before anybody is told its id.

    Command lines take 404 for that, and deploy again.
    """
    deployment = await projects.get_deployment(platform, caller, logicalId, deployment_id=deploymentId)
    raise NotFound(f"The deployment {deployment.id} is over: there is nothing to cancel.")


@router.get("/{logicalId}/deployments/{deploymentId}/events")
async def watch_deployment(
    logicalId: str,  # noqa: N803
    deploymentId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
) -> StreamingResponse:
    """A deploy as server-sent events: its progress, then ``complete`` with the whole deployment."""
    deployment = await projects.get_deployment(platform, caller, logicalId, deployment_id=deploymentId)

    async def frames() -> AsyncIterator[bytes]:
        progress = _Progress(progress=100).model_dump_json()
        yield format_sse_event(event="progress", data_str=progress)
        yield format_sse_event(event="complete", data_str=_deployment(deployment).model_dump_json())

    return StreamingResponse(frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
