"""Cancels that meet something else at the same time."""

import asyncio

import pytest

from bellrock.domain.outcomes import CANCELLED
from tests.support.api_client import EU, US, Api
from tests.support.scripted_runner import FAILED, PASSED, ScriptedRunner


@pytest.mark.parametrize(("outcome", "status"), [(PASSED, "PASSED"), (FAILED, "FAILED")])
async def test_a_verdict_reached_before_the_signal_stands_though_the_report_comes_after_the_cancel(
    api: Api, runner: ScriptedRunner, outcome: object, status: str
) -> None:
    """R1: every targeted run won the race, so the session is not cancelled, in any version."""
    session, rows = await api.started_suite(EU)
    session_id = session["checkSessionId"]
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session_id)
    await held.until_signalled()
    await held.finish(outcome)  # type: ignore[arg-type]
    for version in ("v1", "v2"):
        ended = await api.get(f"/{version}/check-sessions/{session_id}/completion")
        (row,) = ended["results"]
        assert (ended["status"], row["isCancelled"]) == (status, False)
        assert row["cancelledAt"] is None
    detail = await api.get(f"/v1/check-results/{session['checkId']}/{row['checkResultId']}")
    assert detail["receipt"] is None


async def test_the_first_terminal_state_stands_against_every_later_report(
    api: Api, runner: ScriptedRunner
) -> None:
    """R1, R22: the same report again is accepted, another is refused."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.pass_with()
    assert not (await held.report(FAILED)).accepted
    assert not (await held.report(CANCELLED)).accepted
    ended = await api.completion("check", session["checkSessionId"])
    assert ended["status"] == "PASSED"


async def test_a_runner_that_claims_after_the_cancel_is_refused(api: Api, runner: ScriptedRunner) -> None:
    """R2."""
    session, rows = await api.started_suite(EU)
    answers = await asyncio.gather(
        api.cancel("check", session["checkSessionId"]),
        runner.try_claim(rows[EU]["sequenceId"], EU),
    )
    reply = answers[1][0]
    if reply.granted:  # the runner won the race: then it is told to stop
        during = await api.rows(session["checkSessionId"])
        assert during[EU]["cancelledAt"] is not None
    else:
        assert await api.status("check", session["checkSessionId"]) == "CANCELLED"


async def test_the_first_request_stays_on_the_receipt_whoever_asks_again(
    api: Api, runner: ScriptedRunner
) -> None:
    """R3."""
    session, rows = await api.started_suite(EU)
    session_id = session["checkSessionId"]
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    path = f"/v1/check-sessions/{session_id}/cancel"
    await api.request("POST", path, headers={"x-checkly-source": "CLI"})
    first = (await api.rows(session_id))[EU]
    await api.cancel("check", session_id)
    again = (await api.rows(session_id))[EU]
    assert first["cancelledBy"]["via"] == "CLI"
    assert (again["cancelledAt"], again["cancelledBy"]) == (first["cancelledAt"], first["cancelledBy"])
    await held.stop_as_asked()
    detail = await api.get(f"/v1/check-results/{session['checkId']}/{first['checkResultId']}")
    assert detail["receipt"]["requestedBy"]["via"] == "CLI"
    assert len(held.signals) == 1


async def test_a_wider_cancel_adds_runs_to_a_narrower_one(api: Api, runner: ScriptedRunner) -> None:
    """R3: one run first, then the whole session."""
    session, rows = await api.started_suite(EU, US)
    session_id = session["checkSessionId"]
    held = {place: await runner.claim(rows[place]["sequenceId"], place) for place in (EU, US)}
    await api.cancel("check", session_id, {"sequenceId": [rows[EU]["sequenceId"]]})
    await held[EU].until_signalled()
    assert held[US].signals == []
    await api.cancel("check", session_id)
    await held[EU].stop_as_asked()
    await held[US].stop_as_asked()
    assert (await api.completion("check", session_id))["status"] == "CANCELLED"


async def test_a_cancel_while_a_retry_waits_drops_the_retry_and_keeps_the_attempt(
    api: Api, runner: ScriptedRunner
) -> None:
    """R7: the earlier attempt stays what it was; the final result is cancelled and never started."""
    suite = await api.create_suite()
    retry = {"type": "FIXED", "baseBackoffSeconds": 60, "maxRetries": 2, "maxDurationSeconds": 600}
    session = await api.start_test_session(suite["id"], retryStrategy=retry)
    session_id, run_id = session["testSessionId"], session["results"][0]["sequenceId"]
    held = await runner.claim(run_id, EU)
    await held.fail()
    waiting = await api.get(f"/v1/test-sessions/{session_id}")
    assert [row["resultType"] for row in waiting["results"]] == ["ATTEMPT", "PENDING"]
    await api.cancel("test", session_id)
    ended = await api.completion("test", session_id)
    attempt, final = ended["results"]
    assert (attempt["resultType"], attempt["status"], attempt["hasFailures"]) == ("ATTEMPT", "FAILED", True)
    assert (final["resultType"], final["status"], final["hasFailures"]) == ("FINAL", "CANCELLED", False)
    assert ended["status"] == "CANCELLED"
    details = [
        await api.get(f"/v1/test-sessions/{session_id}/results/{row['testSessionResultId']}")
        for row in ended["results"]
    ]
    assert [detail["isCancelled"] for detail in details] == [False, True]
    reply, _ = await runner.try_claim(run_id, EU)
    assert not reply.granted


async def test_a_cancelled_attempt_never_schedules_a_retry(api: Api, runner: ScriptedRunner) -> None:
    """R7."""
    suite = await api.create_suite()
    retry = {"type": "FIXED", "baseBackoffSeconds": 0, "maxRetries": 3}
    session = await api.start_test_session(suite["id"], retryStrategy=retry)
    held = await runner.claim(session["results"][0]["sequenceId"], EU)
    await api.cancel("test", session["testSessionId"])
    await held.stop_as_asked()
    ended = await api.completion("test", session["testSessionId"])
    assert [row["resultType"] for row in ended["results"]] == ["FINAL"]
    assert ended["status"] == "CANCELLED"


async def test_a_runner_that_stops_by_itself_has_not_cancelled_the_run(
    api: Api, runner: ScriptedRunner
) -> None:
    """Only a request of a person cancels: an end that nobody asked for is the runner's fault."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.finish(CANCELLED)
    ended = await api.completion("check", session["checkSessionId"])
    (row,) = ended["results"]
    assert (ended["status"], row["isCancelled"], row["hasErrors"]) == ("FAILED", False, True)


async def test_readers_of_both_versions_agree_on_everything_but_the_one_word(
    api: Api, runner: ScriptedRunner
) -> None:
    """R19, C47, C48: at every moment of a session that ends cancelled."""
    session, rows = await api.started_suite(EU, US)
    session_id = session["checkSessionId"]

    async def compare(v1_status: str, v2_status: str) -> None:
        v1 = await api.get(f"/v1/check-sessions/{session_id}")
        v2 = await api.get(f"/v2/check-sessions/{session_id}")
        assert (v1.pop("status"), v2.pop("status")) == (v1_status, v2_status)
        for body in (v1, v2):
            del body["timeElapsed"]  # runs on between the two requests
        assert v1 == v2

    await compare("STARTED", "STARTED")
    held = {place: await runner.claim(rows[place]["sequenceId"], place) for place in (EU, US)}
    await held[EU].fail()
    await compare("PROGRESS_FAILED", "PROGRESS_FAILED")
    await api.cancel("check", session_id)
    await compare("PROGRESS_FAILED", "PROGRESS_FAILED")
    await held[US].stop_as_asked()
    await api.completion("check", session_id)
    await compare("TIMED_OUT", "CANCELLED")


async def test_version_1_never_says_cancelled_and_version_2_never_hides_it(api: Api) -> None:
    """C47, C49: in trigger, get, completion and our list."""
    session, _ = await api.started_suite(EU)
    session_id = session["checkSessionId"]
    await api.cancel("check", session_id)
    for path in (f"/check-sessions/{session_id}", f"/check-sessions/{session_id}/completion"):
        assert (await api.get(f"/v1{path}"))["status"] == "TIMED_OUT"
        assert (await api.get(f"/v2{path}"))["status"] == "CANCELLED"
    listed = {version: await api.get(f"/{version}/check-sessions") for version in ("v1", "v2")}
    assert [entry["status"] for entry in listed["v1"]["entries"]] == ["TIMED_OUT"]
    assert [entry["status"] for entry in listed["v2"]["entries"]] == ["CANCELLED"]
    (v1_row,) = (await api.get(f"/v1/check-sessions/{session_id}"))["results"]
    assert v1_row["isCancelled"]


async def test_test_sessions_say_cancelled_natively(api: Api) -> None:
    """C50, C51."""
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    await api.cancel("test", session["testSessionId"])
    ended = await api.completion("test", session["testSessionId"])
    assert (ended["status"], ended["results"][0]["status"]) == ("CANCELLED", "CANCELLED")
    assert "isCancelled" not in ended["results"][0]
