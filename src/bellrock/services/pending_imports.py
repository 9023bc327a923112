"""What deploys have to know of imports: checks that are a project's, but not for good yet."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.imports import ImportPlan
from bellrock.services.work import Work
from bellrock.store.checks import checks_of_project, detach_checks
from bellrock.store.import_plans import plans_of


async def pending_checks(connection: AsyncConnection, account_id: UUID, project: str) -> Collection[UUID]:
    """Checks that no deploy of the project deletes: those of plans that are not committed."""
    return open_checks(await plans_of(connection, account_id, project=project))


async def release_pending(work: Work, account_id: UUID, project: str) -> None:
    """Give back what plans have that are not committed: the project is about to be deleted."""
    plans = await plans_of(work.connection, account_id, project=project)
    await release(work, account_id, [each for each in plans if each.committed_at is None])


async def release(work: Work, account_id: UUID, plans: Sequence[ImportPlan]) -> None:
    """Take the checks of applied plans from their projects, where they still are theirs."""
    for plan in plans:
        if plan.applied_at is not None:
            theirs = await checks_of_project(work.connection, account_id, plan.project)
            wanted = {item.check_id for item in plan.items}
            ids = [each.check.id for each in theirs.values() if each.check.id in wanted]
            await detach_checks(work.connection, ids)


def open_checks(plans: Sequence[ImportPlan]) -> set[UUID]:
    """The checks of plans that are not committed."""
    return {item.check_id for plan in plans if plan.committed_at is None for item in plan.items}
