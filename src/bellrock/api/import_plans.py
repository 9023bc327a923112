"""Projects before their first deploy, and imports into them, as the contract's command lines ask for them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, Instant
from bellrock.domain.imports import ImportFilter, ImportPlan
from bellrock.services import import_plans, new_projects, projects
from bellrock.services.import_plans import NewPlan
from bellrock.services.projects import Project

router = APIRouter(prefix="/next/projects", include_in_schema=False)


class ProjectAsk(Ask):
    """A project that is to be made."""

    logical_id: Annotated[str, Field(min_length=1, max_length=255)]
    name: Annotated[str, Field(min_length=1, max_length=255)]
    repo_url: Annotated[str | None, Field(max_length=2_000)] = None


class ProjectBody(Answer):
    """A project."""

    id: UUID
    logical_id: str
    name: str
    repo_url: str | None
    created_at: Annotated[Instant, Field(alias="created_at")]

    @classmethod
    def of(cls, project: Project) -> "ProjectBody":
        """As the contract says it."""
        return cls(
            id=project.id,
            logical_id=project.logical_id,
            name=project.name,
            repo_url=project.repo_url,
            created_at=project.created_at,
        )


class FilteredAsk(Ask):
    """Which things a filter is about: all of a type, or one."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    physical_id: Annotated[str, Field(max_length=100)] | int | None = None


class FilterAsk(Ask):
    """What is to be imported, or not. The last one that is about a thing decides."""

    type: Literal["include", "exclude"]
    resource: FilteredAsk | None = None

    def filter(self) -> ImportFilter:
        """As the service wants it."""
        about = self.resource
        physical_id = None if about is None or about.physical_id is None else str(about.physical_id)
        return ImportFilter(self.type == "include", about.type if about else None, physical_id)


class FriendAsk(Ask):
    """A thing that the project's code exports: new code imports it by its name, where it refers to it."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    logical_id: Annotated[str, Field(min_length=1, max_length=500)]


class PlanAsk(Ask):
    """The body of a new plan."""

    filters: Annotated[tuple[FilterAsk, ...], Field(max_length=5_000)] = ()
    friends: Annotated[tuple[FriendAsk, ...], Field(max_length=5_000)] = ()


class ResourceBody(Answer):
    """One thing of a plan, as a deploy would say it."""

    logical_id: str
    type: str
    physical_id: str | int | None = None
    member: bool = True
    payload: dict[str, Any]


class FriendBody(Answer):
    """A thing of the project that code may refer to. Ids are as payloads have them."""

    type: str
    logical_id: str
    physical_id: str | int
    member: bool = True


class AuxiliaryBody(Answer):
    """What code needs besides."""

    type: str
    physical_id: int
    payload: dict[str, Any]


class ChangesBody(Answer):
    """What code is to be written for."""

    resources: tuple[ResourceBody, ...]
    friends: tuple[FriendBody, ...] = ()
    auxiliary: tuple[AuxiliaryBody, ...] = ()

    @classmethod
    def of(cls, made: NewPlan) -> "ChangesBody":
        """As the contract says it."""
        return cls(
            resources=tuple(
                ResourceBody(
                    logical_id=each.logical_id,
                    type=each.type,
                    physical_id=each.physical_id and _id(each.physical_id),
                    payload=dict(each.payload),
                )
                for each in made.resources
            ),
            friends=tuple(
                FriendBody(type=each.type, logical_id=each.logical_id, physical_id=_id(each.physical_id))
                for each in made.friends
            ),
            auxiliary=tuple(
                AuxiliaryBody(type=each.type, physical_id=int(each.physical_id), payload=dict(each.payload))
                for each in made.auxiliary
            ),
        )


class PlanBody(Answer):
    """A plan, and how far it has come."""

    id: UUID
    created_at: Instant
    applied_at: Instant | None = None
    committed_at: Instant | None = None
    changes: ChangesBody | None = None

    @classmethod
    def of(cls, plan: ImportPlan, changes: ChangesBody | None = None) -> "PlanBody":
        """As the contract says it."""
        return cls(
            id=plan.id,
            created_at=plan.created_at,
            applied_at=plan.applied_at,
            committed_at=plan.committed_at,
            changes=changes,
        )


class PlanQuery(BaseModel):
    """Which plans are listed."""

    model_config = ConfigDict(extra="ignore")

    only_unapplied: bool = Field(default=False, alias="onlyUnapplied")
    only_uncommitted: bool = Field(default=False, alias="onlyUncommitted")


LogicalId = Annotated[str, Field(max_length=255)]


@router.get("")
async def list_projects(platform: PlatformOf, caller: Caller) -> list[ProjectBody]:
    """All projects."""
    return [ProjectBody.of(each) for each in await new_projects.list_projects(platform, caller)]


@router.post("", status_code=201)
async def create_project(platform: PlatformOf, caller: EditCaller, body: ProjectAsk) -> ProjectBody:
    """An empty project."""
    made = await new_projects.create_project(
        platform, caller, logical_id=body.logical_id, name=body.name, repo_url=body.repo_url
    )
    return ProjectBody.of(made)


# Before the paths with a logical id: a project that is called `imports` is not to be had here.
@router.get("/imports", response_model_exclude_none=True)
async def list_all_plans(
    platform: PlatformOf, caller: Caller, query: Annotated[PlanQuery, Query()]
) -> list[PlanBody]:
    """The plans of all projects."""
    return await _plans(platform, caller, query, project=None)


@router.post("/imports/{planId}/apply", response_model_exclude_none=True)
async def apply_plan(planId: UUID, platform: PlatformOf, caller: EditCaller) -> PlanBody:  # noqa: N803
    """Make what is planned the project's."""
    return PlanBody.of(await import_plans.apply_plan(platform, caller, planId))


@router.post("/imports/{planId}/commit", response_model_exclude_none=True)
async def commit_plan(planId: UUID, platform: PlatformOf, caller: EditCaller) -> PlanBody:  # noqa: N803
    """Make it final."""
    return PlanBody.of(await import_plans.commit_plan(platform, caller, planId))


@router.delete("/imports/{planId}", status_code=204)
async def cancel_plan(planId: UUID, platform: PlatformOf, caller: EditCaller) -> Response:  # noqa: N803
    """Undo it."""
    await import_plans.cancel_plan(platform, caller, planId)
    return Response(status_code=204)


@router.get("/{logicalId}")
async def get_project(logicalId: LogicalId, platform: PlatformOf, caller: Caller) -> ProjectBody:  # noqa: N803
    """A project."""
    return ProjectBody.of(await projects.get_project(platform, caller, logicalId))


@router.get("/{logicalId}/imports", response_model_exclude_none=True)
async def list_plans(
    logicalId: LogicalId,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    query: Annotated[PlanQuery, Query()],
) -> list[PlanBody]:
    """The plans of a project."""
    return await _plans(platform, caller, query, project=logicalId)


@router.post("/{logicalId}/imports", status_code=201, response_model_exclude_none=True)
async def create_plan(
    logicalId: LogicalId,  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
    body: PlanAsk,
    preview: Annotated[bool, Query()] = False,  # noqa: FBT002
) -> PlanBody:
    """Plan an import; with ``preview`` nothing is kept of it."""
    filters = [each.filter() for each in body.filters]
    exported = [(each.type, each.logical_id) for each in body.friends]
    made = await import_plans.create_plan(
        platform, caller, logicalId, filters=filters, exported=exported, preview=preview
    )
    return PlanBody.of(made.plan, ChangesBody.of(made))


def _id(physical_id: str) -> str | int:
    """Numbers are numbers: command lines look things up by the ids of payloads."""
    return int(physical_id) if physical_id.isdecimal() else physical_id


async def _plans(
    platform: PlatformOf, caller: Caller, query: PlanQuery, *, project: str | None
) -> list[PlanBody]:
    plans = await import_plans.list_plans(
        platform,
        caller,
        project=project,
        only_unapplied=query.only_unapplied,
        only_uncommitted=query.only_uncommitted,
    )
    return [PlanBody.of(each) for each in plans]
