"""The status of a check, as the contract says it: flags, not a word."""

from uuid import UUID

from bellrock.api.bodies.base import Answer, SnakeCreated, SnakeUpdated
from bellrock.api.bodies.check_results import check_run_number
from bellrock.domain.check_status import CheckStatus


class CheckStatusBody(Answer):
    """How a check does. The runs are those that the status is made of: the newest at each location."""

    name: str
    check_id: UUID
    has_failures: bool
    has_errors: bool
    is_degraded: bool
    longest_run: int | None
    shortest_run: int | None
    last_run_location: str | None
    last_check_run_id: str | None
    ssl_days_remaining: float | None
    created_at: SnakeCreated
    updated_at: SnakeUpdated


def check_status_body(status: CheckStatus) -> CheckStatusBody:
    """One status."""
    last = status.findings[0] if status.findings else None
    return CheckStatusBody(
        name=status.name,
        check_id=status.check_id,
        has_failures=status.has_failures,
        has_errors=status.has_errors,
        is_degraded=status.is_degraded,
        longest_run=max(status.times_ms, default=None),
        shortest_run=min(status.times_ms, default=None),
        last_run_location=last.location if last else None,
        last_check_run_id=str(check_run_number(last.run_id, last.attempt)) if last else None,
        ssl_days_remaining=status.ssl_days,
        created_at=status.check_created_at,
        updated_at=status.updated_at,
    )
