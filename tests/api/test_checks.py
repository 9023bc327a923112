"""Checks: saved, read in both versions, changed, listed, deleted."""

import pytest

from tests.support.api_client import EU, US, Api, unknown_id
from tests.support.scripted_runner import ScriptedRunner


async def test_a_suite_is_read_as_it_was_saved_in_both_versions(api: Api) -> None:
    key = await api.upload_bundle()
    body = {
        "name": "Cart",
        "codeBundlePath": key,
        "locations": [EU, US],
        "tags": ["shop", "nightly"],
        "frequency": 30,
        "testCommand": "npx playwright test --project chromium",
        "installCommand": "npm ci --ignore-scripts",
        "workingDir": "packages/e2e",
        "pwProjects": ["chromium"],
        "pwTags": ["@smoke"],
        "runParallel": True,
        "muted": True,
        "description": "What people buy.",
    }
    created = await api.post("/v1/checks/playwright", body)
    assert {field: created[field] for field in body} == body
    assert created["checkType"] == "PLAYWRIGHT"
    assert await api.get(f"/v1/checks/{created['id']}") == created
    v2 = await api.get(f"/v2/checks/{created['id']}")
    flat = {"project", "logicalId"}
    assert v2 == {field: value for field, value in created.items() if field not in flat}


async def test_a_suite_says_its_defaults(api: Api) -> None:
    body = {"name": "Cart", "codeBundlePath": await api.upload_bundle(), "locations": [EU]}
    created = await api.post("/v1/checks/playwright", body)
    assert created["testCommand"] == "npx playwright test"
    assert (created["installCommand"], created["browsers"]) == ("", ["chromium"])
    assert (created["activated"], created["muted"], created["frequency"]) == (True, False, 10)


async def test_a_secret_is_never_said_and_reaches_the_runner(api: Api, runner: ScriptedRunner) -> None:
    variables = [
        {"key": "USER", "value": "ada"},
        {"key": "PASSWORD", "value": "s3cret-pw", "secret": True},
    ]
    suite = await api.create_suite(environmentVariables=variables)
    for answer in (
        suite,
        await api.get(f"/v1/checks/{suite['id']}"),
        await api.get(f"/v2/checks/{suite['id']}"),
        await api.get("/v1/checks"),
    ):
        assert "s3cret-pw" not in str(answer)
        assert "ada" in str(answer)
    session = await api.trigger(suite["id"])
    held = await runner.claim((await api.rows(session["checkSessionId"]))[EU]["sequenceId"], EU)
    assert {variable.key: variable.value for variable in held.job.environment} == {
        "USER": "ada",
        "PASSWORD": "s3cret-pw",
    }


async def test_an_update_changes_what_it_names_and_nothing_else(api: Api, runner: ScriptedRunner) -> None:
    secret = [{"key": "PASSWORD", "value": "s3cret-pw", "secret": True}]
    suite = await api.create_suite(environmentVariables=secret, tags=["old"])
    body = {"name": "Renamed", "codeBundlePath": suite["codeBundlePath"], "locations": [US]}
    updated = await api.put(f"/v1/checks/playwright/{suite['id']}", body)
    assert (updated["name"], updated["tags"], updated["locations"]) == ("Renamed", ["old"], [US])
    assert updated["updated_at"] is not None
    session = await api.trigger(suite["id"])
    held = await runner.claim((await api.rows(session["checkSessionId"]))[US]["sequenceId"], US)
    assert held.job.environment[0].value == "s3cret-pw"


async def test_a_url_monitor_is_read_as_it_was_saved(api: Api) -> None:
    request = {
        "url": "https://shop.example/health",
        "followRedirects": False,
        "skipSSL": True,
        "ipFamily": "IPv6",
        "assertions": [{"source": "STATUS_CODE", "comparison": "LESS_THAN", "target": "400"}],
    }
    monitor = await api.create_url_monitor(request=request, maxResponseTime=9000)
    assert {field: monitor["request"][field] for field in request if field != "assertions"} == {
        field: value for field, value in request.items() if field != "assertions"
    }
    assert monitor["request"]["assertions"][0]["comparison"] == "LESS_THAN"
    assert (monitor["degradedResponseTime"], monitor["maxResponseTime"]) == (3000, 9000)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"frequency": 7}, "frequency"),
        ({"frequency": 0}, "frequency"),
        ({"locations": ["atlantis-1"]}, "atlantis-1"),
        ({"locations": "eu-central-1"}, "locations"),
        ({"codeBundlePath": "no-such-bundle"}, "codeBundlePath"),
        ({"codeBundlePath": None}, "codeBundlePath"),
        ({"description": "x" * 511}, "description"),
        ({"environmentVariables": [{"key": "", "value": "x"}]}, "environmentVariables"),
        (
            {"environmentVariables": [{"key": f"V{n}", "value": ""} for n in range(201)]},
            "environmentVariables",
        ),
        ({"workingDir": "../../etc"}, "workingDir"),
        ({"tags": [""]}, "tags"),
    ],
)
async def test_a_suite_that_cannot_be_saved_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    good = {"name": "Cart", "codeBundlePath": await api.upload_bundle(), "locations": [EU]}
    error = await api.post("/v1/checks/playwright", {**good, **fields}, status=400)
    assert word in error["message"]
    assert await api.get("/v1/checks") == []


@pytest.mark.parametrize(
    ("request_part", "word"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://shop.example"}, "url"),
        ({}, "url"),
        ({"url": "https://x.example", "ipFamily": "IPv9"}, "ipFamily"),
        (
            {
                "url": "https://x.example",
                "assertions": [{"source": "STATUS_CODE", "comparison": "LIKES", "target": "200"}],
            },
            "comparison",
        ),
    ],
)
async def test_a_url_monitor_that_cannot_be_saved_is_400(
    api: Api, request_part: dict[str, object], word: str
) -> None:
    body = {"name": "x", "locations": [EU], "request": request_part}
    error = await api.post("/v1/checks/url", body, status=400)
    assert word in error["message"]


async def test_a_check_is_not_changed_into_another_type(api: Api) -> None:
    suite = await api.create_suite()
    body = {"name": "x", "locations": [EU], "request": {"url": "https://x.example"}}
    error = await api.put(f"/v1/checks/url/{suite['id']}", body, status=400)
    assert "PLAYWRIGHT" in error["message"]


async def test_the_list_pages_with_content_range_and_filters(api: Api) -> None:
    for name, tags in {"A": ["x"], "B": ["x", "y"], "C": []}.items():
        await api.create_url_monitor(name=name, tags=tags)
    await api.create_suite(name="Suite")

    async def names(**params: object) -> list[str]:
        return [check["name"] for check in await api.get("/v1/checks", params=params)]

    first = await api.request("GET", "/v1/checks", params={"limit": 3})
    assert first.headers["content-range"] == "0-2/4"
    last = await api.request("GET", "/v2/checks", params={"limit": 3, "page": 2})
    assert (last.headers["content-range"], len(last.json())) == ("3-3/4", 1)
    beyond = await api.request("GET", "/v1/checks", params={"page": 9})
    assert (beyond.headers["content-range"], beyond.json()) == ("*/4", [])
    assert await names(**{"tag[]": ["y"]}) == ["B"]
    assert await names(tag=["x", "y"]) == ["A", "B"]
    assert await names(checkType="PLAYWRIGHT") == ["Suite"]
    assert await names(search="uit") == ["Suite"]
    await api.get("/v1/checks", params={"checkType": "SUBMARINE"}, status=400)


async def test_a_deleted_check_is_gone_and_its_sessions_stay(api: Api) -> None:
    session, _ = await api.started_suite(EU)
    await api.delete(f"/v1/checks/{session['checkId']}")
    await api.get(f"/v1/checks/{session['checkId']}", status=404)
    await api.delete(f"/v1/checks/{session['checkId']}", status=404)
    assert (await api.get(f"/v2/check-sessions/{session['checkSessionId']}"))["name"] == "Shop"


async def test_checks_of_another_account_are_404(api: Api, stranger: Api) -> None:
    suite = await api.create_suite()
    path = f"/v1/checks/{suite['id']}"
    await stranger.get(path, status=404)
    await stranger.get(f"/v2/checks/{suite['id']}", status=404)
    await stranger.delete(path, status=404)
    key = await stranger.upload_bundle()
    body = {"name": "Mine now", "codeBundlePath": key, "locations": [EU]}
    await stranger.put(f"/v1/checks/playwright/{suite['id']}", body, status=404)
    await api.put(f"/v1/checks/playwright/{unknown_id()}", body, status=404)
    assert (await api.get(path))["name"] == "Shop"


async def test_a_bundle_of_another_account_cannot_be_named(api: Api, stranger: Api) -> None:
    key = await api.upload_bundle("only mine")
    body = {"name": "Theirs", "codeBundlePath": key, "locations": [EU]}
    await stranger.post("/v1/checks/playwright", body, status=400)


async def test_the_same_bundle_twice_has_the_same_key(api: Api) -> None:
    assert await api.upload_bundle("same") == await api.upload_bundle("same")
    assert await api.upload_bundle("same") != await api.upload_bundle("other")
