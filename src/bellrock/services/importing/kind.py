"""One type of things that can be imported: which of them are free, and how one gets an owner."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.store.vault import Vault

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where an account's things are looked for."""

    connection: AsyncConnection
    vault: Vault
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Owner:
    """The project that a thing is of, and what it is called there."""

    project: str | None
    logical_id: str | None


NOBODY = Owner(None, None)


@dataclass(frozen=True, slots=True)
class Importable:
    """A thing of no project, as a deploy would say it.

    ``ties`` are to locations and channels, by type, each as a resource of its own; ``snippets`` are what its
    scripts stand for.
    """

    physical_id: str
    name: str
    payload: Mapping[str, Any]
    ties: Sequence[tuple[str, Mapping[str, Any]]] = ()
    snippets: frozenset[int] = field(default_factory=frozenset)


class ImportKind(ABC, Generic[Thing]):
    """One type of things."""

    type: str

    @abstractmethod
    async def free(self, shelf: Shelf) -> list[Importable]:
        """Those of no project that code can be written for."""

    @abstractmethod
    async def in_project(self, shelf: Shelf, project: str) -> Mapping[str, str]:
        """Ids of a project's own things, by logical id."""

    @abstractmethod
    async def load(self, shelf: Shelf, physical_id: str) -> Thing | None:
        """A thing, if it is still there."""

    @abstractmethod
    def owner_of(self, thing: Thing) -> str | None:
        """The project that it is of."""

    @abstractmethod
    async def give(self, shelf: Shelf, thing: Thing, owner: Owner) -> None:
        """Make a thing the owner's, who may be `NOBODY`."""
