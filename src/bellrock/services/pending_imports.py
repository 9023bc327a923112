"""What deploys have to know of imports: things that are a project's, but not for good yet."""

from collections.abc import Collection, Sequence

from bellrock.domain.imports import ImportPlan
from bellrock.services.importing import IMPORT_KINDS, NOBODY, Shelf
from bellrock.store.import_plans import plans_of

_KINDS = {kind.type: kind for kind in IMPORT_KINDS}


async def pending_things(shelf: Shelf, project: str) -> Collection[tuple[str, str]]:
    """Things that no deploy of the project deletes, by type and id: those of plans not yet committed."""
    return open_things(await plans_of(shelf.connection, shelf.account_id, project=project))


async def release_pending(shelf: Shelf, project: str) -> None:
    """Give back what plans have that are not committed: the project is about to be deleted."""
    plans = await plans_of(shelf.connection, shelf.account_id, project=project)
    await release(shelf, [each for each in plans if each.committed_at is None])


async def release(shelf: Shelf, plans: Sequence[ImportPlan]) -> None:
    """Take the things of applied plans from their projects, where they still are theirs."""
    for plan in plans:
        if plan.applied_at is None:
            continue
        for item in plan.items:
            kind = _KINDS[item.type]
            thing = await kind.load(shelf, item.physical_id)
            if thing is not None and kind.owner_of(thing) == plan.project:
                await kind.give(shelf, thing, NOBODY)


def open_things(plans: Sequence[ImportPlan]) -> set[tuple[str, str]]:
    """The things, by type and id, of plans that are not committed."""
    return {item.thing for plan in plans if plan.committed_at is None for item in plan.items}
