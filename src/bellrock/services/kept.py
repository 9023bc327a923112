"""Kept things over the API: saved, changed, read, deleted, whatever they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Conflict, Invalid, NotFound
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.kept_payload.status_pages import services_of
from bellrock.services.kept_rows import new_kept, opened, sealed
from bellrock.services.platform import Platform
from bellrock.store import kept_resources as store

log = structlog.get_logger(__name__)

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes of a body the body that is wanted."""

_UNIQUE: Mapping[KeptKind, tuple[str, ...]] = {
    KeptKind.DASHBOARD: ("customUrl", "customDomain"),
    KeptKind.STATUS_PAGE: ("url", "customDomain"),
}
"""Where pages would be found: one page of all accounts has the address."""


@dataclass(frozen=True, slots=True)
class KeptPage:
    """Some things, how many there are in all, and where the next page begins (None at the end)."""

    resources: tuple[KeptResource, ...]
    total: int
    next_id: str | None = None


async def create_kept(
    platform: Platform, principal: Principal, kind: KeptKind, body: Mapping[str, Any]
) -> KeptResource:
    """Keep a new thing. Raises Invalid naming the field, Conflict where an address is taken. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        wanted = new_kept(platform, principal.account_id, kind, body)
        await refuse_bad_kept(connection, wanted)
        stored = await store.insert_kept(connection, sealed(platform.vault, wanted))
    log.info("kept.created", kind=str(kind), id=stored.resource.physical_id, by=str(principal.key_id))
    return opened(platform.vault, stored)


async def update_kept(
    platform: Platform, principal: Principal, kind: KeptKind, key: UUID | int, *, change: Change
) -> KeptResource:
    """Change a thing. Raises NotFound, Invalid naming the field, Conflict. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        before = await load_kept(platform, connection, principal, kind, key, to_change=True)
        changed = replace(before, body=change(before.body), updated_at=platform.clock())
        await refuse_bad_kept(connection, changed)
        await store.update_kept(connection, sealed(platform.vault, changed))
    log.info("kept.updated", kind=str(kind), id=changed.physical_id, by=str(principal.key_id))
    return changed


async def get_kept(platform: Platform, principal: Principal, kind: KeptKind, key: UUID | int) -> KeptResource:
    """One thing. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return await load_kept(platform, connection, principal, kind, key)


async def all_kept(platform: Platform, principal: Principal, kind: KeptKind) -> tuple[KeptResource, ...]:
    """All things of a kind, in the order they were made."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.kept_of_kind(connection, kind, principal.account_id)
    return tuple(opened(platform.vault, each) for each in found)


async def everything_kept(platform: Platform, principal: Principal) -> tuple[KeptResource, ...]:
    """All kept things of the account in the order they were made, without the secret parts of bodies."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return tuple(each.resource for each in await store.kept_of_account(connection, principal.account_id))


async def page_of_kept(
    platform: Platform, principal: Principal, kind: KeptKind, *, page: int = 1, limit: int = 10
) -> KeptPage:
    """Things in the order they were made, ``limit`` per page from page 1."""
    found = await all_kept(platform, principal, kind)
    return KeptPage(found[(page - 1) * limit : page * limit], len(found))


async def kept_after(
    platform: Platform, principal: Principal, kind: KeptKind, *, next_id: str | None, limit: int
) -> KeptPage:
    """Things in the order they were made, from after a cursor. Raises Invalid for one that is none."""
    found = await all_kept(platform, principal, kind)
    after = _number(next_id)
    rest = [each for each in found if each.number > after]
    shown = tuple(rest[:limit])
    return KeptPage(shown, len(found), str(shown[-1].number) if len(rest) > limit else None)


async def delete_kept(platform: Platform, principal: Principal, kind: KeptKind, key: UUID | int) -> None:
    """Delete a thing. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        found = await load_kept(platform, connection, principal, kind, key, to_change=True)
        await delete_with_parts(connection, [found])
    log.info("kept.deleted", kind=str(kind), id=found.physical_id, by=str(principal.key_id))


async def delete_with_parts(connection: AsyncConnection, things: Sequence[KeptResource]) -> None:
    """Delete things of one account and kind, and with dashboards their incidents."""
    ids = [each.id for each in things]
    boards = {each.number for each in things if each.kind is KeptKind.DASHBOARD}
    if boards:
        incidents = await store.kept_of_kind(connection, KeptKind.DASHBOARD_INCIDENT, things[0].account_id)
        ids += [each.resource.id for each in incidents if each.resource.body["dashboardId"] in boards]
    await store.delete_kept(connection, ids)


async def load_kept(
    platform: Platform,
    connection: AsyncConnection,
    principal: Principal,
    kind: KeptKind,
    key: UUID | int,
    *,
    to_change: bool = False,
) -> KeptResource:
    """A thing of the caller's account. Raises NotFound."""
    stored = await store.load_kept(connection, principal.account_id, kind, key, to_change=to_change)
    if stored is None:
        raise NotFound(f"There is no {kind.replace('-', ' ')} {key}.")
    return opened(platform.vault, stored)


async def refuse_bad_kept(connection: AsyncConnection, wanted: KeptResource, *, where: str = "") -> None:
    """Raise Conflict for an address that another page has, Invalid for services that are not there."""
    for field in _UNIQUE.get(wanted.kind, ()):
        address = wanted.body.get(field)
        if address and await _is_taken(connection, wanted, field, address):
            raise Conflict(f"{where}{field}: another {wanted.kind.replace('-', ' ')} has {address!r}.")
    if wanted.kind is KeptKind.STATUS_PAGE:
        await refuse_unknown_services(
            connection, wanted.account_id, services_of(dict(wanted.body)), field=f"{where}cards.services"
        )


async def refuse_unknown_services(
    connection: AsyncConnection, account_id: UUID, wanted: Sequence[UUID] | set[UUID], *, field: str
) -> None:
    """Raise Invalid naming the field unless all these services of status pages are the account's."""
    found = await store.kept_of_kind(connection, KeptKind.STATUS_PAGE_SERVICE, account_id)
    unknown = sorted(set(wanted) - {each.resource.id for each in found})
    if unknown:
        raise Invalid(f"{field}: there is no status page service {unknown[0]}.")


async def _is_taken(connection: AsyncConnection, wanted: KeptResource, field: str, address: str) -> bool:
    others = await store.kept_of_kind(connection, wanted.kind)
    return any(each.resource.id != wanted.id and each.resource.body.get(field) == address for each in others)


def _number(next_id: str | None) -> int:
    if next_id is None:
        return 0
    if not (next_id.isascii() and next_id.isdigit() and len(next_id) < 12):  # noqa: PLR2004  (no number has so many digits)
        raise Invalid("nextId: use the value of an earlier answer, unchanged.")
    return int(next_id)
