"""How checks do now: what moves a status, and what does not."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from bellrock.domain.outcomes import CANCELLED, Outcome, Verdict
from bellrock.domain.sessions import SessionKind
from tests.support.api_client import EU, US, Api, unknown_id
from tests.support.history import PASSED, Past, remember
from tests.support.scripted_runner import DEGRADED, ERRORED, FAILED, ScriptedRunner

LOST = Outcome(Verdict.LOST, code="NO_RUNNER", message="No runner took it.")
PERIOD = {"period": 1, "periodUnit": "days", "grace": 2, "graceUnit": "hours"}
FLAGS = ("hasFailures", "hasErrors", "isDegraded")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


async def status_of(api: Api, check_id: str) -> dict[str, object]:
    """The check's status, which is the same alone and in the list."""
    alone = await api.get(f"/v1/check-statuses/{check_id}")
    (listed,) = [each for each in await api.get("/v1/check-statuses") if each["checkId"] == check_id]
    assert listed == alone
    return dict(alone)


@pytest.mark.parametrize(
    ("outcome", "flags"),
    [
        (PASSED, (False, False, False)),
        (DEGRADED, (False, False, True)),
        (FAILED, (True, False, False)),
        (ERRORED, (True, True, False)),
        (LOST, (True, True, False)),
    ],
)
async def test_the_newest_result_decides(api: Api, outcome: Outcome, flags: tuple[bool, ...]) -> None:
    monitor = await api.create_url_monitor()
    before = Past(FAILED if outcome is PASSED else PASSED, minutes(9))
    await remember(api, monitor, before, Past(outcome, minutes(1), response_time_ms=42))
    status = await status_of(api, monitor["id"])
    assert tuple(status[name] for name in FLAGS) == flags
    assert (status["lastRunLocation"], status["longestRun"], status["shortestRun"]) == (EU, 42, 42)
    assert (status["name"], status["created_at"]) == ("Front page", monitor["created_at"])
    (result,) = await api.get(f"/v1/check-results/{monitor['id']}?limit=1")
    assert (status["lastCheckRunId"], status["updated_at"]) == (
        str(result["checkRunId"]),
        result["created_at"],
    )


@pytest.mark.parametrize(
    "newer",
    [
        Past(CANCELLED, minutes(1)),
        Past(FAILED, minutes(1), result_type="ATTEMPT"),
        Past(FAILED, minutes(1), kind=SessionKind.TEST),
    ],
    ids=["a cancelled run", "an attempt that was tried again", "a run of a test session"],
)
async def test_what_says_nothing_about_the_check_changes_no_status(api: Api, newer: Past) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, Past(PASSED, minutes(9)))
    before = await status_of(api, monitor["id"])
    await remember(api, monitor, newer, Past(newer.outcome, minutes(2), kind=SessionKind.TEST))
    assert await status_of(api, monitor["id"]) == before


async def test_a_check_that_never_ran_has_no_status(api: Api, stranger: Api) -> None:
    monitor = await api.create_url_monitor()
    assert await api.get(f"/v1/check-statuses/{monitor['id']}") is None
    assert await api.get("/v1/check-statuses") == []
    await api.get(f"/v1/check-statuses/{unknown_id()}", status=404)
    await stranger.get(f"/v1/check-statuses/{monitor['id']}", status=404)


async def test_one_failing_location_makes_a_failing_check(api: Api) -> None:
    monitor = await api.create_url_monitor(locations=[EU, US])
    session, places = uuid4(), (EU, US)
    await remember(
        api,
        monitor,
        Past(FAILED, minutes(2), EU, 300, session=session, session_locations=places),
        Past(DEGRADED, minutes(1), US, 100, session=session, session_locations=places),
    )
    status = await status_of(api, monitor["id"])
    assert [status[name] for name in FLAGS] == [True, False, False]
    assert (status["lastRunLocation"], status["longestRun"], status["shortestRun"]) == (US, 300, 100)


async def test_while_a_session_goes_on_the_one_before_speaks_for_locations_that_have_not_ended(
    api: Api,
) -> None:
    """Else a check that fails in one of its places would pass for a moment in every session."""
    monitor = await api.create_url_monitor(locations=[EU, US])
    before, now, places = uuid4(), uuid4(), (EU, US)
    await remember(
        api,
        monitor,
        Past(FAILED, minutes(30), US),
        Past(PASSED, minutes(8), EU, session=before, session_locations=places),
        Past(DEGRADED, minutes(7), US, session=before, session_locations=places),
        Past(PASSED, minutes(1), EU, session=now, session_locations=places, session_is_open=True),
    )
    assert (await status_of(api, monitor["id"]))["isDegraded"]
    over = uuid4()
    await remember(
        api,
        monitor,
        Past(PASSED, minutes(0), EU, session=over, session_locations=places),
        Past(CANCELLED, minutes(0), US, session=over, session_locations=places),
    )
    assert not (await status_of(api, monitor["id"]))["isDegraded"]


async def test_a_run_that_a_person_started_moves_the_status_once_it_is_over(
    api: Api, runner: ScriptedRunner
) -> None:
    session, rows = await api.started_suite(EU)
    assert await api.get("/v1/check-statuses") == []
    await (await runner.claim(rows[EU]["sequenceId"], EU)).fail()
    assert (await status_of(api, session["checkId"]))["hasFailures"]


async def test_an_ssl_monitor_says_when_its_certificate_expires(api: Api) -> None:
    body = {
        "name": "Shop",
        "locations": [EU],
        "request": {"sslConfig": {"hostname": "shop.example"}},
    }
    monitor = await api.post("/v1/checks/ssl", body)
    await remember(api, monitor, Past(details={"daysUntilExpiry": 17}))
    assert (await status_of(api, monitor["id"]))["sslDaysRemaining"] == 17
    await remember(api, monitor, Past(FAILED, minutes(0)))
    assert (await status_of(api, monitor["id"]))["sslDaysRemaining"] is None


async def test_a_heartbeat_monitor_has_a_status_from_its_first_ping_on(api: Api) -> None:
    monitor = await api.post("/v1/checks/heartbeat", {"name": "Backup", "heartbeat": PERIOD})
    assert await api.get(f"/v1/check-statuses/{monitor['id']}") is None
    shown = await api.get(f"/v1/checks/{monitor['id']}")
    await api.http.get(urlsplit(shown["heartbeat"]["pingUrl"]).path)
    status = await status_of(api, monitor["id"])
    assert [status[name] for name in FLAGS] == [False, False, False]
    assert (status["lastRunLocation"], status["lastCheckRunId"], status["longestRun"]) == (None, None, None)


async def test_checks_are_listed_by_their_status(api: Api) -> None:
    outcomes = {"passing": PASSED, "failing": FAILED, "degraded": DEGRADED}
    for word, outcome in outcomes.items():
        monitor = await api.create_url_monitor(name=word)
        await remember(api, monitor, Past(outcome))
    await api.create_url_monitor(name="never ran")
    for word in outcomes:
        answer = await api.request("GET", "/v1/checks", params={"status": word})
        assert [each["name"] for each in answer.json()] == [word]
        assert answer.headers["content-range"].endswith("/1")
    error = await api.get("/v1/checks?status=red", status=400)
    assert "status" in error["message"]
