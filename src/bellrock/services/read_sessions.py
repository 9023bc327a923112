"""Sessions are read here: one, many, or once it is over."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.errors import NotBuilt
from bellrock.domain.sessions import SessionKind
from bellrock.services.platform import Platform
from bellrock.services.views import SessionPage, SessionView


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions to list; nothing set means all, newest first.

    ``statuses`` are contract words (RUNNING, PASSED, FAILED, CANCELLED, TIMED_OUT, ...); RUNNING means
    every open session. ``from_at`` and ``to_at`` bound the start. ``users`` are names of who started it.
    ``next_id`` continues a listing.
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


async def get_session(
    platform: Platform, principal: Principal, kind: SessionKind, *, session_id: UUID
) -> SessionView:
    """One session. Raises NotFound, also for another account's and for unrecorded ones."""
    raise NotBuilt("sessions")


async def list_sessions(platform: Platform, principal: Principal, query: SessionQuery) -> SessionPage:
    """Recorded sessions, newest first. Raises Invalid for a ``next_id`` that is none of ours."""
    raise NotBuilt("sessions")


async def await_completion(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    max_wait_s: float,
) -> SessionView | None:
    """The session once it is final, or None when it is still open after ``max_wait_s``.

    Wakes on the transition to final, at the latest a second after it. Raises NotFound.
    """
    raise NotBuilt("sessions")
