"""Private locations of an account and the keys of their runners."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from bellrock.domain.locations import PUBLIC_LOCATIONS
from bellrock.domain.private_locations import (
    MOST_KEYS,
    PrivateLocation,
    QueueAt,
    moments_between,
    queue_history,
    refuse_bad_slug,
)
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.store import private_locations as store
from bellrock.store.checks import all_checks
from bellrock.store.groups import load_groups
from bellrock.store.private_locations import StoredLocationKey
from bellrock.store.runners import StoredRunner, all_runners, locations_seen

log = structlog.get_logger(__name__)

_PREFIX = "pl_"
_LONGEST_NAME = 255
_LONGEST_ICON = 64
_LONGEST_URL = 2_048
_LONGEST_HISTORY = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class LocationDraft:
    """A private location as somebody wants it."""

    name: str
    slug: str
    icon: str = "location"
    proxy_url: str | None = None


@dataclass(frozen=True, slots=True)
class LocationKey:
    """A key as it is listed. ``secret`` is there in the answer that made it, and never again."""

    id: UUID
    hint: str
    created_at: datetime
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Agent:
    """A runner of the location that is connected now."""

    id: str
    version: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class LocationView:
    """A private location, its keys, and who serves it. ``seen_at``: when a runner was last heard of."""

    location: PrivateLocation
    keys: tuple[LocationKey, ...]
    agents: tuple[Agent, ...]
    seen_at: datetime | None


async def create_location(platform: Platform, principal: Principal, draft: LocationDraft) -> LocationView:
    """Make a private location with a first key, whose secret is shown this once.

    Raises Invalid naming the field, Conflict where the slug is taken. Needs ADMINISTER.
    """
    principal.must(Right.ADMINISTER)
    location = PrivateLocation(
        id=new_id(),
        account_id=principal.account_id,
        name=draft.name,
        slug=draft.slug,
        created_at=platform.clock(),
        icon=draft.icon,
        proxy_url=draft.proxy_url or None,
    )
    refuse_bad_location(location)
    async with platform.database.write() as connection:
        await insert_new_location(connection, location)
        key = await _add_key(connection, location, location.created_at)
    log.info("private_location.created", slug=location.slug, by=str(principal.key_id))
    return LocationView(location, (key,), (), None)


async def update_location(
    platform: Platform, principal: Principal, location_id: UUID, **changes: str | None
) -> LocationView:
    """Change ``name``, ``icon`` or ``proxy_url``; what is not given stays.

    Raises NotFound, Invalid naming the field. Needs ADMINISTER.
    """
    principal.must(Right.ADMINISTER)
    async with platform.database.write() as connection:
        before = await _load(connection, principal, location_id, to_change=True)
        changed = replace(before, **changes, updated_at=platform.clock())  # type: ignore[arg-type]
        refuse_bad_location(changed)
        await store.update_location(connection, changed)
        (view,) = await _views(platform, connection, [changed])
    log.info("private_location.updated", slug=changed.slug, by=str(principal.key_id))
    return view


async def get_location(platform: Platform, principal: Principal, location_id: UUID) -> LocationView:
    """One private location. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        (view,) = await _views(platform, connection, [await _load(connection, principal, location_id)])
    return view


async def list_locations(platform: Platform, principal: Principal) -> tuple[LocationView, ...]:
    """All private locations of the account, by name."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.locations_of(connection, principal.account_id)
        return await _views(platform, connection, found)


async def delete_location(platform: Platform, principal: Principal, location_id: UUID) -> None:
    """Delete a private location and its keys.

    Raises NotFound; Conflict while a check or a group runs there. Needs ADMINISTER.
    """
    principal.must(Right.ADMINISTER)
    async with platform.database.write() as connection:
        location = await _load(connection, principal, location_id, to_change=True)
        await delete_unused_location(connection, location)
    log.info("private_location.deleted", slug=location.slug, by=str(principal.key_id))


async def add_key(platform: Platform, principal: Principal, location_id: UUID) -> LocationKey:
    """Make another key, whose secret is shown this once.

    Raises NotFound; Conflict where there are two. Needs ADMINISTER.
    """
    principal.must(Right.ADMINISTER)
    async with platform.database.write() as connection:
        location = await _load(connection, principal, location_id, to_change=True)
        if len((await store.keys_of(connection, [location.id]))[location.id]) >= MOST_KEYS:
            raise Conflict(f"A private location has at most {MOST_KEYS} keys: delete one first.")
        made = await _add_key(connection, location, platform.clock())
    log.info("private_location.key_created", slug=location.slug, key_id=str(made.id))
    return made


async def revoke_key(platform: Platform, principal: Principal, location_id: UUID, *, key_id: UUID) -> None:
    """Make a key useless, at once. Raises NotFound. Needs ADMINISTER."""
    principal.must(Right.ADMINISTER)
    async with platform.database.write() as connection:
        location = await _load(connection, principal, location_id)
        if not await store.delete_key(connection, location_id, key_id):
            raise NotFound(f"The private location {location.slug} has no key {key_id}.")
    log.info("private_location.key_revoked", slug=location.slug, key_id=str(key_id))


async def location_of_key(platform: Platform, secret: str) -> PrivateLocation:
    """The private location that a key is for. Raises Unauthenticated."""
    async with platform.database.read() as connection:
        found = await store.find_key(connection, _hash(secret))
    if found is None:
        raise Unauthenticated("This key of a private location is not known.")
    return found[1]


async def queue_metrics(
    platform: Platform, principal: Principal, location_id: UUID, *, start: datetime, end: datetime
) -> tuple[QueueAt, ...]:
    """How long the queue of a location was between two moments, at most now.

    Only a run's first wait counts: when it was handed out again is not kept. Raises NotFound, Invalid.
    """
    principal.must(Right.VIEW)
    if not timedelta(0) < end - start < _LONGEST_HISTORY:
        raise Invalid(
            f"from, to (query): 'to' comes after 'from', by less than {_LONGEST_HISTORY.days} days."
        )
    async with platform.database.read() as connection:
        location = await _load(connection, principal, location_id)
        waits = await store.waits_at(connection, location, start=start, end=end)
    return queue_history(waits, moments_between(start, min(end, platform.clock())))


async def usable_locations(
    connection: AsyncConnection, account_id: UUID, *, wanted: Iterable[str]
) -> set[str]:
    """Locations that checks of the account may name beside the public ones: shared ones, and its own.

    Private ones of those ``wanted`` are there for as long as this transaction lasts.
    """
    await store.lock_slugs(connection, set(wanted) - set(PUBLIC_LOCATIONS))
    owners = await store.owners_of_slugs(connection)
    own = {slug for slug, owner in owners.items() if owner == account_id}
    return (await locations_seen(connection) - owners.keys()) | own


async def all_slugs(platform: Platform) -> frozenset[str]:
    """The slugs of all accounts' private locations, to be kept from strangers."""
    async with platform.database.read() as connection:
        return frozenset(await store.owners_of_slugs(connection))


async def _users(connection: AsyncConnection, location: PrivateLocation) -> list[str]:
    """Who runs at the location, in words."""
    checks = await all_checks(connection, location.account_id)
    groups = await load_groups(connection, location.account_id)
    return [
        *(f"the check {each.check.name!r}" for each in checks if location.slug in each.check.places),
        *(f"the group {each.group.name!r}" for each in groups.values() if location.slug in each.group.places),
    ]


async def _views(
    platform: Platform, connection: AsyncConnection, found: Sequence[PrivateLocation]
) -> tuple[LocationView, ...]:
    keys = await store.keys_of(connection, [each.id for each in found])
    runners = await all_runners(connection)
    since = platform.clock() - timedelta(seconds=platform.settings.runner_seen_s)
    return tuple(_view(each, keys[each.id], runners, since=since) for each in found)


def _view(
    location: PrivateLocation,
    keys: Sequence[StoredLocationKey],
    runners: Sequence[StoredRunner],
    *,
    since: datetime,
) -> LocationView:
    # Who served a place of this name before it was somebody's own is no runner of theirs.
    here = [
        each for each in runners if each.location == location.slug and each.seen_at >= location.created_at
    ]
    agents = (Agent(each.runner_id, each.version, each.seen_at) for each in here if each.seen_at >= since)
    shown = tuple(LocationKey(each.id, each.hint, each.created_at) for each in keys)
    seen_at = max((each.seen_at for each in here), default=None)
    return LocationView(location, shown, tuple(agents), seen_at)


async def _add_key(connection: AsyncConnection, location: PrivateLocation, at: datetime) -> LocationKey:
    secret = f"{_PREFIX}{secrets.token_hex(20)}"
    hint = f"{_PREFIX}...{secret[-4:]}"
    stored = StoredLocationKey(new_id(), location.id, _hash(secret), hint, at)
    await store.insert_key(connection, stored)
    return LocationKey(stored.id, hint, at, secret)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()  # random and long, as API keys are


async def _load(
    connection: AsyncConnection, principal: Principal, location_id: UUID, *, to_change: bool = False
) -> PrivateLocation:
    found = await store.load_location(connection, principal.account_id, location_id, to_change=to_change)
    if found is None:
        raise NotFound(f"There is no private location {location_id}.")
    return found


def refuse_bad_location(location: PrivateLocation, *, where: str = "") -> None:
    """Raise Invalid, naming ``where`` and the field, unless the location can be saved."""
    refuse_bad_slug(location.slug, where=where)
    if not 1 <= len(location.name.strip()) <= _LONGEST_NAME:
        raise Invalid(f"{where}name: use 1 to {_LONGEST_NAME} characters.")
    if not 1 <= len(location.icon) <= _LONGEST_ICON:
        raise Invalid(f"{where}icon: use 1 to {_LONGEST_ICON} characters.")
    proxy = location.proxy_url
    if proxy and (len(proxy) > _LONGEST_URL or not proxy.startswith(("http://", "https://"))):
        raise Invalid(
            f"{where}proxyUrl: use an http:// or https:// address of at most {_LONGEST_URL} characters."
        )


async def insert_new_location(
    connection: AsyncConnection, location: PrivateLocation, *, where: str = ""
) -> None:
    """Insert a location without keys. Raises Conflict where its slug is taken."""
    # Else the runners of this location could take what another account has queued there.
    taken = await store.is_used_by_others(connection, location.account_id, location.slug)
    if taken or not await store.insert_location(connection, location):
        raise Conflict(f"{where}slugName: there is a private location {location.slug!r} already.")


async def delete_unused_location(connection: AsyncConnection, location: PrivateLocation) -> None:
    """Delete a location and its keys. Raises Conflict while a check or a group runs there."""
    users = await _users(connection, location)
    if users:
        raise Conflict(f"{location.slug} is in use by {', '.join(users[:3])}: take it away there first.")
    await store.delete_location(connection, location.id)
