"""Imports: things of the account that belong to no project become a project's, in steps that can be undone.

A plan says what would become the project's and under which logical ids, so that a command line can write
code for it. Applied, the things are the project's: a deploy changes them, and deletes none. Committed, they
are like any others. Until then the plan can be cancelled, which gives them back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Conflict, Forbidden, NotFound
from bellrock.domain.imports import ImportFilter, ImportItem, ImportPlan, is_included, logical_id_of
from bellrock.services.ids import new_id
from bellrock.services.importing import IMPORT_KINDS, Importable, Owner, Shelf
from bellrock.services.pending_imports import open_things, release
from bellrock.services.platform import Platform
from bellrock.services.work import Work, unit_of_work
from bellrock.store import import_plans as store
from bellrock.store.projects import StoredProject, load_project, lock_projects
from bellrock.store.snippets import load_snippets

log = structlog.get_logger(__name__)

_KINDS = {kind.type: kind for kind in IMPORT_KINDS}


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One thing as a deploy would say it. ``physical_id`` is what the account calls it."""

    type: str
    logical_id: str
    physical_id: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Friend:
    """A thing of the project that its code shares with other code."""

    type: str
    logical_id: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """What code needs besides, and no deploy brings: a snippet that scripts stand for."""

    type: str
    physical_id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan with everything that code is written from."""

    plan: ImportPlan
    resources: tuple[PlannedResource, ...]
    friends: tuple[Friend, ...]
    auxiliary: tuple[Auxiliary, ...]


async def create_plan(
    platform: Platform,
    principal: Principal,
    project: str,
    *,
    filters: Sequence[ImportFilter],
    exported: Collection[tuple[str, str]] = (),
    preview: bool = False,
) -> NewPlan:
    """Plan to import what the filters leave; a preview is not kept, and its id names nothing.

    Things that another open plan has are left out, unless a filter names them. ``exported`` are types and
    logical ids of what the project's code shares. Raises NotFound for the project, and where nothing is left.
    Needs EDIT.
    """
    principal.must(Right.EDIT)
    async with unit_of_work(platform) as work:
        await lock_projects(work.connection, principal.account_id)
        its_project = await _project(work.connection, principal.account_id, project)
        reserved = open_things(await store.plans_of(work.connection, principal.account_id))
        shelf = _shelf(work, principal)
        found = [
            (ImportItem(kind.type, each.physical_id, _logical_id(kind.type, each)), each)
            for kind in IMPORT_KINDS
            for each in await kind.free(shelf)
        ]
        wanted = [(item, each) for item, each in found if _is_wanted(item, filters, reserved=reserved)]
        if not wanted:
            raise NotFound("No importable resources were found.")
        plan = ImportPlan(new_id(), its_project.id, project, tuple(item for item, _ in wanted), work.at)
        if not preview:
            await store.insert_plan(work.connection, plan)
        snippets = frozenset(number for _, each in wanted for number in each.snippets)
        return NewPlan(
            plan,
            tuple(resource for item, each in wanted for resource in _resources(item, each)),
            await _friends(shelf, project, exported),
            await _auxiliary(shelf, snippets),
        )


async def list_plans(
    platform: Platform,
    principal: Principal,
    *,
    project: str | None = None,
    only_unapplied: bool = False,
    only_uncommitted: bool = False,
) -> list[ImportPlan]:
    """Plans of a project, or of all. Raises NotFound for the project. Needs VIEW."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        if project is not None:
            await _project(connection, principal.account_id, project)
        plans = await store.plans_of(connection, principal.account_id, project=project)
    return [
        each
        for each in plans
        if not (only_unapplied and each.applied_at) and not (only_uncommitted and each.committed_at)
    ]


async def apply_plan(platform: Platform, principal: Principal, plan_id: UUID) -> ImportPlan:
    """Make the plan's things the project's; those that were deleted meanwhile are left out. Needs EDIT.

    Raises NotFound, Forbidden for a plan that is applied, Conflict where a thing became another project's.
    """
    async with unit_of_work(platform) as work:
        plan = await _plan(work, principal, plan_id)
        if plan.applied_at is not None:
            raise Forbidden(f"The import plan {plan_id} is applied already.")
        for item in plan.items:
            await _take(_shelf(work, principal), plan.project, item)
        plan = replace(plan, applied_at=work.at)
        await store.update_plan(work.connection, plan)
    log.info("import.applied", project=plan.project, plan_id=str(plan_id), things=len(plan.items))
    return plan


async def commit_plan(platform: Platform, principal: Principal, plan_id: UUID) -> ImportPlan:
    """Make an applied plan final. Raises NotFound, Forbidden in any other state. Needs EDIT."""
    async with unit_of_work(platform) as work:
        plan = await _plan(work, principal, plan_id)
        if plan.applied_at is None or plan.committed_at is not None:
            state = "committed already" if plan.committed_at else "not applied yet"
            raise Forbidden(f"The import plan {plan_id} is {state}.")
        plan = replace(plan, committed_at=work.at)
        await store.update_plan(work.connection, plan)
    log.info("import.committed", project=plan.project, plan_id=str(plan_id))
    return plan


async def cancel_plan(platform: Platform, principal: Principal, plan_id: UUID) -> None:
    """Give back what a plan made the project's, and forget the plan. Needs EDIT.

    Raises NotFound, Forbidden for a plan that is committed.
    """
    async with unit_of_work(platform) as work:
        plan = await _plan(work, principal, plan_id)
        if plan.committed_at is not None:
            raise Forbidden(f"The import plan {plan_id} is committed already.")
        await release(_shelf(work, principal), [plan])
        await store.delete_plan(work.connection, plan.id)
    log.info("import.cancelled", project=plan.project, plan_id=str(plan_id))


async def _plan(work: Work, principal: Principal, plan_id: UUID) -> ImportPlan:
    principal.must(Right.EDIT)
    await lock_projects(work.connection, principal.account_id)
    plan = await store.load_plan(work.connection, principal.account_id, plan_id)
    if plan is None:
        raise NotFound(f"There is no import plan {plan_id}.")
    return plan


async def _project(connection: AsyncConnection, account_id: UUID, logical_id: str) -> StoredProject:
    project = await load_project(connection, account_id, logical_id)
    if project is None:
        raise NotFound(f"There is no project {logical_id!r}.")
    return project


def _shelf(work: Work, principal: Principal) -> Shelf:
    return Shelf(work.connection, work.platform.vault, principal.account_id)


async def _take(shelf: Shelf, project: str, item: ImportItem) -> None:
    kind = _KINDS[item.type]
    thing = await kind.load(shelf, item.physical_id)
    if thing is None:
        return
    if (owner := kind.owner_of(thing)) is not None:
        message = f"The {item.type} {item.physical_id} belongs to the project {owner!r} now."
        raise Conflict(message)
    await kind.give(shelf, thing, Owner(project, item.logical_id))


def _logical_id(type_: str, thing: Importable) -> str:
    return logical_id_of(type_, thing.name, thing.physical_id)


def _is_wanted(
    item: ImportItem, filters: Sequence[ImportFilter], *, reserved: Collection[tuple[str, str]]
) -> bool:
    if item.thing in reserved and not any(each.names(*item.thing) for each in filters):
        return False
    return is_included(filters, *item.thing)


def _resources(item: ImportItem, thing: Importable) -> list[PlannedResource]:
    """The thing, and what ties it to locations and channels."""
    resources = [PlannedResource(item.type, item.logical_id, item.physical_id, thing.payload)]
    for number, (type_, said) in enumerate(thing.ties, start=1):
        resources.append(PlannedResource(type_, f"{item.logical_id}-{number}", None, said))
    return resources


async def _friends(shelf: Shelf, project: str, exported: Collection[tuple[str, str]]) -> tuple[Friend, ...]:
    """Those that are deployed: others have no id yet that anything could refer to."""
    friends = []
    for type_ in sorted({type_ for type_, _ in exported} & _KINDS.keys()):
        deployed = await _KINDS[type_].in_project(shelf, project)
        names = [name for of_type, name in exported if of_type == type_ and name in deployed]
        friends += [Friend(type_, name, deployed[name]) for name in names]
    return tuple(friends)


async def _auxiliary(shelf: Shelf, snippet_ids: frozenset[int]) -> tuple[Auxiliary, ...]:
    found = await load_snippets(shelf.connection, shelf.account_id, snippet_ids) if snippet_ids else {}
    return tuple(
        Auxiliary("snippet", str(each.id), {"id": each.id, "name": each.name, "script": each.script})
        for _, each in sorted(found.items())
    )
