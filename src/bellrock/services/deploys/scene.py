"""One deploy while it is carried out: what it wants, what its logical ids stand for, what it changed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Invalid
from bellrock.services.deploys.desired import Action, Change, ProjectDeploy, Resource
from bellrock.services.importing import Shelf
from bellrock.services.platform import Platform
from bellrock.services.work import Work
from bellrock.store.checks import StoredCheck

Thing = TypeVar("Thing")

_TYPE_OF_FIELD = {
    "alertChannelId": "alert-channel",
    "checkId": "check",
    "componentId": "status-page-component",
    "groupId": "check-group",
    "privateLocationId": "private-location",
    "serviceId": "status-page-service",
    "services": "status-page-service",
    "statusPageId": "status-page",
}
"""Which type a reference in a field is to. One in another field may be to any: see `Scene.resolved`."""


@dataclass(slots=True)
class Scene:
    """A deploy in its transaction. ``schedule`` is off where checks wait for their next tick."""

    work: Work
    principal: Principal
    deploy: ProjectDeploy
    preserve: bool = False
    schedule: bool = True
    changes: list[Change] = field(default_factory=list)
    checks: list[StoredCheck] = field(default_factory=list)
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def platform(self) -> Platform:
        """What the deploy works on."""
        return self.work.platform

    @property
    def connection(self) -> AsyncConnection:
        """The open transaction."""
        return self.work.connection

    @property
    def account_id(self) -> UUID:
        """Whose project this is."""
        return self.principal.account_id

    @property
    def shelf(self) -> Shelf:
        """Where the account's things are looked for."""
        return Shelf(self.connection, self.platform.vault, self.account_id)

    @property
    def gone(self) -> Action:
        """What happens to things that the project no longer names."""
        return "DETACHED" if self.preserve else "DELETE"

    def wanted(self, type_: str) -> list[Resource]:
        """The project's own resources of a type, in their order."""
        return [each for each in self.deploy.members if each.type == type_]

    def refer(self, type_: str, logical_id: str, physical_id: str) -> None:
        """From here on a reference to the logical id means this thing."""
        self._ids[type_, logical_id] = physical_id

    def resolved(self, resource: Resource) -> dict[str, Any]:
        """The payload with ids in place of references. Raises Invalid for one to nothing."""
        payload: dict[str, Any] = self._resolve(dict(resource.payload or {}), "", resource)
        return payload

    def resolved_field(self, resource: Resource, name: str) -> Any:  # noqa: ANN401  (any JSON)
        """One field of the payload, in the same way: others may refer to what is not saved yet."""
        return self._resolve((resource.payload or {}).get(name), name, resource)

    def _resolve(self, value: Any, name: str, resource: Resource) -> Any:  # noqa: ANN401  (any JSON)
        match value:
            case {"ref": str(logical_id), **rest} if not rest:
                return self._meant(logical_id, name, resource)
            case dict():
                return {key: self._resolve(part, key, resource) for key, part in value.items()}
            case list():
                return [self._resolve(part, name, resource) for part in value]
            case _:
                return value

    def _meant(self, logical_id: str, name: str, resource: Resource) -> str | int:
        type_ = _TYPE_OF_FIELD.get(name)
        found = [
            physical_id
            for (of_type, known), physical_id in self._ids.items()
            if known == logical_id and type_ in (None, of_type)
        ]
        if len(found) != 1:
            many = "nothing" if not found else "more than one thing"
            raise Invalid(f"{resource.where}{name}: the reference {logical_id[:200]!r} is to {many}.")
        return int(found[0]) if found[0].isascii() and found[0].isdigit() else found[0]


class Kind(ABC, Generic[Thing]):
    """One type of resource: how its things are found, saved and removed.

    ``rank`` orders removals: things of rank 0 go before anything is saved, so that what they held is free;
    those of rank 1 may be named by others, and go last. ``right`` is needed to change any.
    """

    type: str
    rank: int = 0
    right: Right = Right.EDIT
    note: str | None = None

    @abstractmethod
    async def of_project(self, scene: Scene) -> Mapping[str, Thing]:
        """The project's things as they are, by logical id."""

    @abstractmethod
    async def save(self, scene: Scene, resource: Resource, before: Thing | None) -> Thing | None:
        """Make the thing what the resource says, ``before`` being what it is; None where it was that already.

        The thing is referred to by then. Raises Invalid naming the resource and the field.
        """

    @abstractmethod
    async def remove(self, scene: Scene, things: Sequence[Thing]) -> None:
        """Delete things, or with ``scene.preserve`` keep them without the project."""

    @abstractmethod
    async def exists(self, scene: Scene, physical_id: str) -> bool:
        """Whether the account has a thing of this id."""

    @abstractmethod
    def physical_id(self, thing: Thing) -> str:
        """What clients call a thing."""

    def note_of(self, thing: Thing) -> str | None:  # noqa: ARG002  (for those whose things differ)
        """What a person should know about a change of the thing."""
        return self.note
