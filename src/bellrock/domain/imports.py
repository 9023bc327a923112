"""Which things of an account an import is about, and what they are called in a project."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

_LONGEST_SLUG = 60
_OF_ID = 8


@dataclass(frozen=True, slots=True)
class ImportItem:
    """A thing that is to become a project's, and its logical id there. ``type`` is in a deploy's words."""

    type: str
    physical_id: str
    logical_id: str

    @property
    def thing(self) -> tuple[str, str]:
        """What tells it from all other things of the account."""
        return self.type, self.physical_id


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What is to become the project's (``project`` is its logical id), and how far that has come."""

    id: UUID
    project_id: UUID
    project: str
    items: tuple[ImportItem, ...]
    created_at: datetime
    applied_at: datetime | None = None
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """Includes or excludes one thing, all of a type, or (without a type) everything."""

    includes: bool
    type: str | None = None
    physical_id: str | None = None

    def is_about(self, type_: str, physical_id: str) -> bool:
        """Whether it says something of this thing."""
        return self.type in (None, type_) and self.physical_id in (None, physical_id)

    def names(self, type_: str, physical_id: str) -> bool:
        """Whether it means this thing alone."""
        return self.includes and self.type == type_ and self.physical_id == physical_id


def is_included(filters: Sequence[ImportFilter], type_: str, physical_id: str) -> bool:
    """What the last filter says that is about this thing; without one, it is in."""
    about = [each.includes for each in filters if each.is_about(type_, physical_id)]
    return about[-1] if about else True


def logical_id_of(type_: str, name: str, physical_id: str) -> str:
    """A name for code: readable, and no other thing's of its type."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{slug or type_}-{physical_id[-_OF_ID:]}"
