"""Private locations of the account, and the keys of their runners."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from bellrock.api.auth import AdminCaller, Caller, PlatformOf
from bellrock.api.bodies.private_locations import (
    KeyBody,
    LocationAsk,
    LocationBody,
    LocationChange,
    QueueBody,
    SavedLocation,
    key_body,
    location_body,
    queue_body,
    saved_location,
)
from bellrock.api.queries import UtcMoment
from bellrock.services import private_locations

router = APIRouter(prefix="/v1/private-locations", tags=["Private locations"])


@router.get("")
async def list_locations(
    platform: PlatformOf, caller: Caller, *, versions: Annotated[bool, Query()] = False
) -> list[LocationBody]:
    """List all private locations by name; with ``versions`` also which runners serve them."""
    found = await private_locations.list_locations(platform, caller)
    return [location_body(each, with_agents=versions) for each in found]


@router.post("", status_code=201)
async def create_location(platform: PlatformOf, caller: AdminCaller, body: LocationAsk) -> SavedLocation:
    """Make a private location with a first key, which is said this once."""
    draft = private_locations.LocationDraft(body.name, body.slug_name, body.icon, body.proxy_url)
    return saved_location(await private_locations.create_location(platform, caller, draft))


@router.get("/{id}")
async def get_location(
    id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
) -> LocationBody:
    """One private location and the runners that serve it."""
    return location_body(await private_locations.get_location(platform, caller, id), with_agents=True)


@router.put("/{id}")
async def update_location(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: AdminCaller,
    body: LocationChange,
) -> SavedLocation:
    """Change a private location. Its slug stays."""
    return saved_location(await private_locations.update_location(platform, caller, id, **body.changes()))


@router.delete("/{id}", status_code=204)
async def delete_location(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: AdminCaller,
) -> Response:
    """Delete a private location and its keys, unless something runs there."""
    await private_locations.delete_location(platform, caller, id)
    return Response(status_code=204)


@router.post("/{id}/keys", status_code=201)
async def add_key(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: AdminCaller,
) -> KeyBody:
    """Make a second key, which is said this once."""
    return key_body(await private_locations.add_key(platform, caller, id))


@router.delete("/{id}/keys/{keyId}", status_code=204)
async def revoke_key(
    id: UUID,  # noqa: A002
    keyId: UUID,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: AdminCaller,
) -> Response:
    """Make a key useless, at once."""
    await private_locations.revoke_key(platform, caller, id, key_id=keyId)
    return Response(status_code=204)


@router.get("/{id}/metrics")
async def get_metrics(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: Caller,
    start: Annotated[UtcMoment, Query(alias="from")],
    end: Annotated[UtcMoment, Query(alias="to")],
) -> QueueBody:
    """How long the location's queue was between two days or moments (UTC), less than 15 days apart."""
    history = await private_locations.queue_metrics(platform, caller, id, start=start, end=end)
    return queue_body(history)
