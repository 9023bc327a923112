"""Triggers: addresses that start a check, or the checks of a group."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

Subject = UUID | int
"""What a trigger starts: a check by its id, or a group by its number."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of a check or of a group: one of the two is set. Who has its token may call it."""

    id: int
    account_id: UUID
    check_id: UUID | None
    group_id: int | None
    token: str = field(repr=False)
    created_at: datetime
    called_at: datetime | None
