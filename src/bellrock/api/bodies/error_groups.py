"""Groups of errors as they are said, of checks and of test sessions alike."""

from typing import Any
from uuid import UUID

from bellrock.api.bodies.base import Answer, Ask, Instant
from bellrock.services.error_groups import SameErrors


class SaidErrors(Answer):
    """One error. The cleaned message is without what changes from run to run."""

    id: UUID
    error_hash: str
    raw_error_message: str
    cleaned_error_message: str
    first_seen: Instant
    last_seen: Instant
    archived_until_next_event: bool
    root_cause_analyses: tuple[dict[str, Any], ...] = ()


class ArchiveAsk(Ask):
    """Whether to put a group away, and for how long."""

    archive_for_ever: bool | None = None
    archived_until_next_event: bool | None = None


def errors_said(group: SameErrors) -> dict[str, Any]:
    """The fields that all groups have."""
    return {
        "id": group.id,
        "error_hash": group.hash,
        "raw_error_message": group.message,
        "cleaned_error_message": group.cleaned,
        "first_seen": group.first_seen,
        "last_seen": group.last_seen,
        "archived_until_next_event": group.archived,
    }
