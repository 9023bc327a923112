"""Results of checks: lists, details, the receipt of a cancelled run, and who is not told."""

import pytest

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from tests.support.api_client import EU, US, Api, unknown_id
from tests.support.scripted_runner import ScriptedRunner


async def test_the_receipt_of_a_stopped_run_says_who_asked_what_was_done_and_what_was_left(
    api: Api, runner: ScriptedRunner
) -> None:
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.begin("adds to cart", "checks out", "pays")
    await held.upload("trace.zip", b"PK\x03\x04", kind="trace", content_type="application/zip")
    await api.cancel("check", session["checkSessionId"])
    await held.stop_as_asked()
    await api.completion("check", session["checkSessionId"])
    path = f"/v1/check-results/{session['checkId']}/{rows[EU]['checkResultId']}"
    result = await api.get(path)
    receipt = result["receipt"]
    assert receipt["requestedBy"] == {"name": "Owner", "via": "API"}
    assert receipt["requestedAt"] == result["cancelledAt"]
    assert [step["signal"] for step in receipt["steps"]] == ["SIGINT"]
    assert (receipt["processesLeft"], receipt["isolation"]) == (0, "scripted")
    assert receipt["lastProcessGoneAt"] is not None
    assert receipt["tests"]["interrupted"] == 1
    assert receipt["tests"]["notStarted"] == 1
    assert receipt["artifactsKept"] == ["trace.zip"]
    assert [receipt["neverStarted"], receipt["forcedByServer"]] == [False, False]


async def test_the_receipt_of_a_queued_run_says_that_it_never_started(api: Api) -> None:
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    await api.cancel("test", session["testSessionId"])
    result_id = session["results"][0]["testSessionResultId"]
    detail = await api.get(f"/v1/test-sessions/{session['testSessionId']}/results/{result_id}")
    receipt = detail["receipt"]
    assert (receipt["neverStarted"], receipt["steps"], receipt["processesLeft"]) == (True, [], None)
    assert detail["isCancelled"]
    assert detail["startedAt"] is None
    assert detail["stoppedAt"] is not None


@pytest.mark.parametrize("path", ["/v1/check-results/{check}", "/v2/check-results/{check}"])
async def test_every_listed_result_says_whether_it_was_cancelled(
    api: Api, runner: ScriptedRunner, path: str
) -> None:
    """C46, C52: a cancelled result is a FINAL one, so lists show it without being asked to."""
    session, rows = await api.started_suite(EU, US)
    await (await runner.claim(rows[US]["sequenceId"], US)).pass_with()
    await api.cancel("check", session["checkSessionId"])
    body = await api.get(path.format(check=session["checkId"]))
    entries = body if isinstance(body, list) else body["entries"]
    by_place = {entry["runLocation"]: entry for entry in entries}
    assert [by_place[EU]["isCancelled"], by_place[US]["isCancelled"]] == [True, False]
    assert by_place[EU]["responseTime"] == 0
    assert by_place[EU]["resultType"] == "FINAL"
    assert by_place[EU]["sequenceId"] == rows[EU]["sequenceId"]


async def test_results_of_version_2_are_projected_to_the_fields_asked_for(
    api: Api, runner: ScriptedRunner
) -> None:
    """C52."""
    session, rows = await api.started_suite(EU)
    await (await runner.claim(rows[EU]["sequenceId"], EU)).pass_with()
    path = f"/v2/check-results/{session['checkId']}"
    (entry,) = (await api.get(path, params={"fields": "id,isCancelled,createdAt"}))["entries"]
    assert set(entry) == {"id", "isCancelled", "createdAt"}
    error = await api.get(path, params={"fields": "id,password"}, status=400)
    assert "password" in error["message"]


async def test_lists_show_final_results_unless_others_are_asked_for(api: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU)
    await (await runner.claim(rows[EU]["sequenceId"], EU)).fail()
    path = f"/v2/check-results/{session['checkId']}"
    assert (await api.get(path))["length"] == 1
    for result_type, count in {"FINAL": 1, "ALL": 1, "ATTEMPT": 0}.items():
        page = await api.get(path, params={"resultType": result_type})
        assert page["length"] == count


async def test_results_page_by_number_in_version_1_and_by_cursor_in_version_2(api: Api) -> None:
    suite = await api.create_suite()
    for _ in range(3):
        session = await api.trigger(suite["id"])
        await api.cancel("check", session["checkSessionId"])
    v1 = await api.request("GET", f"/v1/check-results/{suite['id']}", params={"limit": 2, "page": 2})
    assert (len(v1.json()), v1.headers["content-range"]) == (1, "2-2/3")
    first = await api.get(f"/v2/check-results/{suite['id']}", params={"limit": 2})
    query = {"limit": 2, "nextId": first["nextId"]}
    rest = await api.get(f"/v2/check-results/{suite['id']}", params=query)
    ids = [entry["id"] for entry in (*first["entries"], *rest["entries"])]
    assert (len(set(ids)), rest["nextId"]) == (3, None)


async def test_results_filter_by_location_failure_and_time(api: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU, US)
    await (await runner.claim(rows[EU]["sequenceId"], EU)).fail()
    await (await runner.claim(rows[US]["sequenceId"], US)).pass_with()
    path = f"/v2/check-results/{session['checkId']}"

    async def places(**params: object) -> set[str]:
        return {entry["runLocation"] for entry in (await api.get(path, params=params))["entries"]}

    assert await places(location=EU) == {EU}
    assert await places(hasFailures="true") == {EU}
    assert await places(hasFailures="false") == {US}
    assert await places(to=1) == set()


async def test_the_details_of_a_failed_suite_name_its_errors_tests_and_whose_fault_it_was(
    api: Api, runner: ScriptedRunner
) -> None:
    session, rows = await api.started_suite(EU)
    await (await runner.claim(rows[EU]["sequenceId"], EU)).fail()
    path = f"/v1/check-results/{session['checkId']}/{rows[EU]['checkResultId']}"
    result = await api.get(path)
    details = result["playwrightCheckResult"]
    assert details["errors"] == [{"message": "expected 200, got 503"}]
    assert (details["verdict"], details["blame"], details["code"]) == ("FAILED", "target", "TESTS_FAILED")
    assert details["tests"]["failed"] == 1
    assert result["apiCheckResult"] is None


async def test_the_details_of_a_url_monitor_are_those_its_runner_sent(
    api: Api, runner: ScriptedRunner
) -> None:
    monitor = await api.create_url_monitor()
    session = await api.trigger(monitor["id"])
    (row,) = (await api.rows(session["checkSessionId"])).values()
    held = await runner.claim(row["sequenceId"], EU)
    await held.finish(details={"response": {"status": 200, "statusText": "OK"}})
    result = await api.get(f"/v1/check-results/{monitor['id']}/{row['checkResultId']}")
    assert result["apiCheckResult"]["response"]["status"] == 200
    assert result["playwrightCheckResult"] is None


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("browser", {"script": "await page.goto('https://shop.example')"}, "browserCheckResult"),
        ("multistep", {"script": "test('x', async () => {})"}, "multiStepCheckResult"),
    ],
)
async def test_the_details_of_a_script_are_in_the_body_of_its_type_with_links_to_what_was_kept(
    api: Api, runner: ScriptedRunner, path: str, body: dict[str, object], name: str
) -> None:
    check = await api.post(f"/v1/checks/{path}", {"name": "x", "locations": [EU], **body}, status=201)
    session = await api.trigger(check["id"])
    (row,) = (await api.rows(session["checkSessionId"])).values()
    held = await runner.claim(row["sequenceId"], EU)
    await held.upload("trace.zip", b"PK\x03\x04", kind="trace", content_type="application/zip")
    await held.finish(details={"runtimeVersion": "2026.04", "startTime": 1_000, "endTime": 2_000})
    result = await api.get(f"/v1/check-results/{check['id']}/{row['checkResultId']}")
    bodies = {key for key in result if key.endswith("CheckResult") and result[key] is not None}
    assert bodies == {name}
    details = result[name]
    assert (details["startTime"], details["endTime"], details["verdict"]) == (1_000, 2_000, "PASSED")
    for links in (details["playwrightTestTraces"], details["jobAssets"]):
        assert [link.partition("?")[0].rpartition("/")[2] for link in links] == ["trace.zip"]


async def test_the_details_of_an_ssl_monitor_leave_out_what_was_not_found(
    api: Api, runner: ScriptedRunner
) -> None:
    body = {"name": "x", "locations": [EU], "request": {"sslConfig": {"hostname": "shop.example"}}}
    check = await api.post("/v1/checks/ssl", body, status=201)
    session = await api.trigger(check["id"])
    (row,) = (await api.rows(session["checkSessionId"])).values()
    held = await runner.claim(row["sequenceId"], EU)
    await held.finish(details={"tlsVersion": "TLS1.3", "baselineVerdict": None, "failureCategory": None})
    result = await api.get(f"/v1/check-results/{check['id']}/{row['checkResultId']}")
    details = result["sslCheckResult"]
    assert (details["tlsVersion"], details["failureCategory"]) == ("TLS1.3", None)
    assert "baselineVerdict" not in details
    assert result["apiCheckResult"] is None


async def test_a_response_over_its_maximum_is_told_apart_from_other_failures(
    api: Api, runner: ScriptedRunner
) -> None:
    monitor = await api.create_url_monitor(retryStrategy=None)
    session = await api.trigger(monitor["id"])
    (row,) = (await api.rows(session["checkSessionId"])).values()
    held = await runner.claim(row["sequenceId"], EU)
    await held.finish(Outcome(Verdict.FAILED, Blame.TARGET, "TOO_SLOW", "It took 31 s."))
    result = await api.get(f"/v1/check-results/{monitor['id']}/{row['checkResultId']}")
    assert (result["hasFailures"], result["overMaxResponseTime"]) == (True, True)


async def test_results_of_another_account_are_404(api: Api, stranger: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU)
    await (await runner.claim(rows[EU]["sequenceId"], EU)).pass_with()
    check, result = session["checkId"], rows[EU]["checkResultId"]
    for path in (
        f"/v1/check-results/{check}",
        f"/v2/check-results/{check}",
        f"/v1/check-results/{check}/{result}",
        f"/v1/check-results/{check}/{result}/assets",
    ):
        await stranger.get(path, status=404)
    await api.get(f"/v1/check-results/{check}/{unknown_id()}", status=404)


async def test_results_of_test_sessions_are_not_among_a_checks_results(
    api: Api, runner: ScriptedRunner
) -> None:
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    await (await runner.claim(session["results"][0]["sequenceId"], EU)).pass_with()
    assert await api.get(f"/v1/check-results/{suite['id']}") == []


async def test_a_retry_in_another_region_runs_there_and_each_result_says_where_it_was(
    api: Api, runner: ScriptedRunner
) -> None:
    retry = {"type": "FIXED", "baseBackoffSeconds": 0, "maxRetries": 2, "sameRegion": False}
    monitor = await api.create_url_monitor(locations=[EU, US], retryStrategy=retry)
    session = await api.trigger(monitor["id"])
    rows = await api.rows(session["checkSessionId"])
    run_id = rows[EU]["sequenceId"]
    failed = Outcome(Verdict.FAILED, Blame.TARGET, "HTTP_ERROR", "It said 500.")
    await (await runner.claim(run_id, EU)).finish(failed)
    reply, _ = await runner.try_claim(run_id, EU)
    assert not reply.granted
    held = await runner.claim(run_id, US)
    assert (held.job.location, held.job.context["CHECKLY_REGION"], held.job.attempt) == (US, US, 2)
    await held.finish()
    path = f"/v1/check-results/{monitor['id']}"
    found = [one for one in await api.get(f"{path}?resultType=ALL") if one["sequenceId"] == run_id]
    assert {(one["resultType"], one["runLocation"], one["hasFailures"]) for one in found} == {
        ("ATTEMPT", EU, True),
        ("FINAL", US, False),
    }
    of_eu = await api.get(f"{path}?resultType=ALL&location={EU}")
    assert [one["resultType"] for one in of_eu] == ["ATTEMPT"]
