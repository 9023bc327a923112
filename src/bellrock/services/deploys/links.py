"""Deploys of what ties a check or a group to a private location or an alert channel.

A check and a group hold themselves where they run and who hears of them. So what a project ties to its own
is saved with those (`places_of`, `subscriptions_of`), before these resources; to others it is tied here.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from bellrock.domain.errors import Invalid
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.alert_subscriptions import ChannelSubscription, subscribe, unsubscribe
from bellrock.services.deploys.desired import KEPT, Resource
from bellrock.services.deploys.kept import Kept, number_of, uuid_of
from bellrock.services.deploys.scene import Scene
from bellrock.store.checks import load_check, update_check
from bellrock.store.groups import load_group, update_group
from bellrock.store.kept_resources import load_kept
from bellrock.store.private_locations import load_location

_FIELDS = {"check": "checkId", "check-group": "groupId"}


async def places_of(scene: Scene, resource: Resource) -> list[str]:
    """The slugs of private locations that the project ties to a check or a group of its own."""
    links = _links_to(resource, scene.wanted(f"private-location-{_word(resource)}-assignment"))
    return [await _slug(scene, link, scene.resolved_field(link, "privateLocationId")) for link in links]


def subscriptions_of(scene: Scene, resource: Resource) -> list[dict[str, Any]]:
    """The subscriptions that the project has for a check or a group of its own, as the contract says them."""
    return [
        {
            "alertChannelId": scene.resolved_field(link, "alertChannelId"),
            "activated": (link.payload or {}).get("activated", True),
        }
        for link in _links_to(resource, scene.wanted(KeptKind.ALERT_CHANNEL_SUBSCRIPTION))
    ]


def _word(resource: Resource) -> str:
    return "group" if resource.type == "check-group" else "check"


def _links_to(resource: Resource, links: Sequence[Resource]) -> Iterator[Resource]:
    for link in links:
        if (link.payload or {}).get(_FIELDS[resource.type]) == {"ref": resource.logical_id}:
            yield link


async def _slug(scene: Scene, link: Resource, location_id: object) -> str:
    known = uuid_of(location_id) if isinstance(location_id, str) else None
    found = await load_location(scene.connection, scene.account_id, known) if known else None
    if found is None:
        raise Invalid(f"{link.where}privateLocationId: there is no private location {location_id!r:.80}.")
    return found.slug


class Link(Kept):
    """What the three kinds have in common: a row of its own, and an effect on what it ties."""

    note: str | None = None

    async def save(
        self, scene: Scene, resource: Resource, before: KeptResource | None
    ) -> KeptResource | None:
        """Keep the link, and tie what is not the project's own."""
        saved = await super().save(scene, resource, before)
        kept = saved or before
        if kept is not None:
            await self.tie(scene, resource, dict(kept.body))
        return saved

    async def remove(self, scene: Scene, things: Sequence[KeptResource]) -> None:
        """Delete links and untie what is not the project's own, or keep all."""
        await super().remove(scene, things)
        if not scene.preserve:
            for each in things:
                await self.untie(scene, dict(each.body))

    @abstractmethod
    async def tie(self, scene: Scene, resource: Resource, body: dict[str, Any]) -> None:
        """Give the effect to a target that is not the project's own."""

    @abstractmethod
    async def untie(self, scene: Scene, body: dict[str, Any]) -> None:
        """Take the effect from a target that is not the project's own."""


class ToChecks(Link):
    """Private locations of checks."""

    def __init__(self) -> None:
        super().__init__(KeptKind.PRIVATE_LOCATION_CHECK_ASSIGNMENT)

    async def tie(self, scene: Scene, resource: Resource, body: dict[str, Any]) -> None:
        """Have the check run at the location too."""
        slug = await _slug(scene, resource, body.get("privateLocationId"))
        check_id = uuid_of(str(body.get("checkId")))
        if check_id is None or not await self._place(scene, check_id, add=slug):
            raise Invalid(f"{resource.where}checkId: there is no check {body.get('checkId')!r:.80}.")

    async def untie(self, scene: Scene, body: dict[str, Any]) -> None:
        """Have the check not run there any more."""
        location = await load_location(scene.connection, scene.account_id, UUID(body["privateLocationId"]))
        if location is not None:
            await self._place(scene, UUID(body["checkId"]), take=location.slug)

    async def _place(self, scene: Scene, check_id: UUID, *, add: str = "", take: str = "") -> bool:
        """Whether there is such a check."""
        stored = await load_check(scene.connection, scene.account_id, check_id)
        if stored is None or stored.check.project_id == scene.deploy.logical_id:
            return stored is not None
        slugs = _changed(stored.check.private_locations, add=add, take=take)
        if slugs != stored.check.private_locations:
            check = replace(stored.check, private_locations=slugs, updated_at=scene.work.at)
            await update_check(scene.connection, replace(stored, check=check))
        return True


class ToGroups(Link):
    """Private locations of groups."""

    def __init__(self) -> None:
        super().__init__(KeptKind.PRIVATE_LOCATION_GROUP_ASSIGNMENT)

    async def tie(self, scene: Scene, resource: Resource, body: dict[str, Any]) -> None:
        """Have the group's checks run at the location too."""
        slug = await _slug(scene, resource, body.get("privateLocationId"))
        group_id = number_of(str(body.get("groupId")))
        if group_id is None or not await self._place(scene, group_id, add=slug):
            raise Invalid(f"{resource.where}groupId: there is no check group {body.get('groupId')!r:.80}.")

    async def untie(self, scene: Scene, body: dict[str, Any]) -> None:
        """Have the group's checks not run there any more."""
        location = await load_location(scene.connection, scene.account_id, UUID(body["privateLocationId"]))
        if location is not None:
            await self._place(scene, int(body["groupId"]), take=location.slug)

    async def _place(self, scene: Scene, group_id: int, *, add: str = "", take: str = "") -> bool:
        """Whether there is such a group."""
        stored = await load_group(scene.connection, scene.account_id, group_id, to_change=True)
        if stored is None or stored.group.project_id == scene.deploy.logical_id:
            return stored is not None
        slugs = _changed(stored.group.private_locations, add=add, take=take)
        if slugs != stored.group.private_locations:
            group = replace(stored.group, private_locations=slugs, updated_at=scene.work.at)
            await update_group(scene.connection, replace(stored, group=group))
        return True


class Subscriptions(Link):
    """What alert channels hear of. No alert is sent yet."""

    note: str | None = KEPT

    def __init__(self) -> None:
        super().__init__(KeptKind.ALERT_CHANNEL_SUBSCRIPTION)

    async def tie(self, scene: Scene, resource: Resource, body: dict[str, Any]) -> None:
        """Have the channel hear of a check or a group that is not the project's own."""
        wanted = _subscription(body)
        number = number_of(str(body["alertChannelId"]))
        kind = KeptKind.ALERT_CHANNEL
        if number is None or await load_kept(scene.connection, scene.account_id, kind, number) is None:
            raise Invalid(f"{resource.where}alertChannelId: there is no alert channel {number}.")
        try:
            if not await _is_own(scene, wanted):
                await subscribe(scene.connection, scene.account_id, number, wanted)
        except Invalid as error:
            raise Invalid(f"{resource.where}{error.message}") from error

    async def untie(self, scene: Scene, body: dict[str, Any]) -> None:
        """Have the channel not hear of it any more."""
        wanted = _subscription(body)
        if not await _is_own(scene, wanted):
            await unsubscribe(scene.connection, scene.account_id, body["alertChannelId"], wanted)

    def body(self, scene: Scene, resource: Resource) -> dict[str, Any]:
        """What is to be kept of the resource."""
        body = super().body(scene, resource)
        if not isinstance(body.get("alertChannelId"), int):
            raise Invalid(f"{resource.where}alertChannelId: name an alert channel.")
        return body


def _changed(slugs: Sequence[str], *, add: str, take: str) -> tuple[str, ...]:
    kept = tuple(each for each in slugs if each != take)
    return kept if not add or add in kept else (*kept, add)


def _subscription(body: dict[str, Any]) -> ChannelSubscription:
    check_id, group_id = body.get("checkId"), body.get("groupId")
    return ChannelSubscription(
        bool(body.get("activated", True)),
        check_id=uuid_of(str(check_id)) if check_id is not None else None,
        group_id=number_of(str(group_id)) if group_id is not None else None,
    )


async def _is_own(scene: Scene, wanted: ChannelSubscription) -> bool:
    if wanted.check_id is not None:
        check = await load_check(scene.connection, scene.account_id, wanted.check_id)
        return check is not None and check.check.project_id == scene.deploy.logical_id
    if wanted.group_id is not None:
        group = await load_group(scene.connection, scene.account_id, wanted.group_id)
        return group is not None and group.group.project_id == scene.deploy.logical_id
    return False
