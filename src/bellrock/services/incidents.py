"""Incidents, of status pages and of dashboards: records with updates, of which nobody is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Conflict, NotFound
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.ids import new_id
from bellrock.services.kept import Change, load_kept, refuse_unknown_services
from bellrock.services.kept_payload.common import written
from bellrock.services.kept_rows import new_kept, sealed
from bellrock.services.platform import Platform
from bellrock.store import kept_resources as store

Update = Mapping[str, Any]
"""An update as it is kept: ``id``, ``created_at``, ``updated_at``, and what its kind of incident says."""


async def create_incident(
    platform: Platform, principal: Principal, kind: KeptKind, body: Mapping[str, Any], *, first: Update
) -> KeptResource:
    """Keep a new incident with its first update.

    Raises Invalid for services, NotFound for a dashboard that is not there. Needs EDIT.
    """
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        await _refuse_unknown(platform, connection, principal, body)
        updates = [_new_update(first, platform.clock())]
        incident = new_kept(platform, principal.account_id, kind, {**body, "updates": updates})
        stored = await store.insert_kept(connection, sealed(platform.vault, incident))
    return stored.resource


async def update_incident(
    platform: Platform, principal: Principal, kind: KeptKind, incident_id: UUID, *, change: Change
) -> KeptResource:
    """Change an incident; its updates stay. Raises NotFound, Invalid for services. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        before = await load_kept(platform, connection, principal, kind, incident_id, to_change=True)
        body = {**change(before.body), "updates": before.body["updates"]}
        await _refuse_unknown(platform, connection, principal, body)
        changed = replace(before, body=body, updated_at=platform.clock())
        await store.update_kept(connection, sealed(platform.vault, changed))
    return changed


async def add_update(
    platform: Platform, principal: Principal, kind: KeptKind, incident_id: UUID, *, update: Update
) -> Update:
    """Add an update to an incident; it comes back with its id. Raises NotFound. Needs EDIT."""
    new = _new_update(update, platform.clock())
    await _change_updates(platform, principal, kind, incident_id, lambda updates: [*updates, new])
    return new


async def change_update(
    platform: Platform,
    principal: Principal,
    kind: KeptKind,
    incident_id: UUID,
    *,
    update_id: UUID,
    said: Update,
) -> Update:
    """Change what an update says. Raises NotFound. Needs EDIT."""
    at = written(platform.clock())

    def change(updates: Sequence[Update]) -> list[Update]:
        find_update(updates, update_id)
        return [
            {**each, **said, "updated_at": at} if each["id"] == str(update_id) else each for each in updates
        ]

    changed = await _change_updates(platform, principal, kind, incident_id, change)
    return find_update(changed.body["updates"], update_id)


async def delete_update(
    platform: Platform, principal: Principal, kind: KeptKind, incident_id: UUID, *, update_id: UUID
) -> None:
    """Delete an update. Raises NotFound; Conflict for the only one. Needs EDIT."""

    def change(updates: Sequence[Update]) -> list[Update]:
        find_update(updates, update_id)
        if len(updates) == 1:
            raise Conflict("An incident keeps one update at least: delete the incident.")
        return [each for each in updates if each["id"] != str(update_id)]

    await _change_updates(platform, principal, kind, incident_id, change)


def find_update(updates: Sequence[Update], update_id: UUID) -> Update:
    """One of an incident's updates. Raises NotFound."""
    found = next((each for each in updates if each["id"] == str(update_id)), None)
    if found is None:
        raise NotFound(f"The incident has no update {update_id}.")
    return found


async def _change_updates(
    platform: Platform,
    principal: Principal,
    kind: KeptKind,
    incident_id: UUID,
    change: Callable[[Sequence[Update]], Sequence[Update]],
) -> KeptResource:
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        before = await load_kept(platform, connection, principal, kind, incident_id, to_change=True)
        body = {**before.body, "updates": list(change(before.body["updates"]))}
        changed = replace(before, body=body, updated_at=platform.clock())
        await store.update_kept(connection, sealed(platform.vault, changed))
    return changed


def _new_update(update: Update, at: datetime) -> Update:
    return {**update, "id": str(new_id()), "created_at": written(at), "updated_at": None}


async def _refuse_unknown(
    platform: Platform, connection: AsyncConnection, principal: Principal, body: Mapping[str, Any]
) -> None:
    services = [UUID(each) for each in body.get("services", ())]
    await refuse_unknown_services(connection, principal.account_id, services, field="services")
    if "dashboardId" in body:
        await load_kept(platform, connection, principal, KeptKind.DASHBOARD, body["dashboardId"])
