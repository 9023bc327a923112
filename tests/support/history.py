"""Results that a check had before: written as they lie in the database, at moments of a test's choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.cancellation import RunSource
from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.runs import Run, RunState
from bellrock.domain.sessions import Session, SessionKind
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.services.platform import Platform
from bellrock.store.records import NewRun, RunMaterial, StoredResult
from bellrock.store.results import insert_results
from bellrock.store.runs import insert_runs
from bellrock.store.sessions import insert_sessions
from tests.support.api_client import EU, Api, Json

PASSED = Outcome(Verdict.PASSED)


@dataclass(frozen=True, slots=True)
class Past:
    """One result of the past. Those with the same ``session`` belong together."""

    outcome: Outcome = PASSED
    ago: timedelta = timedelta(minutes=5)
    location: str = EU
    response_time_ms: int | None = 100
    details: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    result_type: str = "FINAL"
    kind: SessionKind = SessionKind.CHECK
    at: datetime | None = None
    session: UUID = field(default_factory=uuid4)
    session_locations: tuple[str, ...] = (EU,)
    session_is_open: bool = False


@dataclass(frozen=True, slots=True)
class PastCheck:
    """Whose results they are."""

    account_id: UUID
    id: UUID
    type: CheckType = CheckType.URL
    name: str = "Front page"


async def remember(api: Api, check: Json, *pasts: Past) -> None:
    """Write results of the check into the server's database."""
    assert api.account
    of = PastCheck(api.account.id, UUID(check["id"]), CheckType(check["checkType"]), check["name"])

    async def write(platform: Platform) -> None:
        async with platform.database.write() as connection:
            await write_past(connection, of, pasts)

    await api.server.call(write)


async def write_past(connection: AsyncConnection, check: PastCheck, pasts: Sequence[Past]) -> None:
    """Write results, each with a session and a run as they would be there."""
    now = datetime.now(UTC)
    for session_id in dict.fromkeys(past.session for past in pasts):
        first = next(past for past in pasts if past.session == session_id)
        await insert_sessions(connection, [_session(check, first, at=first.at or now - first.ago)])
    rows = [_rows(check, past, at=past.at or now - past.ago) for past in pasts]
    await insert_runs(connection, [run for run, _ in rows])
    await insert_results(connection, [result for _, result in rows])


def _session(check: PastCheck, past: Past, *, at: datetime) -> Session:
    return Session(
        past.session,
        check.account_id,
        past.kind,
        check.name,
        RunSource.SCHEDULER,
        at,
        past.session_locations,
        check_id=check.id,
        check_type=check.type,
        stopped_at=None if past.session_is_open else at,
        status=None if past.session_is_open else "PASSED",
    )


def _rows(check: PastCheck, past: Past, *, at: datetime) -> tuple[NewRun, StoredResult]:
    run = Run(
        id=uuid4(),
        session_id=past.session,
        account_id=check.account_id,
        check_id=check.id,
        check_type=check.type,
        source=RunSource.SCHEDULER,
        location=past.location,
        result_id=uuid4(),
        queued_at=at,
        state=RunState.FINAL,
        stopped_at=at,
        outcome=past.outcome,
    )
    result = StoredResult(
        id=run.result_id,
        run_id=run.id,
        session_id=past.session,
        check_id=check.id,
        attempt=past.attempt,
        result_type=past.result_type,  # type: ignore[arg-type]
        location=past.location,
        outcome=past.outcome,
        created_at=at,
        started_at=at,
        stopped_at=at,
        response_time_ms=past.response_time_ms,
        details=dict(past.details),
        errors=(past.outcome.message,) if past.outcome.message else (),
    )
    material = RunMaterial(UrlMonitor(HttpRequest("http://127.0.0.1:9/")))
    return NewRun(run, 0, "Front page", None, material, None), result
