"""Check sessions as both versions say them. Each lacks one word of the other: see `for_v1`, `for_v2`."""

from typing import Literal, TypeVar
from uuid import UUID

from bellrock.api.bodies.base import Answer, Ask, Instant
from bellrock.api.bodies.runs import CancelledBy, ProgressBody, Row, rows_of
from bellrock.api.links import Links
from bellrock.domain.cancellation import RunSource
from bellrock.domain.sessions import CheckSessionStatus
from bellrock.domain.specs import CheckType
from bellrock.services.start_session import Target
from bellrock.services.views import SessionView

Body = TypeVar("Body", bound="CheckSessionBody")


class CheckSessionTarget(Ask):
    """Which checks to run. ``matchTags``: OR of ANDs, ``!tag`` negates; both filters must hold."""

    match_tags: tuple[tuple[str, ...], ...] = ()
    check_id: tuple[UUID, ...] | UUID = ()

    def target(self) -> Target:
        """As the service wants it."""
        ids = (self.check_id,) if isinstance(self.check_id, UUID) else self.check_id
        return Target(match_tags=self.match_tags, check_ids=ids)


class TriggerCheckSessions(Ask):
    """The body of trigger. Without a target every active check is meant."""

    target: CheckSessionTarget = CheckSessionTarget()
    refresh_cache: bool = False


class CheckSessionBody(Answer):
    """One check session, without its results."""

    check_session_id: UUID
    check_session_link: str
    check_id: UUID
    check_type: CheckType
    name: str
    status: CheckSessionStatus
    started_at: Instant
    stopped_at: Instant | None
    time_elapsed: int
    run_locations: tuple[str, ...]
    run_source: RunSource | None


class CheckSessionRow(Answer):
    """One result of a check session. ``resultType`` is null as long as the run goes on."""

    check_result_id: UUID
    check_result_link: str
    check_id: UUID
    check_type: CheckType
    name: str
    run_location: str
    result_type: Literal["FINAL", "ATTEMPT"] | None
    has_errors: bool
    has_failures: bool
    is_degraded: bool
    aborted: bool
    is_cancelled: bool
    response_time: int | None
    started_at: Instant | None
    stopped_at: Instant | None
    sequence_id: UUID
    cancelled_at: Instant | None
    cancelled_by: CancelledBy | None
    progress: ProgressBody | None
    waiting_for_runner: bool


class CheckSessionWithResults(CheckSessionBody):
    """One check session with a row per run, and one per earlier attempt."""

    results: tuple[CheckSessionRow, ...]


class TriggeredCheckSessions(Answer):
    """The answer of trigger."""

    sessions: tuple[CheckSessionBody, ...]


class CheckSessionPage(Answer):
    """A page of check sessions, newest first."""

    length: int
    entries: tuple[CheckSessionBody, ...]
    next_id: str | None


def check_session_body(view: SessionView, links: Links) -> CheckSessionBody:
    """A session without its results, in all words there are."""
    session = view.session
    if session.check_id is None or session.check_type is None:
        message = f"session {session.id} is not a check session"
        raise TypeError(message)
    return CheckSessionBody(
        check_session_id=session.id,
        check_session_link=links.session(session.id),
        check_id=session.check_id,
        check_type=session.check_type,
        name=session.name,
        status=CheckSessionStatus(view.status),
        started_at=session.started_at,
        stopped_at=view.stopped_at,
        time_elapsed=view.time_elapsed_ms,
        run_locations=session.locations,
        run_source=session.source,
    )


def check_session_with_results(view: SessionView, links: Links) -> CheckSessionWithResults:
    """A session with its results, in all words there are."""
    head = check_session_body(view, links)
    rows = (_row(row, head, links) for run in view.runs for row in rows_of(run))
    return CheckSessionWithResults(**dict(head), results=tuple(rows))


def _row(row: Row, head: CheckSessionBody, links: Links) -> CheckSessionRow:
    flags = row.flags
    return CheckSessionRow(
        check_result_id=row.result_id,
        check_result_link=links.run(head.check_session_id, row.run.id),
        check_id=head.check_id,
        check_type=head.check_type,
        name=head.name,
        run_location=row.location,
        result_type=row.result.result_type if row.result else None,
        has_errors=flags.has_errors,
        has_failures=flags.has_failures,
        is_degraded=flags.is_degraded,
        aborted=flags.aborted,
        is_cancelled=flags.is_cancelled,
        response_time=row.response_time_ms,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        sequence_id=row.run.id,
        cancelled_at=row.cancel.at if row.cancel else None,
        cancelled_by=row.cancelled_by,
        progress=row.progress,
        waiting_for_runner=row.view.waiting_for_runner,
    )


def for_v1(body: Body) -> Body:
    """The same in the words of version 1, which had no word for cancelled: it says TIMED_OUT.

    This is the only place where that is said: the store, the results and the test sessions know
    what happened.
    """
    if body.status is not CheckSessionStatus.CANCELLED:
        return body
    return body.model_copy(update={"status": CheckSessionStatus.TIMED_OUT})


def for_v2(body: Body) -> Body:
    """The same in the words of version 2, which has no word for a session that was started from Slack."""
    if body.run_source is not RunSource.SLACK_RERUN:
        return body
    return body.model_copy(update={"run_source": None})
