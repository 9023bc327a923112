"""Deploys of things that are kept, and not acted on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from bellrock.domain.kept import NUMBERED, KeptKind, KeptResource
from bellrock.services.alert_subscriptions import forget_channels
from bellrock.services.deploys.desired import KEPT, Resource
from bellrock.services.deploys.scene import Kind, Scene
from bellrock.services.kept import delete_with_parts, refuse_bad_kept
from bellrock.services.kept_payload import kept_body
from bellrock.services.kept_rows import new_kept, opened, sealed
from bellrock.store import kept_resources as store

_LARGEST_NUMBER = 2_147_483_647


class Kept(Kind[KeptResource]):
    """One kind of kept things."""

    note: str | None = KEPT

    def __init__(self, kind: KeptKind) -> None:
        self.kind = kind
        self.type = str(kind)
        self.rank = 1 if kind in (KeptKind.ALERT_CHANNEL, KeptKind.STATUS_PAGE_SERVICE) else 0

    async def of_project(self, scene: Scene) -> Mapping[str, KeptResource]:
        """The project's things as they are, by logical id."""
        found = await store.kept_of_project(
            scene.connection, scene.account_id, scene.deploy.logical_id, kind=self.kind
        )
        return {name: opened(scene.platform.vault, each) for name, each in found.items()}

    async def save(
        self, scene: Scene, resource: Resource, before: KeptResource | None
    ) -> KeptResource | None:
        """Keep what the resource says."""
        body = self.body(scene, resource)
        if before is None:
            wanted = new_kept(
                scene.platform,
                scene.account_id,
                self.kind,
                body,
                project_id=scene.deploy.logical_id,
                logical_id=resource.logical_id,
            )
            await refuse_bad_kept(scene.connection, wanted, where=resource.where)
            stored = await store.insert_kept(scene.connection, sealed(scene.platform.vault, wanted))
            return opened(scene.platform.vault, stored)
        if before.body == body:
            return None
        changed = replace(before, body=body, updated_at=scene.work.at)
        await refuse_bad_kept(scene.connection, changed, where=resource.where)
        await store.update_kept(scene.connection, sealed(scene.platform.vault, changed))
        return changed

    def body(self, scene: Scene, resource: Resource) -> dict[str, Any]:
        """What is to be kept of the resource."""
        return kept_body(self.kind, scene.resolved(resource), where=resource.where)

    async def remove(self, scene: Scene, things: Sequence[KeptResource]) -> None:
        """Delete things, or keep them without the project."""
        ids = [each.id for each in things]
        if scene.preserve:
            await store.detach_kept(scene.connection, ids)
            return
        if self.kind is KeptKind.ALERT_CHANNEL:
            numbers = {each.number for each in things}
            await forget_channels(scene.connection, scene.account_id, numbers)
        await delete_with_parts(scene.connection, things)

    async def exists(self, scene: Scene, physical_id: str) -> bool:
        """Whether the account has such a thing."""
        key = _key(self.kind, physical_id)
        if key is None:
            return False
        return await store.load_kept(scene.connection, scene.account_id, self.kind, key) is not None

    def physical_id(self, thing: KeptResource) -> str:
        """Its number or its id."""
        return thing.physical_id


def _key(kind: KeptKind, physical_id: str) -> UUID | int | None:
    if kind in NUMBERED:
        return number_of(physical_id)
    return uuid_of(physical_id)


def number_of(physical_id: str) -> int | None:
    """A numeric id, or None for a text that is none."""
    if not (physical_id.isascii() and physical_id.isdigit()):
        return None
    number = int(physical_id) if len(physical_id) <= len(str(_LARGEST_NUMBER)) else 0
    return number if 0 < number <= _LARGEST_NUMBER else None


def uuid_of(physical_id: str) -> UUID | None:
    """A UUID, or None for a text that is none."""
    try:
        return UUID(physical_id)
    except ValueError:
        return None
