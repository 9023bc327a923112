"""Imports: checks of the account that belong to no project become a project's, in steps that can be undone.

A plan says what would become the project's and under which logical ids, so that a command line can write
code for it. Applied, the checks are the project's: a deploy changes them, and deletes none. Committed, they
are like any others. Until then the plan can be cancelled, which gives them back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import Check
from bellrock.domain.errors import Conflict, Forbidden, NotFound
from bellrock.domain.imports import ImportFilter, ImportItem, ImportPlan, is_included, logical_id_of
from bellrock.domain.specs import CheckType
from bellrock.services.check_payload.said import payload_of, retry_said
from bellrock.services.environment import unseal, without_secrets
from bellrock.services.ids import new_id
from bellrock.services.pending_imports import open_checks, release
from bellrock.services.platform import Platform
from bellrock.services.work import Work, unit_of_work
from bellrock.store import checks as check_store
from bellrock.store import import_plans as store
from bellrock.store import private_locations
from bellrock.store.checks import StoredCheck
from bellrock.store.projects import StoredProject, load_project, lock_projects

log = structlog.get_logger(__name__)

_CHECK = "check"
# Command lines have no code for a suite that is uploaded: it comes from a project anyway.
_NOT_WRITTEN = frozenset({CheckType.PLAYWRIGHT})


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One thing as a deploy would say it. ``physical_id`` is that of the account's check."""

    type: str
    logical_id: str
    physical_id: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan with everything that code is written from."""

    plan: ImportPlan
    resources: tuple[PlannedResource, ...]


async def create_plan(
    platform: Platform,
    principal: Principal,
    project: str,
    *,
    filters: Sequence[ImportFilter],
    preview: bool = False,
) -> NewPlan:
    """Plan to import what the filters leave; a preview is not kept, and its id names nothing.

    Checks that another open plan has are left out, unless a filter names them. Raises NotFound for the
    project, and where nothing is left. Needs EDIT.
    """
    principal.must(Right.EDIT)
    async with unit_of_work(platform) as work:
        account_id = principal.account_id
        await lock_projects(work.connection, account_id)
        its_project = await _project(work.connection, account_id, project)
        reserved = open_checks(await store.plans_of(work.connection, account_id))
        checks = [
            each
            for each in await check_store.all_checks(work.connection, account_id)
            if _is_importable(each)
            and _is_wanted(str(each.check.id), filters, reserved=each.check.id in reserved)
        ]
        if not checks:
            raise NotFound("No importable resources were found.")
        items = tuple(_item(each.check) for each in checks)
        plan = ImportPlan(new_id(), its_project.id, project, items, work.at)
        resources = await _resources(work, account_id, checks, plan)
        if not preview:
            await store.insert_plan(work.connection, plan)
    return NewPlan(plan, resources)


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
    """Make the plan's checks the project's; those that were deleted meanwhile are left out. Needs EDIT.

    Raises NotFound, Forbidden for a plan that is applied, Conflict where a check became another project's.
    """
    async with unit_of_work(platform) as work:
        plan = await _plan(work, principal, plan_id)
        if plan.applied_at is not None:
            raise Forbidden(f"The import plan {plan_id} is applied already.")
        for item in plan.items:
            stored = await check_store.load_check(work.connection, principal.account_id, item.check_id)
            if stored is None:
                continue
            if stored.check.project_id is not None:
                message = f"The check {item.check_id} belongs to the project {stored.check.project_id!r} now."
                raise Conflict(message)
            check = replace(stored.check, project_id=plan.project, logical_id=item.logical_id)
            await check_store.update_check(work.connection, replace(stored, check=check))
        plan = replace(plan, applied_at=work.at)
        await store.update_plan(work.connection, plan)
    log.info("import.applied", project=plan.project, plan_id=str(plan_id), checks=len(plan.items))
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
        await release(work, principal.account_id, [plan])
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


def _item(check: Check) -> ImportItem:
    return ImportItem(check.id, logical_id_of(check.name, check.id))


def _is_importable(stored: StoredCheck) -> bool:
    return stored.check.project_id is None and stored.check.type not in _NOT_WRITTEN


def _is_wanted(check_id: str, filters: Sequence[ImportFilter], *, reserved: bool) -> bool:
    if reserved and not any(each.names(_CHECK, check_id) for each in filters):
        return False
    return is_included(filters, _CHECK, check_id)


async def _resources(
    work: Work, account_id: UUID, checks: Sequence[StoredCheck], plan: ImportPlan
) -> tuple[PlannedResource, ...]:
    """The checks, and what ties them to locations and channels: code names these by their ids."""
    there = await private_locations.locations_of(work.connection, account_id)
    locations = {each.slug: str(each.id) for each in there}
    resources = []
    for stored, item in zip(checks, plan.items, strict=True):
        check_id = str(stored.check.id)
        variables = without_secrets(unseal(work.platform.vault, stored.sealed_environment))
        payload = {**payload_of(replace(stored.check, environment=variables)), "id": check_id}
        if (retry := stored.check.policy.retry) is not None:
            payload["retryStrategy"] = retry_said(retry)  # code has no word for a double check
        resources.append(PlannedResource(_CHECK, item.logical_id, check_id, payload))
        ties = [
            ("private-location-check-assignment", {"privateLocationId": locations[slug], "checkId": check_id})
            for slug in stored.check.private_locations
            if slug in locations
        ] + [
            (
                "alert-channel-subscription",
                {"alertChannelId": each.alert_channel_id, "checkId": check_id, "activated": each.activated},
            )
            for each in stored.check.policy.subscriptions
        ]
        resources += [
            PlannedResource(type_, f"{item.logical_id}-{number}", None, said)
            for number, (type_, said) in enumerate(ties, start=1)
        ]
    return tuple(resources)
