"""Results and their artifacts are read here."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.artifacts import keys
from bellrock.domain.access import Principal, Right
from bellrock.domain.error_groups import group_ids
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.sessions import Session, SessionKind
from bellrock.services.cursors import read_cursor, write_cursor
from bellrock.services.platform import Platform
from bellrock.services.read_sessions import get_session
from bellrock.services.session_views import result_view, run_view, served_locations, view_sessions
from bellrock.services.views import ResultPage, ResultRow, ResultView, RunView, SessionView
from bellrock.store.checks import load_check
from bellrock.store.records import StoredResult
from bellrock.store.results import (
    ResultFilter,
    count_results,
    find_results,
    load_result,
    results_of_runs,
)
from bellrock.store.runs import load_run, load_runs
from bellrock.store.sessions import load_session
from bellrock.wire.messages import Artifact

_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which results of a check to list. ``next_id`` continues a listing, else ``page`` counts from 1.

    Without ``result_types`` only FINAL results are meant, as the contract has it.
    """

    limit: int = 10
    page: int = 1
    next_id: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    location: str | None = None
    has_failures: bool | None = None
    result_types: tuple[str, ...] = ("FINAL",)


async def list_results(
    platform: Platform, principal: Principal, check_id: UUID, *, query: ResultQuery
) -> ResultPage:
    """Results of a check's sessions (test sessions are not among them), newest first.

    Raises NotFound for an unknown check, Invalid for a ``next_id`` that is none of ours.
    """
    principal.must(Right.VIEW)
    wanted = _filter(check_id, query)
    offset = 0 if wanted.before else (query.page - 1) * query.limit
    async with platform.database.read() as connection:
        await _refuse_unknown_check(connection, principal, check_id)
        total = await count_results(connection, _filter(check_id, replace(query, next_id=None)))
        # One more than asked for tells whether there is a next page.
        found = await find_results(connection, wanted, limit=query.limit + 1, offset=offset)
        shown = found[: query.limit]
        rows = await _rows(platform, connection, shown)
    more = len(found) > len(shown)
    next_id = write_cursor(shown[-1].created_at, shown[-1].id) if more else None
    return ResultPage(rows, total, next_id)


async def get_result(
    platform: Platform, principal: Principal, check_id: UUID, *, result_id: UUID
) -> ResultRow:
    """One result of a check. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        await _refuse_unknown_check(connection, principal, check_id)
        stored = await load_result(connection, result_id)
        if stored is None or stored.check_id != check_id:
            raise NotFound(f"The check {check_id} has no result {result_id}.")
        (row,) = await _rows(platform, connection, [stored])
        session = await load_session(connection, stored.session_id)
    # Errors of test sessions are no errors of the check.
    is_own = session is not None and session.kind is SessionKind.CHECK
    return row if is_own else replace(row, error_group_ids=())


async def get_session_result(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    result_id: UUID,
    recorded: bool = True,
) -> tuple[SessionView, RunView, ResultView | None]:
    """The run of a session that ``result_id`` names, and the result, None while it is pending.

    ``result_id`` may be a result's id (that of the FINAL one is known from the start) or a run's id.
    Raises NotFound.
    """
    view = await get_session(platform, principal, kind, session_id=session_id, recorded=recorded)
    for run in view.runs:
        if result_id in (run.run.id, run.run.result_id):
            return view, run, run.final
        for result in run.results:
            if result.id == result_id:
                return view, run, result
    raise NotFound(f"The session {session_id} has no result {result_id}.")


async def get_run(platform: Platform, principal: Principal, run_id: UUID) -> tuple[SessionView, RunView]:
    """A run by its id, with its session. Raises NotFound, also for runs of unrecorded sessions."""
    session = await _session_of_run(platform, principal, run_id)
    (view,) = await view_sessions(platform, [session.id])
    return view, next(run for run in view.runs if run.run.id == run_id)


async def open_artifact(
    platform: Platform,
    principal: Principal,
    run_id: UUID,
    *,
    name: str,
    attempt: int | None = None,
    start: int = 0,
    end: int | None = None,
    unrecorded: bool = False,
) -> tuple[Artifact, AsyncIterator[bytes]]:
    """A kept file of a run (of its last attempt unless said) and its bytes from start to before end.

    ``unrecorded``: of an unrecorded session too, for whoever started it. Raises NotFound; Invalid for a
    range that is not inside the file.
    """
    await _session_of_run(platform, principal, run_id, unrecorded=unrecorded)
    async with platform.database.read() as connection:
        results = (await results_of_runs(connection, [run_id]))[run_id]
    wanted = [each for each in results if attempt is None or each.attempt == attempt]
    files = {each.name: each for each in wanted[-1].artifacts} if wanted else {}
    if name not in files:
        raise NotFound(f"The run {run_id} has no file {name!r}.")
    artifact = files[name]
    last = artifact.size_bytes if end is None else end
    if not 0 <= start <= last <= artifact.size_bytes:
        raise Invalid(f"range: the file has {artifact.size_bytes} bytes.")
    key = keys.of_run(run_id, wanted[-1].attempt, name)
    if start == last:
        return artifact, _nothing()
    return artifact, await platform.artifacts.open(key, start=start, end=end)


async def _nothing() -> AsyncIterator[bytes]:
    no_chunks: tuple[bytes, ...] = ()
    for chunk in no_chunks:
        yield chunk


def _filter(check_id: UUID, query: ResultQuery) -> ResultFilter:
    if query.page < 1 or not 1 <= query.limit <= _MOST_PER_PAGE:
        raise Invalid(f"page starts at 1, limit is 1 to {_MOST_PER_PAGE}.")
    return ResultFilter(
        check_id=check_id,
        result_types=query.result_types,
        location=query.location,
        has_failures=query.has_failures,
        from_at=query.from_at,
        to_at=query.to_at,
        before=read_cursor(query.next_id),
    )


async def _rows(
    platform: Platform, connection: AsyncConnection, stored: Sequence[StoredResult]
) -> tuple[ResultRow, ...]:
    runs = {each.run.id: each for each in await load_runs(connection, {row.run_id for row in stored})}
    results = await results_of_runs(connection, list(runs))
    served = await served_locations(platform, connection, platform.clock())
    views = {
        run_id: run_view(platform, each, results[run_id], served=served) for run_id, each in runs.items()
    }
    return tuple(ResultRow(views[row.run_id], result_view(row), _error_groups(row)) for row in stored)


def _error_groups(row: StoredResult) -> tuple[UUID, ...]:
    if row.check_id is None or row.result_type != "FINAL" or not row.outcome.has_failures:
        return ()
    return group_ids(row.check_id, row.errors, row.outcome.message)


async def _refuse_unknown_check(connection: AsyncConnection, principal: Principal, check_id: UUID) -> None:
    if await load_check(connection, principal.account_id, check_id) is None:
        raise NotFound(f"There is no check {check_id}.")


async def _session_of_run(
    platform: Platform, principal: Principal, run_id: UUID, *, unrecorded: bool = False
) -> Session:
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        stored = await load_run(connection, run_id)
        theirs = stored is not None and stored.run.account_id == principal.account_id
        session = await load_session(connection, stored.run.session_id) if stored and theirs else None
    if session is None or not (session.recorded or unrecorded):
        raise NotFound(f"There is no run {run_id}.")
    return session
