"""The types that code can be written for: checks, groups, private locations, and what is only kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from bellrock.domain.checks import Subscription
from bellrock.domain.kept import NUMBERED, KeptKind, KeptResource
from bellrock.domain.private_locations import PrivateLocation
from bellrock.domain.specs import ApiCheck, CheckType
from bellrock.services.check_payload.said import payload_of, retry_said
from bellrock.services.environment import unseal, without_secrets
from bellrock.services.group_said import group_said
from bellrock.services.grouping import in_clear_group
from bellrock.services.importing.kind import Importable, ImportKind, Owner, Shelf
from bellrock.services.kept_rows import opened
from bellrock.store import checks, groups, kept_resources, private_locations
from bellrock.store.checks import StoredCheck
from bellrock.store.groups import StoredGroup
from bellrock.store.kept_resources import StoredKept

Tie = tuple[str, Mapping[str, Any]]

# Command lines have no code for a suite that is uploaded: it comes from a project anyway.
_NOT_WRITTEN = frozenset({CheckType.PLAYWRIGHT})


class Checks(ImportKind[StoredCheck]):
    """Checks of every type but suites."""

    type = "check"

    async def free(self, shelf: Shelf) -> list[Importable]:
        """Those of no project."""
        found = await checks.all_checks(shelf.connection, shelf.account_id)
        free = [
            each for each in found if each.check.project_id is None and each.check.type not in _NOT_WRITTEN
        ]
        locations = await _ids_of_locations(shelf) if free else {}
        return [_importable_check(shelf, each, locations) for each in free]

    async def in_project(self, shelf: Shelf, project: str) -> Mapping[str, str]:
        """The project's, by logical id."""
        found = await checks.checks_of_project(shelf.connection, shelf.account_id, project)
        return {name: str(each.check.id) for name, each in found.items()}

    async def load(self, shelf: Shelf, physical_id: str) -> StoredCheck | None:
        """A check."""
        return await checks.load_check(shelf.connection, shelf.account_id, UUID(physical_id))

    def owner_of(self, thing: StoredCheck) -> str | None:
        """Its project."""
        return thing.check.project_id

    async def give(self, shelf: Shelf, thing: StoredCheck, owner: Owner) -> None:
        """Make it the owner's."""
        await checks.update_check(
            shelf.connection,
            replace(thing, check=replace(thing.check, project_id=owner.project, logical_id=owner.logical_id)),
        )


class Groups(ImportKind[StoredGroup]):
    """Check groups, without the checks in them: those are things of their own."""

    type = "check-group"

    async def free(self, shelf: Shelf) -> list[Importable]:
        """Those of no project."""
        found = (await groups.load_groups(shelf.connection, shelf.account_id)).values()
        free = [in_clear_group(shelf.vault, each) for each in found if each.group.project_id is None]
        locations = await _ids_of_locations(shelf) if free else {}
        return [
            Importable(
                str(group.id),
                group.name,
                {**group_said(group), "v": 2},  # the version that can say everything
                _ties("group", group.id, locations, group.private_locations, group.subscriptions),
            )
            for group in free
        ]

    async def in_project(self, shelf: Shelf, project: str) -> Mapping[str, str]:
        """The project's, by logical id."""
        found = await groups.groups_of_project(shelf.connection, shelf.account_id, project)
        return {name: str(each.group.id) for name, each in found.items()}

    async def load(self, shelf: Shelf, physical_id: str) -> StoredGroup | None:
        """A group, locked."""
        return await groups.load_group(shelf.connection, shelf.account_id, int(physical_id), to_change=True)

    def owner_of(self, thing: StoredGroup) -> str | None:
        """Its project."""
        return thing.group.project_id

    async def give(self, shelf: Shelf, thing: StoredGroup, owner: Owner) -> None:
        """Make it the owner's."""
        await groups.update_group(
            shelf.connection,
            replace(thing, group=replace(thing.group, project_id=owner.project, logical_id=owner.logical_id)),
        )


class PrivateLocations(ImportKind[PrivateLocation]):
    """Places of the account's own."""

    type = "private-location"

    async def free(self, shelf: Shelf) -> list[Importable]:
        """Those of no project."""
        found = await private_locations.locations_of(shelf.connection, shelf.account_id)
        return [
            Importable(
                str(each.id),
                each.name,
                {
                    "id": str(each.id),
                    "name": each.name,
                    "slugName": each.slug,
                    "icon": each.icon,
                    "proxyUrl": each.proxy_url,
                },
            )
            for each in found
            if each.project_id is None
        ]

    async def in_project(self, shelf: Shelf, project: str) -> Mapping[str, str]:
        """The project's, by logical id."""
        found = await private_locations.locations_of(shelf.connection, shelf.account_id)
        return {each.logical_id or "": str(each.id) for each in found if each.project_id == project}

    async def load(self, shelf: Shelf, physical_id: str) -> PrivateLocation | None:
        """A location."""
        return await private_locations.load_location(shelf.connection, shelf.account_id, UUID(physical_id))

    def owner_of(self, thing: PrivateLocation) -> str | None:
        """Its project."""
        return thing.project_id

    async def give(self, shelf: Shelf, thing: PrivateLocation, owner: Owner) -> None:
        """Make it the owner's."""
        await private_locations.update_location(
            shelf.connection, replace(thing, project_id=owner.project, logical_id=owner.logical_id)
        )


class Kept(ImportKind[StoredKept]):
    """One kind of what is kept."""

    def __init__(self, kind: KeptKind) -> None:
        self.kind = kind
        self.type = str(kind)

    async def free(self, shelf: Shelf) -> list[Importable]:
        """Those of no project."""
        found = await kept_resources.kept_of_kind(shelf.connection, self.kind, shelf.account_id)
        free = [opened(shelf.vault, each) for each in found if each.resource.project_id is None]
        return [Importable(each.physical_id, _name(each), _kept_said(each)) for each in free]

    async def in_project(self, shelf: Shelf, project: str) -> Mapping[str, str]:
        """The project's, by logical id."""
        found = await kept_resources.kept_of_project(
            shelf.connection, shelf.account_id, project, kind=self.kind
        )
        return {name: each.resource.physical_id for name, each in found.items()}

    async def load(self, shelf: Shelf, physical_id: str) -> StoredKept | None:
        """A thing, locked."""
        key = int(physical_id) if self.kind in NUMBERED else UUID(physical_id)
        return await kept_resources.load_kept(
            shelf.connection, shelf.account_id, self.kind, key, to_change=True
        )

    def owner_of(self, thing: StoredKept) -> str | None:
        """Its project."""
        return thing.resource.project_id

    async def give(self, shelf: Shelf, thing: StoredKept, owner: Owner) -> None:
        """Make it the owner's."""
        resource = replace(thing.resource, project_id=owner.project, logical_id=owner.logical_id)
        await kept_resources.update_kept(shelf.connection, replace(thing, resource=resource))


IMPORT_KINDS: Final[tuple[ImportKind[Any], ...]] = (
    PrivateLocations(),
    Kept(KeptKind.ALERT_CHANNEL),
    Groups(),
    Checks(),
    Kept(KeptKind.STATUS_PAGE_SERVICE),
    Kept(KeptKind.STATUS_PAGE),
    Kept(KeptKind.MAINTENANCE_WINDOW),
    Kept(KeptKind.DASHBOARD),
)
"""Every type that command lines can write code for."""


async def _ids_of_locations(shelf: Shelf) -> Mapping[str, str]:
    found = await private_locations.locations_of(shelf.connection, shelf.account_id)
    return {each.slug: str(each.id) for each in found}


def _importable_check(shelf: Shelf, stored: StoredCheck, locations: Mapping[str, str]) -> Importable:
    check = replace(stored.check, environment=without_secrets(unseal(shelf.vault, stored.sealed_environment)))
    payload = {**payload_of(check), "id": str(check.id)}
    if (retry := check.policy.retry) is not None:
        payload["retryStrategy"] = retry_said(retry)  # code has no word for a double check
    spec = check.spec
    snippets = (spec.setup_snippet_id, spec.teardown_snippet_id) if isinstance(spec, ApiCheck) else ()
    return Importable(
        str(check.id),
        check.name,
        payload,
        _ties("check", str(check.id), locations, check.private_locations, check.policy.subscriptions),
        frozenset(each for each in snippets if each is not None),
    )


def _ties(
    word: str,
    physical_id: str | int,
    locations: Mapping[str, str],
    slugs: Iterable[str],
    subscriptions: Iterable[Subscription],
) -> Sequence[Tie]:
    """What ties a check or a group to locations and channels: code names these by their ids."""
    target = {f"{word}Id": physical_id}
    places = [
        (f"private-location-{word}-assignment", {"privateLocationId": locations[slug], **target})
        for slug in slugs
        if slug in locations
    ]
    heard = [
        (
            "alert-channel-subscription",
            {"alertChannelId": each.alert_channel_id, **target, "activated": each.activated},
        )
        for each in subscriptions
    ]
    return [*places, *heard]


def _kept_said(resource: KeptResource) -> dict[str, Any]:
    physical_id = resource.number if resource.kind in NUMBERED else str(resource.id)
    return {**resource.body, "id": physical_id}


def _name(resource: KeptResource) -> str:
    body = resource.body
    return str(body.get("name") or body.get("header") or body.get("type") or "")
