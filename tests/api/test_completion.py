"""The long poll: 200 only when final, 408 otherwise, and awake at once when the last run ends."""

import asyncio
import time
from uuid import UUID

import pytest

from bellrock.services.platform import Platform
from tests.support.api_client import EU, Api
from tests.support.scripted_runner import ScriptedRunner

WAKES_WITHIN_S = 0.2

POLLS = pytest.mark.parametrize(("version", "kind"), [("v1", "check"), ("v2", "check"), ("v1", "test")])


async def started(api: Api, kind: str) -> tuple[str, str]:
    """A session with one suite run, and the run's sequence id."""
    suite = await api.create_suite()
    if kind == "check":
        session_id = (await api.trigger(suite["id"]))["checkSessionId"]
        return session_id, (await api.rows(session_id))[EU]["sequenceId"]
    session = await api.start_test_session(suite["id"])
    return session["testSessionId"], session["results"][0]["sequenceId"]


@POLLS
async def test_a_session_that_goes_on_is_408_with_retry_after_one_second(
    api: Api, version: str, kind: str
) -> None:
    """B2."""
    session_id, _ = await started(api, kind)
    path = f"/{version}/{kind}-sessions/{session_id}/completion"
    began = time.monotonic()
    answer = await api.request("GET", path, params={"maxWaitSeconds": 1})
    assert answer.status_code == 408
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"] == "Request Timeout"
    assert time.monotonic() - began >= 1


@POLLS
async def test_a_final_session_answers_at_once_with_the_body_of_get(
    api: Api, runner: ScriptedRunner, version: str, kind: str
) -> None:
    """B2."""
    session_id, run_id = await started(api, kind)
    held = await runner.claim(run_id, EU)
    await held.pass_with()
    session = f"/{version}/{kind}-sessions/{session_id}"
    assert await api.get(f"{session}/completion") == await api.get(session)


@POLLS
async def test_waiters_wake_as_soon_as_the_last_run_is_final(
    api: Api, runner: ScriptedRunner, version: str, kind: str
) -> None:
    """B2, C44: measured from the report's acceptance to the answer."""
    session_id, run_id = await started(api, kind)
    path = f"/{version}/{kind}-sessions/{session_id}/completion"
    held = await runner.claim(run_id, EU)
    waiting = asyncio.create_task(api.get(path, params={"maxWaitSeconds": 20}))
    await _is_waiting(api, session_id)
    await api.cancel(kind, session_id)
    await held.until_signalled()
    assert not waiting.done(), "accepting a cancel is not the end of the session"
    await held.stop_as_asked()
    began = time.monotonic()
    body = await waiting
    woke_s = time.monotonic() - began
    assert body["status"] in ("CANCELLED", "TIMED_OUT")
    assert woke_s < WAKES_WITHIN_S


async def _is_waiting(api: Api, session_id: str) -> None:
    """Until the server has somebody who waits for the session."""

    async def count(platform: Platform) -> int:
        return len(platform.live._watchers.get(UUID(session_id), ()))

    async with asyncio.timeout(5):
        while not await api.server.call(count):  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.01)  # nothing tells from outside that somebody waits


@POLLS
@pytest.mark.parametrize("wait", ["0", "31", "-1", "soon", ""])
async def test_a_wait_that_is_not_1_to_30_seconds_is_400(
    api: Api, version: str, kind: str, wait: str
) -> None:
    """B2."""
    session_id, _ = await started(api, kind)
    path = f"/{version}/{kind}-sessions/{session_id}/completion"
    error = await api.get(path, params={"maxWaitSeconds": wait}, status=400)
    assert "maxWaitSeconds" in error["message"]


async def test_a_wait_of_half_seconds_is_for_version_1_only(api: Api, runner: ScriptedRunner) -> None:
    """B2: a number there, an integer in version 2."""
    session_id, run_id = await started(api, "check")
    await (await runner.claim(run_id, EU)).pass_with()
    waits = {"maxWaitSeconds": "1.5"}
    await api.get(f"/v1/check-sessions/{session_id}/completion", params=waits)
    await api.get(f"/v2/check-sessions/{session_id}/completion", params=waits, status=400)
