"""Test sessions by the id that a command line gave them before it started them: its check run suite."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from bellrock.domain.access import Principal, Right
from bellrock.services.platform import Platform
from bellrock.services.results import open_artifact
from bellrock.services.session_views import view_sessions
from bellrock.services.views import ResultView, SessionView
from bellrock.store.sessions import session_of_suite

_LOG = "logs.txt"
_MOST_LOG_BYTES = 128 * 1024
_LOOK_AGAIN_S = 2.0  # an announcement can be lost


async def await_session(platform: Platform, principal: Principal, suite_id: str) -> UUID:
    """The id of the suite's session, once there is one. Waits for as long as it is let. Needs VIEW."""
    principal.must(Right.VIEW)
    with platform.live.watch(principal.account_id) as changed:
        while True:
            # Cleared before the look: a change during the look must not be slept through.
            changed.clear()
            async with platform.database.read() as connection:
                found = await session_of_suite(connection, principal.account_id, suite_id)
            if found is not None:
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_AGAIN_S)


async def printed_lines(platform: Platform, principal: Principal, result: ResultView) -> Sequence[str]:
    """The last lines of a failed result's log; none where it passed, or kept no log."""
    log = next((each for each in result.artifacts if each.name == _LOG), None)
    if log is None or not result.outcome.has_failures:
        return ()
    start = max(0, log.size_bytes - _MOST_LOG_BYTES)
    _, chunks = await open_artifact(
        platform, principal, result.run_id, name=_LOG, attempt=result.attempt, start=start
    )
    content = b"".join([chunk async for chunk in chunks])
    lines = content.decode(errors="replace").splitlines()
    return lines[1:] if start else lines


async def read_session(platform: Platform, session_id: UUID) -> SessionView:
    """A session that `await_session` has found, as it is now, be it recorded or not."""
    return (await view_sessions(platform, [session_id]))[0]
