"""Deploys of private locations. A new one has no key yet: a key is shown once, and a deploy shows none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bellrock.domain.access import Right
from bellrock.domain.errors import Invalid
from bellrock.domain.private_locations import PrivateLocation
from bellrock.services.deploys.desired import Resource
from bellrock.services.deploys.kept import uuid_of
from bellrock.services.deploys.scene import Kind, Scene
from bellrock.services.ids import new_id
from bellrock.services.location_payload import location_payload
from bellrock.services.private_locations import (
    delete_unused_location,
    insert_new_location,
    refuse_bad_location,
)
from bellrock.store import private_locations as store


class PrivateLocations(Kind[PrivateLocation]):
    """Places of the account's own. To change them needs an administrator, as elsewhere."""

    type = "private-location"
    rank = 1
    right = Right.ADMINISTER

    async def of_project(self, scene: Scene) -> Mapping[str, PrivateLocation]:
        """The project's locations as they are, by logical id."""
        found = await store.locations_of(scene.connection, scene.account_id)
        own = (each for each in found if each.project_id == scene.deploy.logical_id)
        return {each.logical_id or "": each for each in own}

    async def save(
        self, scene: Scene, resource: Resource, before: PrivateLocation | None
    ) -> PrivateLocation | None:
        """Make or change a location. Its slug stays as it is."""
        said = location_payload(resource.payload or {}, where=resource.where)
        if before is None:
            scene.principal.must(self.right)
            new = PrivateLocation(
                id=new_id(),
                account_id=scene.account_id,
                name=said.name,
                slug=said.slug_name,
                created_at=scene.work.at,
                icon=said.icon,
                proxy_url=said.proxy_url or None,
                project_id=scene.deploy.logical_id,
                logical_id=resource.logical_id,
            )
            refuse_bad_location(new, where=resource.where)
            await insert_new_location(scene.connection, new, where=resource.where)
            return new
        if said.slug_name != before.slug:
            raise Invalid(
                f"{resource.where}slugName: it stays {before.slug!r}; another one has another logical id."
            )
        changed = replace(before, name=said.name, icon=said.icon, proxy_url=said.proxy_url or None)
        if changed == before:
            return None
        refuse_bad_location(changed, where=resource.where)
        changed = replace(changed, updated_at=scene.work.at)
        await store.update_location(scene.connection, changed)
        return changed

    async def remove(self, scene: Scene, things: Sequence[PrivateLocation]) -> None:
        """Delete locations, unless something else runs there, or keep them without the project."""
        for location in things:
            if scene.preserve:
                await store.update_location(
                    scene.connection, replace(location, project_id=None, logical_id=None)
                )
            else:
                await delete_unused_location(scene.connection, location)

    async def exists(self, scene: Scene, physical_id: str) -> bool:
        """Whether the account has such a location."""
        location_id = uuid_of(physical_id)
        if location_id is None:
            return False
        return await store.load_location(scene.connection, scene.account_id, location_id) is not None

    def physical_id(self, thing: PrivateLocation) -> str:
        """Its id."""
        return str(thing.id)
