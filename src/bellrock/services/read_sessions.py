"""Sessions are read here: one, many, or once it is over."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.sessions import CheckSessionStatus, Session, SessionKind, TestSessionStatus
from bellrock.services.cursors import read_cursor, write_cursor
from bellrock.services.platform import Platform
from bellrock.services.session_views import view_sessions, views_in
from bellrock.services.views import SessionPage, SessionView
from bellrock.store.sessions import SessionFilter, find_sessions, load_session

_MOST_PER_PAGE = 100
_LONGEST_NAP_S = 1.0  # an announcement can be lost; the database is asked at least this often
_OPEN = frozenset({"RUNNING", "STARTED", "PROGRESS", "PROGRESS_FAILED", "PROGRESS_DEGRADED"})
_FINAL = frozenset({*CheckSessionStatus, *TestSessionStatus}) - _OPEN


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions to list; nothing set means all, newest first.

    ``statuses`` are contract words (RUNNING, PASSED, FAILED, CANCELLED, TIMED_OUT, ...); RUNNING means
    every open session. ``from_at`` and ``to_at`` bound the start. ``users`` are names of who started it.
    ``next_id`` continues a listing. ``session_ids``: no others.
    """

    kind: SessionKind | None = None
    statuses: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    no_users: bool = False
    providers: tuple[str, ...] = ()
    text: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    check_id: UUID | None = None
    limit: int = 20
    next_id: str | None = None
    session_ids: frozenset[UUID] | None = None


async def get_session(
    platform: Platform, principal: Principal, kind: SessionKind, *, session_id: UUID, recorded: bool = True
) -> SessionView:
    """One session. Raises NotFound, also for another account's, and for unrecorded ones unless asked for.

    Whoever starts an unrecorded session is told its id, to wait with; nothing else ever says it.
    """
    await _load(platform, principal, kind, session_id, recorded=recorded)
    return (await view_sessions(platform, [session_id]))[0]


async def list_sessions(platform: Platform, principal: Principal, query: SessionQuery) -> SessionPage:
    """Recorded sessions, newest first. Raises Invalid for a ``next_id`` that is none of ours."""
    principal.must(Right.VIEW)
    wanted = _filter(principal, query)
    async with platform.database.read() as connection:
        # One more than asked for tells whether there is a next page.
        found = await find_sessions(connection, wanted, limit=query.limit + 1)
        shown = found[: query.limit]
        views = await views_in(platform, connection, [session.id for session in shown])
    more = len(found) > len(shown)
    return SessionPage(views, write_cursor(shown[-1].started_at, shown[-1].id) if more else None)


async def await_completion(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    max_wait_s: float,
    recorded: bool = True,
) -> SessionView | None:
    """The session once it is final, or None when it is still open after ``max_wait_s``.

    Wakes on the transition to final, at the latest a second after it. Raises NotFound.
    """
    deadline = asyncio.get_running_loop().time() + max_wait_s
    with platform.live.watch(session_id) as changed:
        while True:
            # Cleared before the look: a change during the look must not be slept through.
            changed.clear()
            session = await _load(platform, principal, kind, session_id, recorded=recorded)
            if session.status is not None:
                return (await view_sessions(platform, [session_id]))[0]
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            await _nap(changed, min(left_s, _LONGEST_NAP_S))


async def _nap(changed: asyncio.Event, longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            await changed.wait()
    except TimeoutError:
        return


async def _load(
    platform: Platform, principal: Principal, kind: SessionKind, session_id: UUID, *, recorded: bool
) -> Session:
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        session = await load_session(connection, session_id)
    theirs = session is not None and session.account_id == principal.account_id
    if session is None or not theirs or session.kind is not kind or session.recorded is not recorded:
        raise NotFound(f"There is no {kind} session {session_id}.")
    return session


def _filter(principal: Principal, query: SessionQuery) -> SessionFilter:
    if not 1 <= query.limit <= _MOST_PER_PAGE:
        raise Invalid(f"limit: use 1 to {_MOST_PER_PAGE}.")
    unknown = sorted(set(query.statuses) - _OPEN - _FINAL)
    if unknown:
        raise Invalid(f"statuses: {unknown[0]!r} is none of {', '.join(sorted(_OPEN | _FINAL))}.")
    return SessionFilter(
        account_id=principal.account_id,
        kind=query.kind,
        statuses=tuple(status for status in query.statuses if status in _FINAL),
        open=bool(_OPEN & set(query.statuses)),
        branches=query.branches,
        users=query.users,
        no_users=query.no_users,
        providers=query.providers,
        text=query.text,
        from_at=query.from_at,
        to_at=query.to_at,
        check_id=query.check_id,
        session_ids=query.session_ids,
        before=read_cursor(query.next_id),
    )
