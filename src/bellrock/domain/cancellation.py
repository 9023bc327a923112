"""Who can be cancelled: which runs, by the check's type and by who started them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bellrock.domain.errors import Forbidden
from bellrock.domain.specs import CheckType


class Via(StrEnum):
    """What a person asked through."""

    UI = "UI"
    API = "API"
    CLI = "CLI"


class RunSource(StrEnum):
    """What started a run (the contract's `runSource`)."""

    CLI_DEPLOY = "CLI_DEPLOY"
    DEPLOYMENT = "DEPLOYMENT"
    DEPLOYMENT_CACHE_WARMER = "DEPLOYMENT_CACHE_WARMER"
    EDITOR = "EDITOR"
    GROUP_RUN_ALL = "GROUP_RUN_ALL"
    LEGACY_TRIGGER = "LEGACY_TRIGGER"
    SCHEDULER = "SCHEDULER"
    SCHEDULE_NOW = "SCHEDULE_NOW"
    SLACK_RERUN = "SLACK_RERUN"
    TEST_NO_RECORD = "TEST_NO_RECORD"
    TEST_RECORD = "TEST_RECORD"
    TRIGGER_NO_RECORD = "TRIGGER_NO_RECORD"
    TRIGGER_RECORD = "TRIGGER_RECORD"
    TRIGGER_API = "TRIGGER_API"


# An unrecorded session has no id anybody could name, so there is nothing to cancel it by.
_NOT_STARTED_BY_A_PERSON = frozenset({RunSource.SCHEDULER, RunSource.DEPLOYMENT_CACHE_WARMER})
_UNRECORDED = frozenset({RunSource.TEST_NO_RECORD, RunSource.TRIGGER_NO_RECORD})


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The stamp of an accepted cancel. The first one stands; later ones change nothing."""

    at: datetime
    by: str
    via: Via


def is_user_initiated(source: RunSource) -> bool:
    """Whether a person, directly or by a command of theirs, started runs of this source."""
    return source not in _NOT_STARTED_BY_A_PERSON


def is_recorded(source: RunSource) -> bool:
    """Whether runs of this source belong to a session that can be looked up."""
    return source not in _UNRECORDED


def is_cancellable(check_type: CheckType, source: RunSource) -> bool:
    """Only Playwright Check Suites, and only where a person started a recorded run."""
    return check_type is CheckType.PLAYWRIGHT and is_user_initiated(source) and is_recorded(source)


def why_not_cancellable(check_type: CheckType, source: RunSource) -> str | None:
    """A sentence for the page and the API, or None where the run can be cancelled."""
    if check_type is not CheckType.PLAYWRIGHT:
        return f"{check_type} runs go on to their end: only Playwright Check Suite runs can be cancelled."
    if not is_user_initiated(source):
        return "The scheduler started this run: only runs that a person started can be cancelled."
    if not is_recorded(source):
        return "This run is not recorded, so it cannot be cancelled."
    return None


def refuse_unless_cancellable_session(source: RunSource) -> None:
    """Raise `Forbidden` for a session that no person started (race rule R8)."""
    if not is_user_initiated(source):
        message = (
            f"This session was started by {source}. Only sessions that a person started can be cancelled."
        )
        raise Forbidden(message, code="SESSION_NOT_USER_INITIATED")


def targeted(
    run_ids: Iterable[UUID], wanted: Sequence[UUID] | None
) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Split a request's sequence ids over a session's runs.

    :returns: the runs meant, and the ids that match nothing (ignored: they go stale between
        listing and cancelling, and one stale id must not void the rest).
    """
    known = frozenset(run_ids)
    if wanted is None:
        return known, frozenset()
    asked = frozenset(wanted)
    return known & asked, asked - known
