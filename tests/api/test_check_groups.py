"""Check groups: saved in both versions, read, changed, deleted; what they make of their checks; who may."""

from datetime import UTC, datetime

import pytest

from bellrock.domain.specs import ApiCheck
from tests.support.api_client import EU, US, Api, Json
from tests.support.roles import with_role
from tests.support.scripted_runner import ScriptedRunner

V1, V2 = "/v1/check-groups", "/v2/check-groups"
NOWHERE = 2_147_483_647
FULL = {
    "name": "Shop",
    "activated": False,
    "muted": True,
    "tags": ["shop", "nightly"],
    "locations": [EU, US],
    "concurrency": 5,
    "apiCheckDefaults": {
        "url": "https://api.example",
        "headers": [{"key": "Accept", "value": "text/html", "locked": False}],
        "queryParameters": [{"key": "page", "value": "1", "locked": False}],
        "assertions": [
            {"source": "STATUS_CODE", "comparison": "EQUALS", "target": "200", "property": "", "regex": None}
        ],
        "basicAuth": {"username": "ada", "password": "pw"},
    },
    "browserCheckDefaults": "anything",
    "environmentVariables": [{"key": "A", "value": "a", "locked": False, "secret": False}],
    "useGlobalAlertSettings": False,
    "alertSettings": {
        "escalationType": "TIME_BASED",
        "runBasedEscalation": {"failedRunThreshold": 2},
        "timeBasedEscalation": {"minutesFailingThreshold": 10},
        "reminders": {"amount": 1, "interval": 10},
        "parallelRunFailureThreshold": {"enabled": True, "percentage": 50},
    },
    "alertChannelSubscriptions": [{"alertChannelId": 3, "activated": False}],
    "localSetupScript": "before()",
    "localTearDownScript": "after()",
    "runtimeId": "2025.04",
    "retryStrategy": {
        "type": "LINEAR",
        "baseBackoffSeconds": 5.0,
        "sameRegion": False,
        "maxRetries": 3,
        "maxDurationSeconds": 100.0,
        "onlyOn": ["NETWORK_ERROR"],
    },
    "runParallel": True,
    "doubleCheck": False,
}
DEFAULT_ALERTS = {
    "escalationType": "RUN_BASED",
    "runBasedEscalation": {"failedRunThreshold": 1},
    "reminders": {"amount": 0, "interval": 5},
    "parallelRunFailureThreshold": {"enabled": False, "percentage": 10},
}
ONE_RETRY = {
    "type": "FIXED",
    "baseBackoffSeconds": 0.0,
    "sameRegion": False,
    "maxRetries": 1,
    "maxDurationSeconds": 600.0,
}


async def make(api: Api, *, version: str = V2, **fields: object) -> Json:
    made: Json = await api.post(version, {"name": "Shop", **fields})
    return made


@pytest.mark.parametrize("version", [V1, V2])
async def test_a_group_is_read_as_it_was_saved_and_gone_when_deleted(api: Api, version: str) -> None:
    made = await api.post(version, FULL)
    assert {field: made[field] for field in FULL} == FULL
    assert isinstance(made["id"], int)
    assert made["created_at"] == f"{datetime.now(UTC):%Y-%m-%d}"
    path = f"{V1}/{made['id']}"
    read = await api.get(path)
    assert read == {**made, "projectBindings": {"owner": None, "references": []}}
    assert await api.get(V1) == [read]
    await api.delete(path)
    await api.get(path, status=404)
    await api.delete(path, status=404)
    for each in (V1, V2):
        await api.put(f"{each}/{made['id']}", FULL, status=404)
        await api.get(f"{each}/{made['id']}/checks", status=404)


async def test_a_group_of_version_1_overrides_by_default(api: Api) -> None:
    made = await make(api, version=V1)
    assert (made["doubleCheck"], made["retryStrategy"]) == (True, ONE_RETRY)
    assert (made["runParallel"], made["useGlobalAlertSettings"]) == (False, True)
    assert made["alertSettings"] == DEFAULT_ALERTS
    assert (made["activated"], made["muted"], made["concurrency"]) == (True, False, 3)
    assert (made["runtimeId"], made["setupSnippetId"], made["localSetupScript"]) == (None, None, None)
    assert (made["tags"], made["locations"], made["privateLocations"]) == ([], [], [])
    no_lists: Json = {"headers": [], "queryParameters": [], "assertions": []}
    assert made["apiCheckDefaults"] == {"url": "", "basicAuth": None, **no_lists}


async def test_a_group_of_version_2_leaves_by_default_everything_to_its_checks(api: Api) -> None:
    made = await make(api)
    assert (made["doubleCheck"], made["retryStrategy"]) == (False, "FALLBACK")
    assert (made["runParallel"], made["useGlobalAlertSettings"], made["runtimeId"]) == (None, None, None)
    assert "alertSettings" not in made
    assert (made["activated"], made["muted"], made["concurrency"]) == (True, False, 3)


@pytest.mark.parametrize(
    ("version", "fields", "double_check", "retry"),
    [
        (V1, {"doubleCheck": False}, False, None),
        (V1, {"retryStrategy": None}, False, None),
        (V1, {"retryStrategy": "FALLBACK"}, False, "FALLBACK"),
        (V1, {"retryStrategy": None, "doubleCheck": True}, True, None),
        (V2, {"retryStrategy": None}, False, None),
        (V2, {"doubleCheck": True}, True, ONE_RETRY),
        (V2, {"doubleCheck": True, "retryStrategy": "FALLBACK"}, True, "FALLBACK"),
        (
            V2,
            {"retryStrategy": {"type": "SINGLE_RETRY", "baseBackoffSeconds": 7}},
            False,
            {"type": "SINGLE_RETRY", "baseBackoffSeconds": 7.0, "sameRegion": True},
        ),
    ],
)
async def test_a_retry_strategy_is_said_in_its_own_words_or_as_a_double_check(
    api: Api, version: str, fields: dict[str, object], double_check: bool, retry: object
) -> None:
    made = await make(api, version=version, **fields)
    assert (made["doubleCheck"], made["retryStrategy"]) == (double_check, retry)


async def test_a_change_keeps_what_has_no_default_and_resets_the_rest(api: Api) -> None:
    made = await api.post(V2, FULL)
    changed = await api.put(f"{V2}/{made['id']}", {"name": "Renamed"})
    kept = ("tags", "locations", "environmentVariables", "alertChannelSubscriptions", "browserCheckDefaults")
    assert {field: changed[field] for field in kept} == {field: FULL[field] for field in kept}
    assert (changed["name"], changed["activated"], changed["retryStrategy"]) == ("Renamed", True, "FALLBACK")
    assert (changed["localSetupScript"], changed["runtimeId"], changed["runParallel"]) == (None, None, None)
    assert changed["apiCheckDefaults"]["url"] == ""
    assert changed["updated_at"] is not None
    emptied = await api.put(f"{V2}/{made['id']}", {"name": "x", "tags": [], "environmentVariables": None})
    assert (emptied["tags"], emptied["environmentVariables"]) == ([], [])


async def test_a_change_in_version_1_may_leave_the_name_and_the_retries(api: Api) -> None:
    made = await api.post(V1, FULL)
    changed = await api.put(f"{V1}/{made['id']}", {"muted": False})
    assert (changed["name"], changed["retryStrategy"]) == (FULL["name"], FULL["retryStrategy"])
    assert (changed["alertSettings"], changed["useGlobalAlertSettings"]) == (DEFAULT_ALERTS, True)
    assert (await api.put(f"{V1}/{made['id']}", {"doubleCheck": True}))["retryStrategy"] == ONE_RETRY


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"concurrency": 0}, "concurrency"),
        ({"tags": ["shop", ""]}, "tags"),
        ({"locations": ["atlantis-1"]}, "locations"),
        ({"privateLocations": ["nowhere"]}, "privateLocations"),
        ({"privateLocations": [EU]}, "privateLocations"),
        ({"environmentVariables": [{"value": "x"}]}, "environmentVariables"),
        ({"environmentVariables": [{"key": "A", "value": "x"}] * 2}, "environmentVariables"),
        (
            {"environmentVariables": [{"key": f"V{n}", "value": ""} for n in range(201)]},
            "environmentVariables",
        ),
        ({"setupSnippetId": NOWHERE}, "setupSnippetId"),
        ({"tearDownSnippetId": NOWHERE}, "tearDownSnippetId"),
        ({"runtimeId": "1999.01"}, "runtimeId"),
        ({"retryStrategy": {"type": "OFTEN"}}, "retryStrategy"),
        ({"retryStrategy": {"type": "FIXED", "maxRetries": 11}}, "maxRetries"),
        ({"retryStrategy": "SOMETIMES"}, "retryStrategy"),
        ({"alertSettings": {"reminders": {"amount": 7}}}, "alertSettings.reminders.amount"),
        ({"apiCheckDefaults": {"assertions": [{"source": "X", "comparison": "EQUALS"}]}}, "source"),
        ({"apiCheckDefaults": {"headers": [{"value": "x"}]}}, "headers"),
        ({"runParallel": "perhaps"}, "runParallel"),
    ],
)
async def test_a_group_that_cannot_be_saved_is_400_and_the_message_names_the_field(
    api: Api, version: str, fields: dict[str, object], word: str
) -> None:
    made = await make(api)
    body = {"name": "Shop", **fields}
    for error in (
        await api.post(version, body, status=400),
        await api.put(f"{version}/{made['id']}", body, status=400),
    ):
        assert word in error["message"]
    assert [each["id"] for each in await api.get(V1)] == [made["id"]]


async def test_groups_are_listed_in_pages_by_tag_and_by_name(api: Api) -> None:
    for name, tags in {"A": ["x"], "B": ["x", "y"], "C": []}.items():
        await make(api, name=name, tags=tags)

    async def names(**params: object) -> list[str]:
        return [group["name"] for group in await api.get(V1, params=params)]

    assert await names() == ["A", "B", "C"]
    assert (await names(limit=2), await names(limit=2, page=2)) == (["A", "B"], ["C"])
    assert (await names(tag="y"), await names(tag=["y", "x"])) == (["B"], ["A", "B"])
    assert (await names(name="C"), await names(name=["A", "C"])) == (["C"], ["A", "C"])


async def test_a_secret_of_a_group_is_never_said_and_kept_where_it_comes_back_empty(
    api: Api, runner: ScriptedRunner
) -> None:
    secret = {"key": "PASSWORD", "value": "s3cret-pw", "secret": True}
    made = await make(api, environmentVariables=[secret])
    shown = {**secret, "value": "", "locked": False}
    assert made["environmentVariables"] == [shown]
    changed = await api.put(f"{V2}/{made['id']}", {"name": "Shop", "environmentVariables": [shown]})
    assert changed["environmentVariables"] == [shown]
    suite = await api.create_suite(groupId=made["id"])
    session = await api.trigger(suite["id"])
    held = await runner.claim((await api.rows(session["checkSessionId"]))[EU]["sequenceId"], EU)
    assert {each.key: each.value for each in held.job.environment} == {"PASSWORD": "s3cret-pw"}
    for file in api.server.folder.glob("bellrock.sqlite*"):
        assert b"s3cret-pw" not in file.read_bytes()


async def test_locked_values_of_a_group_are_for_writers(api: Api) -> None:
    pair = {"key": "A", "value": "locked-value", "locked": True}
    defaults = {"headers": [pair], "queryParameters": [pair]}
    made = await make(api, environmentVariables=[pair], apiCheckDefaults=defaults)
    assert str(await api.get(f"{V1}/{made['id']}")).count("locked-value") == 3
    body = {"name": "Carts", "locations": [EU], "request": {"url": "https://shop.example"}}
    check = await api.post("/v1/checks/api", {**body, "groupId": made["id"]})
    applied = {"applyGroupSettings": True}
    assert "locked-value" in str(await api.get(f"{V1}/{made['id']}/checks"))
    async with with_role(api, "READ_RUN") as caller:
        for answer in (
            await caller.get(f"{V1}/{made['id']}"),
            await caller.get(V1),
            await caller.get(f"{V1}/{made['id']}/checks"),
            await caller.get(f"{V2}/{made['id']}/checks/{check['id']}"),
            await caller.get(f"/v1/checks/{check['id']}", params=applied),
            await caller.get("/v3/checks", params=applied),
        ):
            assert "Carts" in str(answer) or "Shop" in str(answer)
            assert "locked-value" not in str(answer)


# --- checks in a group ------------------------------------------------------------------------


async def test_a_check_is_in_the_group_it_names_until_it_is_changed(api: Api) -> None:
    group = await make(api)
    monitor = await api.create_url_monitor(groupId=group["id"], groupOrder=2)
    path = f"/v1/checks/{monitor['id']}"
    assert (monitor["groupId"], monitor["groupOrder"]) == (group["id"], 2)
    assert (await api.get(path))["groupId"] == group["id"]
    renamed = await api.put(f"/v1/checks/url/{monitor['id']}", {"name": "Renamed"})
    assert (renamed["groupId"], renamed["groupOrder"]) == (group["id"], 2)
    alone = await api.put(f"/v1/checks/url/{monitor['id']}", {"groupId": None, "groupOrder": None})
    assert (alone["groupId"], alone["groupOrder"]) == (None, None)
    assert await api.get(f"{V1}/{group['id']}/checks") == []


@pytest.mark.parametrize("wrong", [0, "x", NOWHERE, 1.5, {}, {"id": 1}])
async def test_a_check_cannot_be_in_a_group_that_is_not_there(api: Api, stranger: Api, wrong: object) -> None:
    foreign = await make(stranger)
    for group_id in (wrong, foreign["id"]):
        body = {"name": "x", "locations": [EU], "request": {"url": "https://x.example"}, "groupId": group_id}
        error = await api.post("/v1/checks/url", body, status=400)
        assert "groupId" in error["message"]


async def test_a_group_that_holds_checks_cannot_be_deleted(api: Api) -> None:
    group = await make(api)
    monitor = await api.create_url_monitor(groupId=group["id"])
    error = await api.delete(f"{V1}/{group['id']}", status=409)
    assert "1 checks" in error["message"]
    await api.delete(f"/v1/checks/{monitor['id']}")
    await api.delete(f"{V1}/{group['id']}")


async def test_the_checks_of_a_group_are_listed_in_their_order_with_its_settings(api: Api) -> None:
    variables = [{"key": "A", "value": "group"}, {"key": "B", "value": "group"}]
    group = await make(
        api, tags=["shop"], locations=[US], muted=True, runParallel=True, environmentVariables=variables
    )
    own = [{"key": "B", "value": "check"}]
    second = await api.create_url_monitor(name="A", groupId=group["id"], groupOrder=2)
    first = await api.create_suite(
        name="B", groupId=group["id"], groupOrder=1, tags=["cart"], environmentVariables=own
    )
    await api.create_url_monitor(name="not in it")
    for version in (V1, V2):
        found = await api.get(f"{version}/{group['id']}/checks")
        assert [each["id"] for each in found] == [first["id"], second["id"]]
        suite = found[0]
        assert (suite["tags"], suite["locations"]) == (["cart", "shop"], [US])
        assert (suite["muted"], suite["runParallel"]) == (True, True)
        values = {each["key"]: each["value"] for each in suite["environmentVariables"]}
        assert values == {"A": "group", "B": "check"}
        assert ("logicalId" in suite) is (version == V1)
        assert await api.get(f"{version}/{group['id']}/checks/{first['id']}") == suite
        (page,) = await api.get(f"{version}/{group['id']}/checks", params={"limit": 1, "page": 2})
        assert page["id"] == second["id"]
        kind = version.split("/")[1]
        applied = await api.get(f"/{kind}/checks/{first['id']}", params={"applyGroupSettings": True})
        assert applied == suite
        listed = await api.get(f"/{kind}/checks", params={"applyGroupSettings": True, "search": "B"})
        assert suite in listed
        plain = await api.get(f"/{kind}/checks/{first['id']}")
        assert (plain["tags"], plain["locations"], plain["muted"]) == (["cart"], [EU], False)


async def test_an_api_check_is_shown_with_the_defaults_of_its_group(api: Api) -> None:
    group = await make(api, apiCheckDefaults=FULL["apiCheckDefaults"], retryStrategy=FULL["retryStrategy"])
    own = {"url": "{{GROUP_BASE_URL}}/carts", "headers": [{"key": "accept", "value": "text/plain"}]}
    check = await api.post(
        "/v1/checks/api", {"name": "Carts", "locations": [EU], "request": own, "groupId": group["id"]}
    )
    (shown,) = await api.get(f"{V1}/{group['id']}/checks")
    request = shown["request"]
    assert [(each["key"], each["value"]) for each in request["headers"]] == [("accept", "text/plain")]
    assert [each["key"] for each in request["queryParameters"]] == ["page"]
    assert request["basicAuth"] == {"username": "ada", "password": "pw"}
    assert [each["target"] for each in request["assertions"]] == ["200"]
    assert shown["retryStrategy"] == FULL["retryStrategy"]
    assert (await api.get(f"/v1/checks/{check['id']}"))["request"]["queryParameters"] == []


async def test_a_check_of_another_group_is_404(api: Api) -> None:
    group, other = await make(api), await make(api)
    monitor = await api.create_url_monitor(groupId=other["id"])
    for version in (V1, V2):
        await api.get(f"{version}/{group['id']}/checks/{monitor['id']}", status=404)
        await api.get(f"{version}/{NOWHERE}/checks/{monitor['id']}", status=404)
        await api.get(f"{version}/{other['id']}/checks/{monitor['id']}")


async def test_a_session_runs_where_the_group_says_and_its_tags_are_matched(api: Api) -> None:
    group = await make(api, tags=["nightly"], locations=[US])
    monitor = await api.create_url_monitor(groupId=group["id"])
    body = {"target": {"matchTags": [["nightly"]]}}
    (session,) = (await api.post("/v2/check-sessions/trigger", body))["sessions"]
    assert (session["checkId"], session["runLocations"]) == (monitor["id"], [US])


async def test_an_activated_check_may_leave_the_locations_to_its_group(api: Api) -> None:
    group, empty = await make(api, locations=[US]), await make(api)
    suite = await api.create_suite(locations=[], groupId=group["id"])
    assert (await api.trigger(suite["id"]))["runLocations"] == [US]
    body = {"name": "x", "request": {"url": "https://x.example"}, "locations": [], "groupId": empty["id"]}
    assert "locations" in (await api.post("/v1/checks/url", body, status=400))["message"]


async def test_checks_of_a_deactivated_group_do_not_run(api: Api) -> None:
    group = await make(api, activated=False)
    monitor = await api.create_url_monitor(groupId=group["id"])
    body = {"target": {"checkId": [monitor["id"]]}}
    await api.post("/v2/check-sessions/trigger", body, status=404)
    await api.put(f"{V2}/{group['id']}", {"name": "Shop"})
    await api.post("/v2/check-sessions/trigger", body)


async def test_a_run_has_the_variables_of_account_group_and_check_as_they_are_when_it_begins(
    api: Api, stranger: Api, runner: ScriptedRunner
) -> None:
    def variable(key: str, value: str, **fields: object) -> Json:
        return {"key": key, "value": value, **fields}

    for key in ("A", "B", "C"):
        await api.post("/v1/variables", variable(key, "account"))
    await api.post("/v1/variables", variable("SECRET", "s3cret", secret=True))
    await stranger.post("/v1/variables", variable("D", "stranger"))
    group = await make(api, environmentVariables=[variable("B", "group"), variable("C", "group")])
    suite = await api.create_suite(groupId=group["id"], environmentVariables=[variable("C", "check")])
    session = await api.trigger(suite["id"])
    await api.put("/v1/variables/A", {"value": "changed meanwhile"})
    held = await runner.claim((await api.rows(session["checkSessionId"]))[EU]["sequenceId"], EU)
    values = {each.key: each.value for each in held.job.environment}
    assert values == {"A": "changed meanwhile", "B": "group", "C": "check", "SECRET": "s3cret"}
    assert [each.key for each in held.job.environment if each.secret] == ["SECRET"]


async def test_a_run_of_an_api_check_has_the_defaults_and_the_scripts_of_its_group(
    api: Api, runner: ScriptedRunner
) -> None:
    snippet = await api.post("/v1/snippets", {"name": "Log in", "script": "login()"})
    defaults = {"url": "https://api.example", "headers": [{"key": "Accept", "value": "text/html"}]}
    group = await make(
        api, apiCheckDefaults=defaults, localSetupScript="before()", tearDownSnippetId=snippet["id"]
    )
    body = {"name": "Carts", "locations": [EU], "request": {"url": "{{GROUP_BASE_URL}}/carts"}}
    body |= {"setupSnippetId": snippet["id"], "localTearDownScript": "after()", "groupId": group["id"]}
    check = await api.post("/v1/checks/api", body)
    session = await api.trigger(check["id"])
    await api.put(f"/v1/snippets/{snippet['id']}", {"name": "Log in", "script": "signIn()"})
    job = (await runner.claim((await api.rows(session["checkSessionId"]))[EU]["sequenceId"], EU)).job
    assert isinstance(job.spec, ApiCheck)
    assert [(each.key, each.value) for each in job.spec.request.headers] == [("Accept", "text/html")]
    assert {each.key: each.value for each in job.environment} == {"GROUP_BASE_URL": "https://api.example"}
    assert (*job.setup_scripts, job.spec.setup_script) == ("before()", "signIn()")
    assert (job.spec.teardown_script, *job.teardown_scripts) == ("after()", "signIn()")


async def test_a_private_location_that_a_group_names_cannot_be_deleted(api: Api) -> None:
    location = await api.post("/v1/private-locations", {"name": "Lab", "slugName": f"lab-{id(api)}"[:30]})
    group = await make(api, privateLocations=[location["slugName"]])
    assert group["privateLocations"] == [location["slugName"]]
    path = f"/v1/private-locations/{location['id']}"
    assert "Shop" in (await api.delete(path, status=409))["message"]
    await api.put(f"{V2}/{group['id']}", {"name": "Shop", "privateLocations": None})
    await api.delete(path)


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_RUN", False), ("READ_WRITE", True)])
async def test_groups_are_changed_by_writers_and_seen_by_all(api: Api, role: str, may: bool) -> None:
    made = await make(api)
    async with with_role(api, role) as caller:
        assert (await caller.get(f"{V1}/{made['id']}"))["name"] == "Shop"
        for version in (V1, V2):
            assert await caller.get(f"{version}/{made['id']}/checks") == []
            await caller.post(version, {"name": "x"}, status=201 if may else 403)
            await caller.put(f"{version}/{made['id']}", {"name": "x"}, status=200 if may else 403)
        await caller.delete(f"{V1}/{made['id']}", status=204 if may else 403)


async def test_groups_of_another_account_do_not_exist(api: Api, stranger: Api) -> None:
    made = await make(api)
    monitor = await api.create_url_monitor(groupId=made["id"])
    assert await stranger.get(V1) == []
    await stranger.get(f"{V1}/{made['id']}", status=404)
    await stranger.delete(f"{V1}/{made['id']}", status=404)
    for version in (V1, V2):
        await stranger.put(f"{version}/{made['id']}", {"name": "x"}, status=404)
        await stranger.get(f"{version}/{made['id']}/checks", status=404)
        await stranger.get(f"{version}/{made['id']}/checks/{monitor['id']}", status=404)
    snippet = await stranger.post("/v1/snippets", {"name": "x", "script": "x"})
    location = await stranger.post("/v1/private-locations", {"name": "x", "slugName": f"x-{id(api)}"[:30]})
    for fields, word in (
        ({"setupSnippetId": snippet["id"]}, "setupSnippetId"),
        ({"privateLocations": [location["slugName"]]}, "privateLocations"),
    ):
        error = await api.post(V2, {"name": "x", **fields}, status=400)
        assert word in error["message"]
