"""Test sessions: asked for with deployed checks or with checks in the body, listed, read."""

import pytest

from bellrock.domain.specs import PlaywrightSuite
from tests.support.api_client import EU, US, Api, unknown_id
from tests.support.scripted_runner import DEGRADED, ScriptedRunner


def job(logical_id: str, key: str, **fields: object) -> dict[str, object]:
    """A suite that is not deployed, as a command line sends it."""
    return {
        "logicalId": logical_id,
        "checkType": "PLAYWRIGHT",
        "name": logical_id.title(),
        "codeBundlePath": key,
        "testCommand": "npx playwright test",
        "locations": [US],
        "frequency": 10,
        "sourceInfo": {"checkRunSuiteId": unknown_id(), "checkRunId": unknown_id()},
        **fields,
    }


def run_request(*jobs: object, **fields: object) -> dict[str, object]:
    """The body of run."""
    return {
        "name": "feature/cart",
        "project": {"logicalId": "shop"},
        "checkRunJobs": list(jobs),
        "sharedFiles": [],
        "runLocation": {"type": "PUBLIC", "region": EU},
        "repoInfo": {"branchName": "feature/cart", "commitId": "abc123", "commitOwner": "Ada"},
        "environment": "staging",
        "shouldRecord": True,
        "streamLogs": True,
        "refreshCache": False,
        **fields,
    }


async def test_trigger_runs_mixed_checks_at_one_location_whatever_their_own_are(api: Api) -> None:
    """B3, C7."""
    suite = await api.create_suite(locations=[US])
    monitor = await api.create_url_monitor(locations=[US, EU])
    session = await api.start_test_session(
        suite["id"], monitor["id"], location="eu-west-1", metadata={"branchName": "main"}
    )
    assert session["status"] == "RUNNING"
    assert session["metadata"] == {"branchName": "main"}
    assert {row["checkType"] for row in session["results"]} == {"PLAYWRIGHT", "URL"}
    assert {row["runLocation"] for row in session["results"]} == {"eu-west-1"}
    assert {row["resultType"] for row in session["results"]} == {"PENDING"}
    assert {row["status"] for row in session["results"]} == {"RUNNING"}


async def test_trigger_that_means_no_check_is_404(api: Api) -> None:
    """B3."""
    body = {"name": "x", "runLocation": EU, "target": {"matchTags": [["nobody-has-this"]]}}
    await api.post("/v1/test-sessions/trigger", body, status=404)


@pytest.mark.parametrize("field", ["name", "runLocation"])
async def test_trigger_needs_a_name_and_a_location(api: Api, field: str) -> None:
    """B3."""
    body = {"name": "x", "runLocation": EU}
    del body[field]
    error = await api.post("/v1/test-sessions/trigger", body, status=400)
    assert field in error["message"]
    error = await api.post("/v1/test-sessions/trigger", {**body, field: ""}, status=400)
    assert field in error["message"]


async def test_an_unknown_location_is_400_and_says_which_are_known(api: Api) -> None:
    suite = await api.create_suite()
    body = {"name": "x", "runLocation": "atlantis-1", "target": {"checkId": [suite["id"]]}}
    error = await api.post("/v1/test-sessions/trigger", body, status=400)
    assert "atlantis-1" in error["message"]
    assert EU in error["message"]


async def test_deactivated_checks_run_on_demand_only(api: Api) -> None:
    """B3."""
    suite = await api.create_suite(activated=False)
    body = {"name": "x", "runLocation": EU, "target": {"checkId": [suite["id"]]}}
    await api.post("/v1/test-sessions/trigger", body, status=404)
    body["target"] = {"checkId": [suite["id"]], "allowDeactivated": True}
    await api.post("/v1/test-sessions/trigger", body)


async def test_variables_of_the_session_reach_the_runner_over_those_of_the_check(
    api: Api, runner: ScriptedRunner
) -> None:
    """B3."""
    own = [{"key": "BASE_URL", "value": "https://live"}, {"key": "KEEP", "value": "1"}]
    suite = await api.create_suite(environmentVariables=own)
    session = await api.start_test_session(
        suite["id"],
        environmentVariables=[
            {"key": "BASE_URL", "value": "https://preview"},
            {"key": "TOKEN", "value": "s3cret", "secret": True},
        ],
    )
    held = await runner.claim(session["results"][0]["sequenceId"], EU)
    given = {variable.key: (variable.value, variable.secret) for variable in held.job.environment}
    assert given == {
        "BASE_URL": ("https://preview", False),
        "KEEP": ("1", False),
        "TOKEN": ("s3cret", True),
    }


async def test_more_than_fifty_variables_are_400(api: Api) -> None:
    """B3."""
    variables = [{"key": f"V{number}", "value": "1"} for number in range(51)]
    body = {"name": "x", "runLocation": EU, "environmentVariables": variables}
    error = await api.post("/v1/test-sessions/trigger", body, status=400)
    assert "environmentVariables" in error["message"]


@pytest.mark.parametrize(
    "strategy",
    [{"type": "OFTEN"}, {"type": "FIXED", "maxRetries": 0}, {"type": "LINEAR", "maxRetries": 11}, {}],
)
async def test_a_retry_strategy_outside_the_contract_is_400(api: Api, strategy: object) -> None:
    """B3."""
    body = {"name": "x", "runLocation": EU, "retryStrategy": strategy}
    error = await api.post("/v1/test-sessions/trigger", body, status=400)
    assert "retryStrategy" in error["message"]


async def test_a_retried_run_keeps_its_sequence_id_and_has_a_row_per_attempt(
    api: Api, runner: ScriptedRunner
) -> None:
    """B3, C21."""
    suite = await api.create_suite()
    retry = {"type": "FIXED", "baseBackoffSeconds": 0, "maxRetries": 1}
    session = await api.start_test_session(suite["id"], retryStrategy=retry)
    run_id = session["results"][0]["sequenceId"]
    await (await runner.claim(run_id, EU)).fail()
    second = await runner.claim(run_id, EU)
    assert second.job.attempt == 2
    await second.pass_with()
    ended = await api.completion("test", session["testSessionId"])
    assert ended["status"] == "PASSED"
    rows = ended["results"]
    assert [row["resultType"] for row in rows] == ["ATTEMPT", "FINAL"]
    assert {row["sequenceId"] for row in rows} == {run_id}
    assert len({row["testSessionResultId"] for row in rows}) == 2


async def test_a_degraded_result_leaves_the_session_passed(api: Api, runner: ScriptedRunner) -> None:
    """B3: there is no degraded status for test sessions."""
    monitor = await api.create_url_monitor()
    session = await api.start_test_session(monitor["id"])
    await (await runner.claim(session["results"][0]["sequenceId"], EU)).finish(DEGRADED)
    ended = await api.completion("test", session["testSessionId"])
    assert (ended["status"], ended["results"][0]["isDegraded"]) == ("PASSED", True)


async def test_a_pending_result_can_be_read_in_full_with_its_sequence_id(api: Api) -> None:
    """C21, B3."""
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    (row,) = session["results"]
    path = f"/v1/test-sessions/{session['testSessionId']}/results/{row['testSessionResultId']}"
    detail = await api.get(path)
    assert (detail["resultType"], detail["sequenceId"]) == ("PENDING", row["sequenceId"])
    assert detail["isCancelled"] is False
    assert await api.get(f"{path}/assets") == {
        "assets": [],
        "truncated": False,
        "entriesReturned": 0,
        "entriesTotal": 0,
    }


async def test_results_that_are_not_there_are_404(api: Api, stranger: Api) -> None:
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    sessions = f"/v1/test-sessions/{session['testSessionId']}"
    result_id = session["results"][0]["testSessionResultId"]
    await api.get(f"{sessions}/results/{unknown_id()}", status=404)
    for path in ("", "/completion", "/events", f"/results/{result_id}", f"/results/{result_id}/assets"):
        await stranger.get(f"{sessions}{path}", status=404)


async def test_run_takes_gzip_and_gives_every_job_its_sequence_id(api: Api, runner: ScriptedRunner) -> None:
    key = await api.upload_bundle()
    body = run_request(job("cart", key), job("search", key))
    answer = await api.post_gzip("/v1/test-sessions/run", body, status=202)
    assert set(answer["sequenceIds"]) == {"cart", "search"}
    assert set(answer["testResultIds"]) == {"cart", "search"}
    session = await api.get(f"/v1/test-sessions/{answer['testSessionId']}")
    assert session["metadata"]["environment"] == "staging"
    rows = {row["sequenceId"]: row for row in session["results"]}
    cart = rows[answer["sequenceIds"]["cart"]]
    assert (cart["name"], cart["checkId"], cart["runLocation"]) == ("Cart", None, EU)
    assert cart["testSessionResultId"] == answer["testResultIds"]["cart"]
    held = await runner.claim(answer["sequenceIds"]["cart"], EU)
    assert isinstance(held.job.spec, PlaywrightSuite)
    assert held.job.spec.bundle_key == key


async def test_the_scheduling_of_a_run_is_over_when_it_is_asked_for(api: Api, stranger: Api) -> None:
    key = await api.upload_bundle()
    answer = await api.post("/v1/test-sessions/run", run_request(job("cart", key)), status=202)
    path = f"/v1/test-sessions/scheduling/{answer['schedulingId']}/completion"
    ended = await api.get(path, params={"maxWaitSeconds": 30})
    assert (ended["status"], ended["checksTotal"], ended["error"]) == ("SUCCEEDED", 1, None)
    assert ended["testSessionId"] == answer["testSessionId"]
    await stranger.get(path, status=404)
    await api.get("/v1/test-sessions/scheduling/nonsense/completion", status=404)


async def test_an_unrecorded_run_has_no_session_that_could_be_read_or_cancelled(api: Api) -> None:
    """C26, R20."""
    key = await api.upload_bundle()
    body = run_request(job("cart", key), shouldRecord=False)
    answer = await api.post("/v1/test-sessions/run", body, status=202)
    assert "testSessionId" not in answer
    assert (await api.get("/v1/test-sessions"))["entries"] == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"checkType": "SUBMARINE"}, "checkType"),
        ({"codeBundlePath": "no-such-bundle"}, "codeBundlePath"),
        ({"name": ""}, "name"),
        ({"codeBundlePath": None}, "codeBundlePath"),
    ],
)
async def test_a_job_that_cannot_run_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    body = run_request(job("cart", await api.upload_bundle(), **fields))
    error = await api.post("/v1/test-sessions/run", body, status=400)
    assert word in error["message"]


async def test_a_job_of_a_type_that_is_never_run_is_501(api: Api) -> None:
    beat = {"period": 1, "periodUnit": "days", "grace": 2, "graceUnit": "hours"}
    body = run_request({"logicalId": "b", "checkType": "HEARTBEAT", "name": "b", "heartbeat": beat})
    error = await api.post("/v1/test-sessions/run", body, status=501)
    assert "HEARTBEAT" in error["message"]


async def test_two_jobs_with_one_logical_id_are_400(api: Api) -> None:
    key = await api.upload_bundle()
    body = run_request(job("cart", key), job("cart", key))
    error = await api.post("/v1/test-sessions/run", body, status=400)
    assert "cart" in error["message"]


async def test_the_command_lines_trigger_says_403_with_a_code_where_nothing_matches(api: Api) -> None:
    body = {
        "name": "x",
        "shouldRecord": True,
        "runLocation": {"type": "PUBLIC", "region": EU},
        "checkRunSuiteId": unknown_id(),
        "targetTags": [["nobody-has-this"]],
        "checkId": [],
    }
    error = await api.post("/next/test-sessions/trigger", body, status=403)
    assert error["errorCode"] == "ERR_NO_MATCHING_CHECKS"


async def test_the_command_lines_trigger_gives_each_check_its_sequence_id(api: Api) -> None:
    suite = await api.create_suite(tags=["nightly"])
    body = {
        "name": "x",
        "shouldRecord": True,
        "runLocation": {"type": "PUBLIC", "region": EU},
        "targetTags": [["nightly"]],
    }
    answer = await api.post("/next/test-sessions/trigger", body, status=200)
    assert [check["id"] for check in answer["checks"]] == [suite["id"]]
    session = await api.get(f"/v1/test-sessions/{answer['testSessionId']}")
    assert session["results"][0]["sequenceId"] == answer["sequenceIds"][suite["id"]]
    (entry,) = (await api.get("/v1/test-sessions", params={"providers": "TRIGGER"}))["entries"]
    assert entry["provider"] == "TRIGGER"


async def test_the_list_has_each_result_under_how_it_stands(api: Api, runner: ScriptedRunner) -> None:
    """C54."""
    names = ("passes", "fails", "cancelled", "runs")
    suites = [await api.create_suite(name=name) for name in names]
    session = await api.start_test_session(*(suite["id"] for suite in suites))
    by_name = {row["name"]: row for row in session["results"]}
    await (await runner.claim(by_name["passes"]["sequenceId"], EU)).pass_with()
    await (await runner.claim(by_name["fails"]["sequenceId"], EU)).fail()
    stopped = {"sequenceId": [by_name["cancelled"]["sequenceId"]]}
    await api.cancel("test", session["testSessionId"], stopped)
    page = await api.get("/v1/test-sessions")
    (entry,) = page["entries"]
    assert page["length"] == 1
    assert (entry["status"], entry["region"], entry["invoker"]) == ("RUNNING", EU, {"name": "Owner"})
    for field, name in {
        "passed": "passes",
        "failed": "fails",
        "cancelled": "cancelled",
        "running": "runs",
    }.items():
        assert entry[field] == [by_name[name]["testSessionResultId"]]


async def test_the_list_filters_by_status_branch_text_and_time(api: Api) -> None:
    """B3, C34."""
    suite = await api.create_suite()
    main = await api.start_test_session(suite["id"], name="nightly", metadata={"branchName": "main"})
    other = await api.start_test_session(suite["id"], name="pull request")
    await api.cancel("test", other["testSessionId"])

    async def found(**params: object) -> list[str]:
        entries = (await api.get("/v1/test-sessions", params=params))["entries"]
        return [entry["id"] for entry in entries]

    both = [other["testSessionId"], main["testSessionId"]]
    assert await found() == both
    assert await found(**{"statuses[]": ["CANCELLED"]}) == both[:1]
    assert await found(statuses="RUNNING") == both[1:]
    assert await found(**{"branches[]": "main"}) == both[1:]
    assert await found(textSearch="nightly") == both[1:]
    assert await found(users="Owner") == both
    assert await found(users="Nobody") == []
    assert await found(to=1) == []
    assert await found(**{"from": 1}) == both


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statuses", "LOST"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("textSearch", "ab"),
        ("providers", "SVN"),
        ("nextId", "nonsense"),
        ("from", "yesterday"),
        ("from", "1e300"),
    ],
)
async def test_a_filter_outside_the_contract_is_400_and_named(api: Api, name: str, value: str) -> None:
    error = await api.get("/v1/test-sessions", params={name: value}, status=400)
    assert name in error["message"]


async def test_older_clients_start_a_session_without_a_scheduling(api: Api, runner: ScriptedRunner) -> None:
    body = run_request(job("cart", await api.upload_bundle()))
    begun = await api.post("/next/test-sessions/run", body, status=200)
    assert set(begun) == {"sequenceIds", "testSessionId", "testResultIds"}
    await (await runner.claim(begun["sequenceIds"]["cart"], EU)).pass_with()
    session = await api.get(f"/v1/test-sessions/{begun['testSessionId']}/completion")
    assert session["status"] == "PASSED"


async def test_the_pages_and_files_of_a_result_are_found_by_links(api: Api, runner: ScriptedRunner) -> None:
    session = await api.start_test_session((await api.create_suite())["id"])
    held = await runner.claim(session["results"][0]["sequenceId"], EU)
    await held.begin("adds to cart")
    await held.upload("trace.zip", b"PK\x03\x04", kind="trace", content_type="application/zip")
    await held.finish()
    path = f"/next/test-sessions/{session['testSessionId']}"
    assert (await api.get(f"{path}/link"))["link"] == session["testSessionLink"]
    result_id = session["results"][0]["testSessionResultId"]
    links = await api.get(f"{path}/results/{result_id}/links")
    assert links["testResultLink"] == session["results"][0]["testSessionResultLink"]
    assert ([*links["videoLinks"], *links["screenshotLinks"]], len(links["testTraceLinks"])) == ([], 1)
    assert (await api.http.get(links["testTraceLinks"][0], headers={"Authorization": ""})).status_code == 200
