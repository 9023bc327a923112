"""Check sessions: which checks are meant, how they are said, and what their status is when."""

import pytest

from tests.support.api_client import EU, US, Api, Json, unknown_id
from tests.support.scripted_runner import DEGRADED, ERRORED, ScriptedRunner

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@VERSIONS
async def test_trigger_starts_one_session_per_check_and_one_run_per_location(api: Api, version: str) -> None:
    """B1, C5, C6."""
    await api.create_suite(name="Cart", locations=[EU, US])
    await api.create_url_monitor(name="Front page")
    answer = await api.post(f"/{version}/check-sessions/trigger", {})
    by_name = {session["name"]: session for session in answer["sessions"]}
    assert set(by_name) == {"Cart", "Front page"}
    cart = by_name["Cart"]
    assert (cart["status"], cart["runSource"], cart["runLocations"]) == ("STARTED", "TRIGGER_API", [EU, US])
    assert cart["stoppedAt"] is None
    assert set(await api.rows(cart["checkSessionId"])) == {EU, US}


async def test_trigger_of_version_1_needs_no_body_and_that_of_version_2_does(api: Api) -> None:
    """B1."""
    await api.create_suite()
    assert len((await api.post("/v1/check-sessions/trigger"))["sessions"]) == 1
    error = await api.post("/v2/check-sessions/trigger", status=400)
    assert "body" in error["message"]


async def test_trigger_of_version_1_takes_a_bare_check_id(api: Api) -> None:
    """B1."""
    suite = await api.create_suite()
    await api.create_suite(name="Other")
    body = {"target": {"checkId": suite["id"]}}
    answer = await api.post("/v1/check-sessions/trigger", body)
    assert [session["checkId"] for session in answer["sessions"]] == [suite["id"]]


@VERSIONS
@pytest.mark.parametrize(
    ("match_tags", "names"),
    [
        ([["a"]], {"A", "AB", "AC"}),
        ([["a", "b"]], {"AB"}),
        ([["b"], ["c"]], {"AB", "AC"}),
        ([["a", "!b"]], {"A", "AC"}),
        ([["a", "b"], ["a", "c", "!d"]], {"AB", "AC"}),
        ([["!a"]], {"none"}),
        ([], {"A", "AB", "AC", "none"}),
    ],
)
async def test_match_tags_are_an_or_of_ands_with_negation(
    api: Api, version: str, match_tags: list[list[str]], names: set[str]
) -> None:
    """B1."""
    for name, tags in {"A": ["a"], "AB": ["a", "b"], "AC": ["a", "c"], "none": []}.items():
        await api.create_url_monitor(name=name, tags=tags)
    body = {"target": {"matchTags": match_tags}}
    answer = await api.post(f"/{version}/check-sessions/trigger", body)
    assert {session["name"] for session in answer["sessions"]} == names


async def test_check_ids_and_tags_must_both_hold(api: Api) -> None:
    """B1."""
    tagged = await api.create_url_monitor(name="tagged", tags=["a"])
    plain = await api.create_url_monitor(name="plain")
    target = {"checkId": [tagged["id"], plain["id"]], "matchTags": [["a"]]}
    answer = await api.post("/v2/check-sessions/trigger", {"target": target})
    assert [session["name"] for session in answer["sessions"]] == ["tagged"]


@VERSIONS
@pytest.mark.parametrize(
    "target", [{"matchTags": [["nobody-has-this"]]}, {"checkId": [unknown_id()]}], ids=["tags", "id"]
)
async def test_trigger_that_means_no_check_is_404(api: Api, version: str, target: object) -> None:
    """B1."""
    await api.create_suite()
    await api.post(f"/{version}/check-sessions/trigger", {"target": target}, status=404)


async def test_trigger_leaves_deactivated_checks_out(api: Api) -> None:
    """B1."""
    suite = await api.create_suite(activated=False)
    target = {"target": {"checkId": [suite["id"]]}}
    await api.post("/v2/check-sessions/trigger", target, status=404)


@VERSIONS
async def test_trigger_of_another_accounts_check_is_404(api: Api, stranger: Api, version: str) -> None:
    suite = await api.create_suite()
    target = {"target": {"checkId": [suite["id"]]}}
    await stranger.post(f"/{version}/check-sessions/trigger", target, status=404)


@VERSIONS
async def test_an_unknown_session_and_another_accounts_are_both_404(
    api: Api, stranger: Api, version: str
) -> None:
    session, _ = await api.started_suite(EU)
    for path in ("", "/completion", "/events"):
        await stranger.get(f"/{version}/check-sessions/{session['checkSessionId']}{path}", status=404)
        await api.get(f"/{version}/check-sessions/{unknown_id()}{path}", status=404)


async def test_refresh_cache_reaches_the_runner(api: Api, runner: ScriptedRunner) -> None:
    """B1."""
    suite = await api.create_suite()
    body = {"target": {"checkId": [suite["id"]]}, "refreshCache": True}
    session = (await api.post("/v2/check-sessions/trigger", body))["sessions"][0]
    held = await runner.claim((await api.rows(session["checkSessionId"]))[EU]["sequenceId"], EU)
    assert held.job.refresh_cache


async def test_a_row_per_location_is_there_from_the_start_with_its_sequence_id(
    api: Api, runner: ScriptedRunner
) -> None:
    """C21, R21: without it there would be nothing to send for cancelling one run."""
    session, rows = await api.started_suite(EU, US)
    assert [rows[place]["resultType"] for place in (EU, US)] == [None, None]
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    assert held.job.session_id.hex == session["checkSessionId"].replace("-", "")
    await held.pass_with()
    after = (await api.rows(session["checkSessionId"]))[EU]
    assert (after["sequenceId"], after["checkResultId"]) == (
        rows[EU]["sequenceId"],
        rows[EU]["checkResultId"],
    )


async def test_the_status_of_an_open_session_tells_what_has_ended_so_far(
    api: Api, runner: ScriptedRunner
) -> None:
    """B1."""
    places = (EU, US, "eu-west-1", "eu-west-2")
    session, rows = await api.started_suite(*places)
    session_id = session["checkSessionId"]
    held = [await runner.claim(rows[place]["sequenceId"], place) for place in places]
    assert await api.status("check", session_id) == "STARTED"
    await held[0].pass_with()
    assert await api.status("check", session_id) == "PROGRESS"
    await held[1].finish(DEGRADED)
    assert await api.status("check", session_id) == "PROGRESS_DEGRADED"
    await held[2].fail()
    assert await api.status("check", session_id) == "PROGRESS_FAILED"
    await held[3].pass_with()
    assert await api.status("check", session_id) == "FAILED"


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [(["pass", "pass"], "PASSED"), (["pass", "degrade"], "DEGRADED"), (["degrade", "fail"], "FAILED")],
)
async def test_the_status_of_a_finished_session_is_its_worst_run(
    api: Api, runner: ScriptedRunner, outcomes: list[str], status: str
) -> None:
    """B1: exactly one FINAL per location."""
    session, rows = await api.started_suite(EU, US)
    for place, outcome in zip((EU, US), outcomes, strict=True):
        held = await runner.claim(rows[place]["sequenceId"], place)
        match outcome:
            case "pass":
                await held.pass_with()
            case "degrade":
                await held.finish(DEGRADED)
            case _:
                await held.fail()
    ended = await api.completion("check", session["checkSessionId"])
    assert ended["status"] == status
    assert [row["resultType"] for row in ended["results"]] == ["FINAL", "FINAL"]
    assert ended["stoppedAt"] is not None
    frozen = await api.get(f"/v2/check-sessions/{session['checkSessionId']}")
    assert frozen["timeElapsed"] == ended["timeElapsed"]


async def test_an_error_of_the_platforms_side_is_a_failure_with_has_errors(
    api: Api, runner: ScriptedRunner
) -> None:
    """B1."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.finish(ERRORED)
    (row,) = (await api.completion("check", session["checkSessionId"]))["results"]
    assert [row["hasErrors"], row["hasFailures"], row["aborted"]] == [True, True, True]
    detail = await api.get(f"/v1/check-results/{session['checkId']}/{row['checkResultId']}")
    assert detail["playwrightCheckResult"]["blame"] == "runner"


async def test_a_row_says_how_far_its_tests_are(api: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU)
    session_id = session["checkSessionId"]
    assert rows[EU]["progress"] is None
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.begin("adds to cart", "checks out")
    await held.pass_test("adds to cart")
    row = await _row_with(api, session_id, passed=1)
    assert row["progress"]["stage"] == "testing"
    assert row["progress"]["tests"]["total"] == 2
    assert row["progress"]["tests"]["notStarted"] == 1


async def _row_with(api: Api, session_id: str, *, passed: int) -> Json:
    # Events come over the bus: ask until they have, the requests themselves are the wait.
    for _ in range(200):
        row = (await api.rows(session_id))[EU]
        if row["progress"] and row["progress"]["tests"] and row["progress"]["tests"]["passed"] == passed:
            return dict(row)
    raise AssertionError("the live events did not arrive")


async def test_the_list_of_check_sessions_pages_filters_and_starts_with_the_newest(api: Api) -> None:
    suite = await api.create_suite()
    ids = [(await api.trigger(suite["id"]))["checkSessionId"] for _ in range(3)]
    await api.cancel("check", ids[0])
    first = await api.get("/v2/check-sessions", params={"limit": 2})
    assert [entry["checkSessionId"] for entry in first["entries"]] == [ids[2], ids[1]]
    rest = await api.get("/v2/check-sessions", params={"limit": 2, "nextId": first["nextId"]})
    assert [entry["checkSessionId"] for entry in rest["entries"]] == [ids[0]]
    assert rest["nextId"] is None
    for version, status in (("v1", "TIMED_OUT"), ("v2", "CANCELLED")):
        found = await api.get(f"/{version}/check-sessions", params={"statuses": status})
        assert [entry["checkSessionId"] for entry in found["entries"]] == [ids[0]]
    running = await api.get("/v2/check-sessions", params={"statuses[]": "RUNNING"})
    assert len(running["entries"]) == 2
    await api.get("/v2/check-sessions", params={"nextId": "nonsense"}, status=400)
