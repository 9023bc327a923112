"""What a project wants, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bellrock.domain.errors import Invalid
from bellrock.domain.sessions import GitMetadata

Action = Literal["CREATE", "UPDATE", "DELETE", "DETACHED"]
KEPT = "kept: this version of Bellrock does not act on it yet"
_LONGEST_ID = 500


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of a project, by its logical id. ``member=False`` only refers to an existing thing."""

    logical_id: str
    type: str
    payload: Mapping[str, object] | None
    physical_id: str | None = None
    member: bool = True

    @property
    def where(self) -> str:
        """How messages about its fields begin."""
        return f"resources[{self.logical_id}]."


@dataclass(frozen=True, slots=True)
class ProjectDeploy:
    """A project's whole desired state."""

    logical_id: str
    name: str
    resources: tuple[Resource, ...]
    repo_url: str | None = None
    git: GitMetadata = field(default_factory=GitMetadata)

    @property
    def members(self) -> tuple[Resource, ...]:
        """What the project owns."""
        return tuple(each for each in self.resources if each.member)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a deploy's difference. ``note`` says what a person should know about it."""

    type: str
    logical_id: str
    physical_id: str | None
    action: Action
    note: str | None = None


def refuse_bad_deploy(deploy: ProjectDeploy, *, types: frozenset[str]) -> None:
    """Raise Invalid for a project without a name, unknown types, logical ids that repeat or are too long."""
    if not deploy.logical_id or not deploy.name:
        raise Invalid("project: logicalId and name are needed.")
    unknown = sorted({each.type for each in deploy.resources} - types)
    if unknown:
        raise Invalid(
            f"resources: there are no resources of the type {unknown[0][:80]!r}: "
            f"use {', '.join(sorted(types))}."
        )
    seen: set[tuple[str, str]] = set()
    for each in deploy.resources:
        name = (each.type, each.logical_id)
        if name in seen or not 1 <= len(each.logical_id) <= _LONGEST_ID:
            raise Invalid(
                f"resources: the logical id {each.logical_id[:80]!r} of a {each.type} is there twice, "
                f"is empty, or is longer than {_LONGEST_ID} characters."
            )
        seen.add(name)
