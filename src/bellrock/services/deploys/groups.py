"""Deploys of check groups, in both versions that clients say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from bellrock.domain.errors import Conflict, Invalid
from bellrock.domain.groups import CheckGroup
from bellrock.services.bad_input import first_problem
from bellrock.services.deploys.desired import Resource
from bellrock.services.deploys.kept import number_of
from bellrock.services.deploys.links import places_of, subscriptions_of
from bellrock.services.deploys.scene import Kind, Scene
from bellrock.services.environment import seal
from bellrock.services.group_payload import GroupAsk, group_shape
from bellrock.services.grouping import in_clear_group
from bellrock.services.groups import allowed_group
from bellrock.store import groups as store
from bellrock.store.groups import StoredGroup


class Groups(Kind[StoredGroup]):
    """Check groups."""

    type = "check-group"
    rank = 1

    async def of_project(self, scene: Scene) -> Mapping[str, StoredGroup]:
        """The project's groups as they are, by logical id."""
        return await store.groups_of_project(scene.connection, scene.account_id, scene.deploy.logical_id)

    async def save(self, scene: Scene, resource: Resource, before: StoredGroup | None) -> StoredGroup | None:
        """Make the group what the resource says: all that it does not say has its default."""
        empty = CheckGroup(
            id=0,
            account_id=scene.account_id,
            name="",
            created_at=scene.work.at,
            project_id=scene.deploy.logical_id,
            logical_id=resource.logical_id,
        )
        known = in_clear_group(scene.platform.vault, before) if before else empty
        wanted = (await self._ask(scene, resource)).onto(empty)
        wanted = replace(wanted, id=known.id, created_at=known.created_at, updated_at=known.updated_at)
        wanted = await allowed_group(scene.connection, wanted, known, where=resource.where)
        if before is None:
            stored = StoredGroup(wanted, seal(scene.platform.vault, wanted.environment))
            return await store.insert_group(scene.connection, stored)
        if wanted == known:
            return None
        changed = replace(wanted, updated_at=scene.work.at)
        stored = StoredGroup(changed, seal(scene.platform.vault, changed.environment))
        await store.update_group(scene.connection, stored)
        return stored

    async def _ask(self, scene: Scene, resource: Resource) -> GroupAsk:
        payload: dict[str, Any] = scene.resolved(resource)
        places = [*(payload.get("privateLocations") or ()), *await places_of(scene, resource)]
        heard = [*(payload.get("alertChannelSubscriptions") or ()), *subscriptions_of(scene, resource)]
        payload |= {
            "privateLocations": list(dict.fromkeys(places)),
            "alertChannelSubscriptions": heard,
        }
        try:
            return group_shape(payload).model_validate(payload)
        except ValidationError as error:
            raise Invalid(resource.where + first_problem(error)) from error

    async def remove(self, scene: Scene, things: Sequence[StoredGroup]) -> None:
        """Delete groups, unless they still hold checks, or keep them without the project."""
        for stored in things:
            if scene.preserve:
                group = replace(stored.group, project_id=None, logical_id=None)
                await store.update_group(scene.connection, replace(stored, group=group))
                continue
            held = await store.count_checks(scene.connection, stored.group.id)
            if held:
                raise Conflict(
                    f"The group {stored.group.name!r} holds {held} checks that are not of this project: "
                    "delete them or take them out first."
                )
            await store.delete_group(scene.connection, stored.group.id)

    async def exists(self, scene: Scene, physical_id: str) -> bool:
        """Whether the account has such a group."""
        number = number_of(physical_id)
        if number is None:
            return False
        return await store.group_to_join(scene.connection, scene.account_id, number) is not None

    def physical_id(self, thing: StoredGroup) -> str:
        """Its number."""
        return str(thing.group.id)
