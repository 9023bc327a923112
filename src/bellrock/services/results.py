"""Results and their artifacts are read here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.errors import NotBuilt
from bellrock.domain.sessions import SessionKind
from bellrock.services.platform import Platform
from bellrock.services.views import ResultPage, ResultRow, ResultView, RunView, SessionView
from bellrock.wire.messages import Artifact


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which results of a check to list. ``next_id`` continues a listing, else ``page`` counts from 1.

    ``result_types`` None means FINAL only, as the contract has it.
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
    raise NotBuilt("results")


async def get_result(
    platform: Platform, principal: Principal, check_id: UUID, *, result_id: UUID
) -> ResultRow:
    """One result of a check. Raises NotFound."""
    raise NotBuilt("results")


async def get_session_result(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    result_id: UUID,
) -> tuple[SessionView, RunView, ResultView | None]:
    """The run of a session that ``result_id`` names, and the result, None while it is pending.

    ``result_id`` may be a result's id (that of the FINAL one is known from the start) or a run's id.
    Raises NotFound.
    """
    raise NotBuilt("results")


async def get_run(platform: Platform, principal: Principal, run_id: UUID) -> tuple[SessionView, RunView]:
    """A run by its id, with its session. Raises NotFound."""
    raise NotBuilt("results")


async def open_artifact(
    platform: Platform,
    principal: Principal,
    run_id: UUID,
    *,
    name: str,
    attempt: int | None = None,
    start: int = 0,
    end: int | None = None,
) -> tuple[Artifact, AsyncIterator[bytes]]:
    """A kept file of a run (of its last attempt unless said) and its bytes from start to before end.

    Raises NotFound.
    """
    raise NotBuilt("results")
