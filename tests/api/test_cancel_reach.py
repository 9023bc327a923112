"""How far a cancel reaches: one run, a session, the suites of a mixed session; and what it leaves."""

import asyncio

import pytest

from tests.support.api_client import EU, US, Api
from tests.support.scripted_runner import DEGRADED, ScriptedRunner

ELSEWHERE = "af-south-1"  # no test brings a runner there


async def test_cancel_of_a_check_session_stops_every_run_still_in_progress(
    api: Api, runner: ScriptedRunner
) -> None:
    """C8, C12: the running one and the queued one."""
    session, rows = await api.started_suite(EU, US)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    await held.stop_as_asked()
    ended = await api.completion("check", session["checkSessionId"])
    assert ended["status"] == "CANCELLED"
    assert [row["isCancelled"] for row in ended["results"]] == [True, True]


async def test_cancel_of_one_run_leaves_the_other_locations_running(api: Api, runner: ScriptedRunner) -> None:
    """C9, C21."""
    session, rows = await api.started_suite(EU, US)
    session_id = session["checkSessionId"]
    stopped = await runner.claim(rows[EU]["sequenceId"], EU)
    other = await runner.claim(rows[US]["sequenceId"], US)
    await api.cancel("check", session_id, {"sequenceId": [str(stopped.run_id)]})
    await stopped.stop_as_asked()
    assert not (await other.heartbeat()).stop
    assert other.signals == []
    during = await api.rows(session_id)
    assert [during[EU]["resultType"], during[US]["resultType"]] == ["FINAL", None]
    await other.pass_with()
    ended = await api.completion("check", session_id)
    assert ended["status"] == "CANCELLED"
    by_place = {row["runLocation"]: row for row in ended["results"]}
    assert [by_place[EU]["isCancelled"], by_place[US]["isCancelled"]] == [True, False]


async def test_cancel_of_a_mixed_test_session_stops_only_the_suite(api: Api, runner: ScriptedRunner) -> None:
    """C10, C38: the session goes on until its other checks have ended."""
    suite, monitor = await api.create_suite(), await api.create_url_monitor()
    session = await api.start_test_session(suite["id"], monitor["id"])
    session_id = session["testSessionId"]
    by_type = {row["checkType"]: row for row in session["results"]}
    running_suite = await runner.claim(by_type["PLAYWRIGHT"]["sequenceId"], EU)
    running_monitor = await runner.claim(by_type["URL"]["sequenceId"], EU)
    await api.cancel("test", session_id)
    await running_suite.stop_as_asked()
    assert running_monitor.signals == []
    assert not (await running_monitor.heartbeat()).stop
    path = f"/v1/test-sessions/{session_id}/completion"
    waiting = await api.request("GET", path, params={"maxWaitSeconds": 1})
    assert waiting.status_code == 408
    await running_monitor.finish()
    ended = await api.completion("test", session_id)
    assert ended["status"] == "CANCELLED"
    statuses = {row["checkType"]: row["status"] for row in ended["results"]}
    assert statuses == {"PLAYWRIGHT": "CANCELLED", "URL": "PASSED"}


async def test_cancel_of_one_suite_of_a_test_session_leaves_the_others(
    api: Api, runner: ScriptedRunner
) -> None:
    """C11."""
    first, second = await api.create_suite(name="Cart"), await api.create_suite(name="Search")
    session = await api.start_test_session(first["id"], second["id"])
    by_name = {row["name"]: row for row in session["results"]}
    other = await runner.claim(by_name["Search"]["sequenceId"], EU)
    wanted = {"sequenceId": [by_name["Cart"]["sequenceId"]]}
    await api.cancel("test", session["testSessionId"], wanted)
    await other.pass_with()
    ended = await api.completion("test", session["testSessionId"])
    statuses = {row["name"]: row["status"] for row in ended["results"]}
    assert (ended["status"], statuses) == ("CANCELLED", {"Cart": "CANCELLED", "Search": "PASSED"})


async def test_a_queued_run_is_cancelled_at_once_and_never_reaches_a_runner(
    api: Api, runner: ScriptedRunner
) -> None:
    """C12, R2: final in the answer's own transaction, and refused to whoever asks for it."""
    session, rows = await api.started_suite(EU)
    await api.cancel("check", session["checkSessionId"])
    ended = await api.get(f"/v2/check-sessions/{session['checkSessionId']}")
    (row,) = ended["results"]
    assert (ended["status"], row["isCancelled"]) == ("CANCELLED", True)
    assert (row["resultType"], row["startedAt"], row["responseTime"]) == ("FINAL", None, None)
    reply, _ = await runner.try_claim(rows[EU]["sequenceId"], EU)
    assert not reply.granted


async def test_a_run_at_a_location_without_a_runner_says_that_it_waits_and_can_be_cancelled(
    api: Api,
) -> None:
    session, rows = await api.started_suite(ELSEWHERE)
    assert rows[ELSEWHERE]["waitingForRunner"]
    await api.cancel("check", session["checkSessionId"])
    after = await api.rows(session["checkSessionId"])
    assert not after[ELSEWHERE]["waitingForRunner"]


async def test_the_runner_is_signalled_at_once_and_told_again_by_every_heartbeat(
    api: Api, runner: ScriptedRunner
) -> None:
    """C35: the signal, and the heartbeat's answer for when it was lost."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    signal = await held.until_signalled()
    assert (signal.run_id, signal.via) == (held.run_id, "API")
    assert (await held.heartbeat()).stop == (held.run_id,)
    assert (await held.heartbeat()).stop == (held.run_id,)


@pytest.mark.parametrize(("source", "via"), [("CLI", "CLI"), ("cli", "CLI"), ("API", "API"), (None, "API")])
async def test_a_cancel_remembers_who_asked_when_and_through_what(
    api: Api, source: str | None, via: str
) -> None:
    session, _ = await api.started_suite(EU)
    headers = {"x-checkly-source": source} if source else {}
    path = f"/v1/check-sessions/{session['checkSessionId']}/cancel"
    await api.request("POST", path, headers=headers)
    row = (await api.rows(session["checkSessionId"]))[EU]
    assert row["cancelledBy"] == {"name": "Owner", "via": via}
    assert row["cancelledAt"] is not None


async def test_no_status_says_cancelling_while_runs_are_being_stopped(
    api: Api, runner: ScriptedRunner
) -> None:
    """C38: the request is a stamp on the row; the session's words stay those of the contract."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    during = await api.get(f"/v2/check-sessions/{session['checkSessionId']}")
    (row,) = during["results"]
    assert during["status"] == "STARTED"
    assert (row["isCancelled"], row["resultType"]) == (False, None)
    await held.stop_as_asked()


async def test_a_cancelled_run_outweighs_runs_that_failed_or_passed_or_degraded(
    api: Api, runner: ScriptedRunner
) -> None:
    """C37, R12, R13: the failed run keeps its own result."""
    places = (EU, US, "eu-west-1", "eu-west-2")
    session, rows = await api.started_suite(*places)
    held = [await runner.claim(rows[place]["sequenceId"], place) for place in places]
    await held[0].fail()
    await held[1].pass_with()
    await held[2].finish(DEGRADED)
    await api.cancel("check", session["checkSessionId"])
    await held[3].stop_as_asked()
    ended = await api.completion("check", session["checkSessionId"])
    by_place = {row["runLocation"]: row for row in ended["results"]}
    assert ended["status"] == "CANCELLED"
    assert [by_place[place]["hasFailures"] for place in places] == [True, False, False, False]
    assert [by_place[place]["isDegraded"] for place in places] == [False, False, True, False]
    assert [by_place[place]["isCancelled"] for place in places] == [False, False, False, True]


async def test_a_cancelled_result_carries_no_other_flag(api: Api, runner: ScriptedRunner) -> None:
    """C30, C36: readers that know isCancelled look at the others first."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    await held.stop_as_asked()
    (row,) = (await api.completion("check", session["checkSessionId"]))["results"]
    flags = ("hasErrors", "hasFailures", "isDegraded", "aborted", "isCancelled")
    assert [row[flag] for flag in flags] == [False, False, False, False, True]
    assert (row["resultType"], row["responseTime"]) == ("FINAL", None)
    assert row["startedAt"] is not None
    assert row["stoppedAt"] is not None


async def test_a_deleted_or_deactivated_check_can_still_be_cancelled(
    api: Api, runner: ScriptedRunner
) -> None:
    """R14."""
    suite = await api.create_suite()
    session_id = (await api.trigger(suite["id"]))["checkSessionId"]
    rows = await api.rows(session_id)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.delete(f"/v1/checks/{suite['id']}")
    await api.cancel("check", session_id)
    await held.stop_as_asked()
    assert (await api.completion("check", session_id))["status"] == "CANCELLED"


async def test_deactivating_a_check_cancels_nothing(api: Api, runner: ScriptedRunner) -> None:
    """R14."""
    suite = await api.create_suite()
    session_id = (await api.trigger(suite["id"]))["checkSessionId"]
    held = await runner.claim((await api.rows(session_id))[EU]["sequenceId"], EU)
    body = {"name": "Shop", "codeBundlePath": suite["codeBundlePath"], "locations": [EU]}
    await api.put(f"/v1/checks/playwright/{suite['id']}", {**body, "activated": False})
    assert not (await held.heartbeat()).stop
    await held.pass_with()
    assert (await api.completion("check", session_id))["status"] == "PASSED"


async def test_many_cancels_at_once_are_one_cancel(api: Api, runner: ScriptedRunner) -> None:
    """R3."""
    session, rows = await api.started_suite(EU, US)
    session_id = session["checkSessionId"]
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await asyncio.gather(*(api.cancel("check", session_id) for _ in range(8)))
    await held.stop_as_asked()
    ended = await api.completion("check", session_id)
    assert ended["status"] == "CANCELLED"
    assert len(held.signals) == 1
