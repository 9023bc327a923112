"""Sessions over the API: start, look, wait, stop. One class for each of the two kinds."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

from bellrock.client.answers import parse
from bellrock.client.errors import ApiError, Unreachable
from bellrock.client.live import Frame, events_path, follow_events
from bellrock.client.models import (
    CheckSessionPage,
    ResultDetail,
    Session,
    StartedRuns,
    TestSessionPage,
)
from bellrock.client.transport import Parameter, Transport

POLL_S = 20
# How long a server may be away (a restart) before waiting for a session is given up.
PATIENCE_S = 60.0


class _Sessions:
    kind: ClassVar[str]
    read_version: ClassVar[str]  # check sessions say CANCELLED in version 2 only

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, session_id: UUID) -> Session:
        """One session as it stands."""
        return await self._read(session_id)

    async def completion(self, session_id: UUID) -> Session:
        """The session once it is over, through restarts of the server of up to a minute.

        There is no deadline for the session itself: the caller has one.
        """
        away_since: float | None = None
        clock = asyncio.get_running_loop().time
        while True:
            try:
                return await self._read(session_id, "/completion", query={"maxWaitSeconds": POLL_S})
            except ApiError as refusal:
                away_since = None
                if refusal.status != HTTPStatus.REQUEST_TIMEOUT:
                    raise
            except Unreachable:
                away_since = away_since or clock()
                if clock() - away_since > PATIENCE_S:
                    raise

    async def _read(
        self, session_id: UUID, suffix: str = "", *, query: Mapping[str, Parameter] | None = None
    ) -> Session:
        path = f"/{self.read_version}/{self.kind}-sessions/{session_id}{suffix}"
        return parse(Session, await self._transport.get(path, query=query, timeout_s=POLL_S + 15))

    def events(self, session_id: UUID) -> AsyncIterator[Frame]:
        """Live events; see `bellrock.client.live`."""
        return follow_events(self._transport, events_path(self.kind, session_id))


class _Recorded(_Sessions):
    async def cancel(self, session_id: UUID, *, sequence_ids: Sequence[UUID] = ()) -> None:
        """Ask for the end of these runs, or of all. Returns once the request is durable."""
        body = {"sequenceId": [str(run_id) for run_id in sequence_ids]} if sequence_ids else {}
        await self._transport.post(f"/v1/{self.kind}-sessions/{session_id}/cancel", body)


class TestSessions(_Recorded):
    """Sessions of many checks at one location."""

    __test__ = False

    kind = "test"
    read_version = "v1"

    async def list(
        self, *, limit: int = 20, next_id: str | None = None, filters: Mapping[str, Parameter] | None = None
    ) -> TestSessionPage:
        """A page of sessions. Filters as in the API: statuses[], branches[], textSearch and so on."""
        query = {"limit": limit, "nextId": next_id, **(filters or {})}
        return parse(TestSessionPage, await self._transport.get("/v1/test-sessions", query=query))

    async def result(self, session_id: UUID, result_id: UUID) -> ResultDetail:
        """One result in full."""
        path = f"/v1/test-sessions/{session_id}/results/{result_id}"
        return parse(ResultDetail, await self._transport.get(path))

    async def run(self, request: Mapping[str, object]) -> StartedRuns:
        """Start undeployed checks, given in full."""
        return parse(StartedRuns, await self._transport.post("/v1/test-sessions/run", request))

    async def trigger(self, request: Mapping[str, object]) -> StartedRuns:
        """Start deployed checks."""
        return parse(StartedRuns, await self._transport.post("/next/test-sessions/trigger", request))


class CheckSessions(_Recorded):
    """Sessions of one check at its locations."""

    kind = "check"
    read_version = "v2"

    async def list(self, *, limit: int = 20, next_id: str | None = None) -> CheckSessionPage:
        """A page of sessions."""
        query: dict[str, Parameter] = {"limit": limit, "nextId": next_id}
        return parse(CheckSessionPage, await self._transport.get("/v1/check-sessions", query=query))

    async def result(self, check_id: UUID, result_id: UUID) -> ResultDetail:
        """One result in full."""
        return parse(ResultDetail, await self._transport.get(f"/v1/check-results/{check_id}/{result_id}"))

    async def trigger(self, request: Mapping[str, object]) -> tuple[Session, ...]:
        """Start one session per check meant."""
        answer = await self._transport.post("/v2/check-sessions/trigger", request)
        return tuple(parse(Session, session) for session in answer["sessions"])


class UnrecordedSessions(_Sessions):
    """Test sessions that only whoever started them can wait for. They cannot be cancelled."""

    kind = "unrecorded"
    read_version = "v1"

    async def _read(
        self, session_id: UUID, suffix: str = "", *, query: Mapping[str, Parameter] | None = None
    ) -> Session:
        session = await super()._read(session_id, suffix, query=query)
        return session.model_copy(update={"link": ""})  # no page shows it

    async def result(self, session_id: UUID, result_id: UUID) -> ResultDetail:
        """One result in full."""
        path = f"/v1/unrecorded-sessions/{session_id}/results/{result_id}"
        return parse(ResultDetail, await self._transport.get(path))
