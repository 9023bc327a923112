"""New ids. They sort by the time they were made, so that tables grow at their end."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A fresh id."""
    return compat.uuid7()


def attempt_id(run_id: UUID, attempt: int) -> UUID:
    """The contract's checkRunId of an attempt, and the id of its ATTEMPT result."""
    return compat.uuid5(run_id, f"attempt-{attempt}")
