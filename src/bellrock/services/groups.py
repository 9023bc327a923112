"""Check groups: saved, read, deleted, and the checks in them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import Check, EnvironmentVariable
from bellrock.domain.errors import Conflict, Invalid, NotFound
from bellrock.domain.groups import CheckGroup
from bellrock.domain.locations import refuse_unknown_locations
from bellrock.services.checks import shown_check
from bellrock.services.environment import seal, with_kept_secrets
from bellrock.services.grouping import in_clear_group, shown_group, shown_in_group
from bellrock.services.platform import Platform
from bellrock.services.private_locations import usable_locations
from bellrock.services.snippets import refuse_unknown_snippets
from bellrock.store import groups as store
from bellrock.store.checks import checks_of_group
from bellrock.store.groups import StoredGroup
from bellrock.store.private_locations import owners_of_slugs

log = structlog.get_logger(__name__)

_LONGEST_NAME = 255

GroupChange = Callable[[CheckGroup], CheckGroup]
"""Makes of a group, which is empty at first, the group that is wanted.

A secret variable with an empty value keeps the value it has.
"""


async def create_group(platform: Platform, principal: Principal, change: GroupChange) -> CheckGroup:
    """Save a new group. Raises Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    empty = CheckGroup(id=0, account_id=principal.account_id, name="", created_at=platform.clock())
    async with platform.database.write() as connection:
        wanted = await allowed_group(connection, change(empty), empty)
        stored = StoredGroup(wanted, seal(platform.vault, wanted.environment))
        stored = await store.insert_group(connection, stored)
    log.info("group.created", group_id=stored.group.id, by=str(principal.key_id))
    return shown_group(platform.vault, stored, principal)


async def update_group(
    platform: Platform, principal: Principal, group_id: int, *, change: GroupChange
) -> CheckGroup:
    """Change a group. Raises NotFound, Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        found = await _load(connection, principal, group_id, to_change=True)
        before = in_clear_group(platform.vault, found)
        wanted = await allowed_group(connection, change(before), before)
        changed = replace(wanted, updated_at=platform.clock())
        stored = StoredGroup(changed, seal(platform.vault, changed.environment))
        await store.update_group(connection, stored)
    log.info("group.updated", group_id=group_id, by=str(principal.key_id))
    return shown_group(platform.vault, stored, principal)


async def get_group(platform: Platform, principal: Principal, group_id: int) -> CheckGroup:
    """One group. Values that its reader may not see are empty. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return shown_group(platform.vault, await _load(connection, principal, group_id), principal)


async def list_groups(
    platform: Platform,
    principal: Principal,
    *,
    page: int = 1,
    limit: int = 10,
    tags: Sequence[str] = (),
    names: Sequence[str] = (),
) -> tuple[CheckGroup, ...]:
    """Groups in the order they were made, ``limit`` per page from page 1; with any of the tags and names."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.load_groups(connection, principal.account_id)
    meant = [
        each
        for each in found.values()
        if (not tags or set(tags) & set(each.group.tags)) and (not names or each.group.name in names)
    ]
    shown = meant[(page - 1) * limit : page * limit]
    return tuple(shown_group(platform.vault, each, principal) for each in shown)


async def delete_group(platform: Platform, principal: Principal, group_id: int) -> None:
    """Delete a group. Raises NotFound; Conflict while it holds checks. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        await _load(connection, principal, group_id, to_change=True)
        held = await store.count_checks(connection, group_id)
        if held:
            raise Conflict(f"The group holds {held} checks: delete them or take them out first.")
        await store.delete_group(connection, group_id)
    log.info("group.deleted", group_id=group_id, by=str(principal.key_id))


async def list_checks_of_group(
    platform: Platform, principal: Principal, group_id: int, *, page: int = 1, limit: int = 10
) -> tuple[Check, ...]:
    """The group's checks with its settings applied, by their order in it. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        group = await _load(connection, principal, group_id)
        found = await checks_of_group(connection, principal.account_id, group_id)
    shown = (shown_check(platform, each) for each in found[(page - 1) * limit : page * limit])
    return tuple(shown_in_group(platform.vault, each, {group_id: group}, reader=principal) for each in shown)


async def get_check_of_group(
    platform: Platform, principal: Principal, group_id: int, *, check_id: UUID
) -> Check:
    """A check of the group with the group's settings applied. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        group = await _load(connection, principal, group_id)
        found = await checks_of_group(connection, principal.account_id, group_id)
    stored = next((each for each in found if each.check.id == check_id), None)
    if stored is None:
        raise NotFound(f"The group {group_id} has no check {check_id}.")
    return shown_in_group(platform.vault, shown_check(platform, stored), {group_id: group}, reader=principal)


async def allowed_group(
    connection: AsyncConnection, wanted: CheckGroup, before: CheckGroup, *, where: str = ""
) -> CheckGroup:
    """The wanted group with the secrets it keeps. Raises Invalid naming ``where`` and the field."""
    if not 1 <= len(wanted.name.strip()) <= _LONGEST_NAME:
        raise Invalid(f"{where}name: use 1 to {_LONGEST_NAME} characters.")
    _refuse_repeated(wanted.environment, where)
    served = await usable_locations(connection, wanted.account_id, wanted=wanted.places)
    refuse_unknown_locations(wanted.locations, served=served, field=f"{where}locations")
    await _refuse_foreign(connection, wanted, where)
    snippets = {"setupSnippetId": wanted.setup_snippet_id, "tearDownSnippetId": wanted.teardown_snippet_id}
    await refuse_unknown_snippets(connection, wanted.account_id, snippets, where=where)
    return replace(wanted, environment=with_kept_secrets(wanted.environment, before.environment))


async def _refuse_foreign(connection: AsyncConnection, wanted: CheckGroup, where: str) -> None:
    if not wanted.private_locations:
        return
    owners = await owners_of_slugs(connection)
    for slug in wanted.private_locations:
        if owners.get(slug) != wanted.account_id:
            raise Invalid(f"{where}privateLocations: there is no private location {slug!r}.")


def _refuse_repeated(environment: Sequence[EnvironmentVariable], where: str) -> None:
    keys = [each.key for each in environment]
    repeated = sorted({key for key in keys if keys.count(key) > 1 or not key})
    if repeated:
        raise Invalid(f"{where}environmentVariables: each needs a key of its own, not {repeated[0]!r} twice.")


async def _load(
    connection: AsyncConnection, principal: Principal, group_id: int, *, to_change: bool = False
) -> StoredGroup:
    found = await store.load_group(connection, principal.account_id, group_id, to_change=to_change)
    if found is None:
        raise NotFound(f"There is no check group {group_id}.")
    return found
