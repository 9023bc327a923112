"""A deploy, carried out in one transaction: what is gone is removed, what is wanted is saved, in order."""

from collections.abc import Mapping
from typing import Any, Final

from bellrock.domain.errors import Invalid
from bellrock.domain.kept import KeptKind
from bellrock.services.deploys.checks import Checks
from bellrock.services.deploys.desired import Action, Change, refuse_bad_deploy
from bellrock.services.deploys.groups import Groups
from bellrock.services.deploys.kept import Kept
from bellrock.services.deploys.links import Subscriptions, ToChecks, ToGroups
from bellrock.services.deploys.private_locations import PrivateLocations
from bellrock.services.deploys.scene import Kind, Scene
from bellrock.services.pending_imports import pending_things

KINDS: Final[tuple[Kind[Any], ...]] = (
    Kept(KeptKind.STATUS_PAGE_SERVICE),
    Kept(KeptKind.STATUS_PAGE),
    Kept(KeptKind.STATUS_PAGE_COMPONENT),
    Kept(KeptKind.STATUS_PAGE_AUTOMATION_RULE),
    PrivateLocations(),
    Kept(KeptKind.ALERT_CHANNEL),
    Groups(),
    Checks(),
    Subscriptions(),
    Kept(KeptKind.MAINTENANCE_WINDOW),
    ToChecks(),
    ToGroups(),
    Kept(KeptKind.DASHBOARD),
)
"""Every type that can be deployed. What is referred to stands before what refers to it."""

TYPES: Final = frozenset(kind.type for kind in KINDS)


async def carry_out(scene: Scene) -> None:
    """Make the account's things of this project equal to the deploy. ``scene.changes`` says what changed.

    Raises Invalid naming resource and field, Conflict, Forbidden.
    """
    refuse_bad_deploy(scene.deploy, types=TYPES)
    before = await _before(scene)
    await _refer_to_what_exists(scene)
    left = {
        kind.type: {
            logical_id: before[kind.type].pop(logical_id)
            for logical_id in set(before[kind.type]) - {each.logical_id for each in scene.wanted(kind.type)}
        }
        for kind in KINDS
    }
    for kind in reversed(KINDS):
        if kind.rank == 0:
            await _remove(scene, kind, left[kind.type])
    for kind in KINDS:
        await _save(scene, kind, before[kind.type])
    for kind in reversed(KINDS):
        if kind.rank:
            await _remove(scene, kind, left[kind.type])


async def _before(scene: Scene) -> dict[str, dict[str, Any]]:
    """The project's things by type and logical id; without what an import may yet give back."""
    pending = await pending_things(scene.shelf, scene.deploy.logical_id)
    found = {kind: dict(await kind.of_project(scene)) for kind in KINDS}
    named = {(each.type, each.logical_id) for each in scene.deploy.members}
    return {
        kind.type: {
            logical_id: thing
            for logical_id, thing in things.items()
            if (kind.type, logical_id) in named or (kind.type, kind.physical_id(thing)) not in pending
        }
        for kind, things in found.items()
    }


async def _refer_to_what_exists(scene: Scene) -> None:
    kinds = {kind.type: kind for kind in KINDS}
    for resource in scene.deploy.resources:
        if resource.member:
            continue
        physical_id = resource.physical_id
        if physical_id is None or not await kinds[resource.type].exists(scene, physical_id):
            raise Invalid(f"{resource.where}physicalId: there is no {resource.type} {physical_id!r:.80}.")
        scene.refer(resource.type, resource.logical_id, physical_id)


async def _save(scene: Scene, kind: Kind[Any], before: Mapping[str, Any]) -> None:
    for resource in scene.wanted(kind.type):
        known = before.get(resource.logical_id)
        saved = await kind.save(scene, resource, known)
        thing = known if saved is None else saved
        scene.refer(kind.type, resource.logical_id, kind.physical_id(thing))
        if saved is not None:
            scene.principal.must(kind.right)
            _tell(scene, kind, resource.logical_id, thing, "CREATE" if known is None else "UPDATE")


async def _remove(scene: Scene, kind: Kind[Any], things: Mapping[str, Any]) -> None:
    if not things:
        return
    scene.principal.must(kind.right)
    await kind.remove(scene, list(things.values()))
    for logical_id in sorted(things):
        _tell(scene, kind, logical_id, things[logical_id], scene.gone)


def _tell(scene: Scene, kind: Kind[Any], logical_id: str, thing: object, action: Action) -> None:
    change = Change(kind.type, logical_id, kind.physical_id(thing), action, kind.note_of(thing))
    scene.changes.append(change)
