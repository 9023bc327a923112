"""Pieces of code that checks and groups name by their id instead of holding a script of their own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Snippet:
    """A named script of an account. Ids are numbers and never used again."""

    id: int
    account_id: UUID
    name: str
    script: str
    created_at: datetime
    updated_at: datetime | None = None
