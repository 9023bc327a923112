"""Deploys of checks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bellrock.domain.checks import KEPT_TYPES
from bellrock.domain.errors import Invalid
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.checks import CheckDraft, changed_check, is_same_check, new_check, refuse_bad_draft
from bellrock.services.deploys.desired import KEPT, Resource
from bellrock.services.deploys.kept import uuid_of
from bellrock.services.deploys.links import places_of, subscriptions_of
from bellrock.services.deploys.scene import Kind, Scene
from bellrock.services.heartbeat_monitors import follow_check
from bellrock.store import checks as store
from bellrock.store.checks import StoredCheck

_LONGEST_ID = 255


class Checks(Kind[StoredCheck]):
    """Checks of all types."""

    type = "check"

    async def of_project(self, scene: Scene) -> Mapping[str, StoredCheck]:
        """The project's checks as they are, by logical id."""
        return await store.checks_of_project(scene.connection, scene.account_id, scene.deploy.logical_id)

    async def save(self, scene: Scene, resource: Resource, before: StoredCheck | None) -> StoredCheck | None:
        """Make the check what the resource says."""
        draft = await self._draft(scene, resource)
        if before is None:
            new = new_check(
                scene.platform,
                scene.account_id,
                draft,
                project_id=scene.deploy.logical_id,
                logical_id=resource.logical_id,
            )
            new = new if scene.schedule else _without_first_run(new)
            await store.insert_check(scene.connection, new)
            await follow_check(scene.connection, new.check, at=scene.work.at)
            scene.checks.append(new)
            return new
        if before.check.type is not draft.type:
            raise Invalid(
                f"{resource.where}checkType: a {before.check.type} check cannot become {draft.type}."
            )
        changed = changed_check(scene.platform, before, draft)
        if is_same_check(scene.platform, before, changed):
            scene.checks.append(before)
            return None
        if not scene.schedule and changed.check.activated_at == changed.check.updated_at:
            changed = _without_first_run(changed)
        await store.update_check(scene.connection, changed)
        await follow_check(scene.connection, changed.check, at=scene.work.at)
        scene.checks.append(changed)
        return changed

    async def _draft(self, scene: Scene, resource: Resource) -> CheckDraft:
        if len(resource.logical_id) > _LONGEST_ID:
            raise Invalid(f"{resource.where}logicalId: a check's has at most {_LONGEST_ID} characters.")
        payload: dict[str, Any] = scene.resolved(resource)
        if places := await places_of(scene, resource):
            said = [*(payload.get("privateLocations") or ()), *places]
            payload["privateLocations"] = list(dict.fromkeys(said))
        if heard := subscriptions_of(scene, resource):
            payload["alertChannelSubscriptions"] = [*(payload.get("alertChannelSubscriptions") or ()), *heard]
        draft = draft_from_payload(payload, where=resource.where)
        await refuse_bad_draft(scene.connection, scene.account_id, draft, where=resource.where)
        # A deploy says everything: variables that it does not name are gone.
        return replace(draft, environment=draft.environment or ())

    async def remove(self, scene: Scene, things: Sequence[StoredCheck]) -> None:
        """Delete checks, or keep them without the project."""
        ids = [each.check.id for each in things]
        if scene.preserve:
            await store.detach_checks(scene.connection, ids)
        else:
            await store.delete_checks(scene.connection, ids)

    async def exists(self, scene: Scene, physical_id: str) -> bool:
        """Whether the account has such a check."""
        check_id = uuid_of(physical_id)
        if check_id is None:
            return False
        return await store.load_check(scene.connection, scene.account_id, check_id) is not None

    def physical_id(self, thing: StoredCheck) -> str:
        """Its id."""
        return str(thing.check.id)

    def note_of(self, thing: StoredCheck) -> str | None:
        """Whether this version cannot run the check."""
        return KEPT if thing.check.type in KEPT_TYPES else None


def _without_first_run(stored: StoredCheck) -> StoredCheck:
    return replace(stored, check=replace(stored.check, activated_at=None))
