"""Deploys of every type of resource: references, ties, what is kept, and a second deploy without changes."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.support.api_client import EU, Api, unknown_id
from tests.support.roles import with_role
from tests.support.schemas import Json

DEPLOY = "/v1/projects/deploy"
SECRET = "s3cret-of-a-hook"


def resource(type_: str, logical_id: str, payload: object, **fields: object) -> Json:
    """One resource of a project."""
    return {"logicalId": logical_id, "type": type_, "member": True, "payload": payload, **fields}


def existing(type_: str, logical_id: str, physical_id: object) -> Json:
    """A reference to something that is there already."""
    return resource(type_, logical_id, None, physicalId=physical_id, member=False)


def monitor(logical_id: str, **fields: object) -> Json:
    """A URL monitor as a resource."""
    request = {"url": "http://127.0.0.1:9/", "method": "GET", "assertions": []}
    payload = {"checkType": "URL", "name": logical_id, "locations": [EU], "frequency": 10}
    return resource("check", logical_id, {**payload, "request": request, **fields})


def group(logical_id: str = "g", **fields: object) -> Json:
    """A check group as a command line says it."""
    return resource(
        "check-group", logical_id, {"name": "Shop", "tags": ["grp"], "locations": [], "v": 2, **fields}
    )


def location(api: Api, logical_id: str = "lab") -> Json:
    """A private location; its slug is the account's own."""
    assert api.account
    return resource(
        "private-location", logical_id, {"name": "Lab", "slugName": f"{logical_id}-{str(api.account.id)[:8]}"}
    )


def location_of(length: int) -> Json:
    """A private location with a slug that nobody has."""
    return resource("private-location", "p", {"name": "Lab", "slugName": unknown_id()[:length]})


def project(*resources: Json, logical_id: str = "shop") -> Json:
    """The body of a deploy."""
    return {"project": {"logicalId": logical_id, "name": "Shop"}, "resources": list(resources)}


def everything(api: Api) -> Json:
    """A project with one of every type, in the order in which a command line sends them."""
    assert api.account
    account = str(api.account.id)[:8]
    ref = {"ref": "g"}
    return project(
        resource("status-page-service", "svc", {"name": "Checkout"}),
        resource(
            "status-page",
            "page",
            {
                "name": "Shop",
                "url": f"shop-{account}",
                "cards": [{"name": "Web", "services": [{"ref": "svc"}]}],
            },
        ),
        resource("status-page-component", "cmp", {"name": "Cart", "serviceId": {"ref": "svc"}}),
        resource("status-page-automation-rule", "rule", {"componentId": {"ref": "cmp"}, "checkTags": ["a"]}),
        group(),
        monitor(
            "home",
            groupId=ref,
            triggerIncident={
                "serviceId": {"ref": "svc"},
                "severity": "MAJOR",
                "name": "Down",
                "description": "x",
                "notifySubscribers": False,
            },
        ),
        resource(
            "check",
            "rpc",
            {
                "checkType": "GRPC",
                "name": "RPC",
                "locations": [EU],
                "request": {"url": "grpc.example", "port": 50051, "grpcConfig": {"mode": "HEALTH"}},
            },
        ),
        resource(
            "check",
            "trace",
            {
                "checkType": "TRACEROUTE",
                "name": "Way",
                "locations": [EU],
                "request": {"url": "shop.example"},
            },
        ),
        resource(
            "check",
            "agent",
            {
                "checkType": "AGENTIC",
                "name": "Agent",
                "locations": [EU],
                "frequency": 10,
                "prompt": "Buy a cup",
                "agentRuntime": {"skills": ["playwright"]},
                "somethingNewer": {"a": [1]},
            },
        ),
        resource(
            "alert-channel",
            "hook",
            {
                "type": "WEBHOOK",
                "sendRecovery": False,
                "config": {"name": "Hook", "url": "https://hook.example", "webhookSecret": SECRET},
            },
        ),
        resource(
            "alert-channel-subscription",
            "check#hook",
            {
                "alertChannelId": {"ref": "hook"},
                "checkId": {"ref": "home"},
                "activated": True,
            },
        ),
        resource(
            "alert-channel-subscription",
            "group#hook",
            {
                "alertChannelId": {"ref": "hook"},
                "groupId": ref,
                "activated": False,
            },
        ),
        resource(
            "maintenance-window",
            "night",
            {
                "name": "Night",
                "tags": ["a"],
                "startsAt": "2026-01-01T00:00:00.000Z",
                "endsAt": "2026-01-01T01:00:00.000Z",
                "repeatInterval": 1,
                "repeatUnit": "DAY",
            },
        ),
        location(api),
        resource(
            "private-location-check-assignment",
            "home#lab",
            {
                "privateLocationId": {"ref": "lab"},
                "checkId": {"ref": "home"},
            },
        ),
        resource(
            "private-location-group-assignment",
            "g#lab",
            {
                "privateLocationId": {"ref": "lab"},
                "groupId": ref,
            },
        ),
        resource("dashboard", "board", {"header": "Shop", "tags": ["a"], "customUrl": f"board-{account}"}),
    )


def actions(diff: list[Json]) -> dict[tuple[str, str], str]:
    """What happens to which."""
    return {(each["type"], each["logicalId"]): each["action"] for each in diff}


async def test_every_type_is_deployed_and_a_second_deploy_of_the_same_changes_nothing(api: Api) -> None:
    body = everything(api)
    wanted = {(each["type"], each["logicalId"]): "CREATE" for each in body["resources"]}
    preview = await api.post(f"{DEPLOY}?dryRun=true", body, status=200)
    assert actions(preview["diff"]) == wanted
    assert {each["physicalId"] for each in preview["diff"]} == {None}
    assert await api.get("/v1/checks") == []
    done = await api.post(DEPLOY, body, status=202)
    assert actions(done["result"]["diff"]) == wanted
    assert (await api.post(f"{DEPLOY}?dryRun=true", body, status=200))["diff"] == []
    assert (await api.post(DEPLOY, body, status=202))["result"]["diff"] == []
    assert (await api.post("/next-v2/projects/deploy", body, status=200))["diff"] == []


async def test_a_page_of_components_is_deployed_read_and_the_same_again(api: Api) -> None:
    assert api.account
    page = {"name": "Shop", "url": f"of-components-{str(api.account.id)[:8]}", "version": 3}
    themes = {"light": {"bodyFontColor": "#0aF"}}
    of_page = {"statusPageId": {"ref": "page"}, "displayOrder": 1}
    body = project(
        resource("status-page", "page", {**page, "footerText": "Since 1999", "themeColors": themes}),
        resource("status-page-component", "all", {**of_page, "type": "GROUP", "name": "All"}),
        resource("status-page-component", "cart", {**of_page, "parentId": {"ref": "all"}, "name": "Cart"}),
        resource(
            "status-page-automation-rule",
            "rule",
            {"statusPageId": {"ref": "page"}, "components": [{"componentId": {"ref": "cart"}}]},
        ),
    )
    await api.post(DEPLOY, body, status=202)
    (read,) = (await api.get("/v1/status-pages"))["entries"]
    assert (read["name"], read["version"], read["cards"]) == ("Shop", 3, [])
    assert (await api.post(DEPLOY, body, status=202))["result"]["diff"] == []
    body["resources"][0]["payload"]["footerText"] = "Since 2001"
    diff = (await api.post(DEPLOY, body, status=202))["result"]["diff"]
    assert actions(diff) == {("status-page", "page"): "UPDATE"}


async def test_references_become_ids_of_what_was_deployed_and_ties_hold(api: Api) -> None:
    done = await api.post(DEPLOY, everything(api), status=202)
    ids = {(each["type"], each["logicalId"]): each["physicalId"] for each in done["result"]["diff"]}
    (slug,) = [each["slugName"] for each in await api.get("/v1/private-locations")]
    number, channel = int(ids["check-group", "g"]), int(ids["alert-channel", "hook"])
    check = await api.get(f"/v1/checks/{ids['check', 'home']}")
    assert check["groupId"] == number
    assert check["privateLocations"] == [slug]
    assert check["alertChannelSubscriptions"] == [{"alertChannelId": channel, "activated": True}]
    assert check["triggerIncident"]["serviceId"] == ids["status-page-service", "svc"]
    shop = await api.get(f"/v1/check-groups/{number}")
    assert shop["privateLocations"] == [slug]
    assert shop["alertChannelSubscriptions"] == [{"alertChannelId": channel, "activated": False}]
    assert shop["projectBindings"]["owner"]["project"]["logicalId"] == "shop"
    assert shop["projectBindings"]["owner"]["binding"]["logicalId"] == "g"


async def test_what_this_version_does_not_act_on_is_said_in_the_difference(api: Api) -> None:
    done = await api.post(DEPLOY, everything(api), status=202)
    noted = Counter(each["type"] for each in done["result"]["diff"] if "not act" in each.get("note", ""))
    assert noted == Counter(
        {"check": 3, "alert-channel": 1, "alert-channel-subscription": 2, "maintenance-window": 1,
         "dashboard": 1, "status-page": 1, "status-page-service": 1, "status-page-component": 1,
         "status-page-automation-rule": 1}
    )  # fmt: skip


async def test_changed_resources_are_updated_and_those_no_longer_named_are_deleted(api: Api) -> None:
    body = everything(api)
    await api.post(DEPLOY, body, status=202)
    changed = json.loads(json.dumps(body))
    for each in changed["resources"]:
        if each["type"] in ("check-group", "status-page-service", "maintenance-window", "private-location"):
            each["payload"]["name"] = "Changed"
        if each["type"] == "alert-channel":
            each["payload"]["config"]["webhookSecret"] = "another"
        if each["type"] == "status-page-automation-rule":
            each["payload"]["checkTags"] = ["b"]
    diff = actions((await api.post(DEPLOY, changed, status=202))["result"]["diff"])
    assert {type_ for type_, _ in diff} == {
        *("check-group", "status-page-service", "maintenance-window", "private-location", "alert-channel"),
        "status-page-automation-rule",
    }
    assert set(diff.values()) == {"UPDATE"}
    diff = actions((await api.post(DEPLOY, project(monitor("home")), status=202))["result"]["diff"])
    assert diff.pop(("check", "home")) == "UPDATE"
    assert set(diff.values()) == {"DELETE"}
    assert len(diff) == len(body["resources"]) - 1
    assert await api.get("/v1/private-locations") == await api.get("/v1/check-groups") == []


@pytest.mark.parametrize("preserve", [False, True])
async def test_a_destroy_deletes_or_detaches_every_type(api: Api, *, preserve: bool) -> None:
    body = everything(api)
    await api.post(DEPLOY, body, status=202)
    query = f"preserveResources={str(preserve).lower()}"
    planned = await api.delete(f"/v1/projects/shop?{query}&dryRun=true", status=200)
    done = await api.delete(f"/v1/projects/shop?{query}", status=200)
    assert done["diff"] == planned["diff"]
    assert set(actions(done["diff"]).values()) == {"DETACHED" if preserve else "DELETE"}
    assert len(done["diff"]) == len(body["resources"])
    kept = (4, 1, 1) if preserve else (0, 0, 0)
    paths = ("checks", "check-groups", "private-locations")
    assert tuple([len(await api.get(f"/v1/{path}")) for path in paths]) == kept
    if preserve:
        (found,) = await api.get("/v1/check-groups")
        assert found["projectBindings"]["owner"] is None


async def test_what_exists_is_referred_to_by_its_physical_id_and_tied_and_untied(api: Api) -> None:
    assert api.account
    slug = f"cellar-{str(api.account.id)[:8]}"
    cellar = await api.post("/v1/private-locations", {"name": "Cellar", "slugName": slug})
    there = await api.post("/v2/check-groups", {"name": "There"})
    refs = [existing("private-location", "pl", cellar["id"]), existing("check-group", "cg", there["id"])]
    ties = [
        resource("private-location-check-assignment", "a", {
            "privateLocationId": {"ref": "pl"}, "checkId": {"ref": "home"},
        }),
        resource("private-location-group-assignment", "b", {
            "privateLocationId": {"ref": "pl"}, "groupId": {"ref": "cg"},
        }),
    ]  # fmt: skip
    body = project(*refs, monitor("home", locations=[], groupId={"ref": "cg"}), *ties)
    done = await api.post(DEPLOY, body, status=202)
    assert len(done["result"]["diff"]) == 3
    (check,) = await api.get("/v1/checks")
    assert (check["groupId"], check["privateLocations"]) == (there["id"], [slug])
    assert (await api.get(f"/v1/check-groups/{there['id']}"))["privateLocations"] == [slug]
    await api.post(DEPLOY, project(*refs, monitor("home", groupId={"ref": "cg"})), status=202)
    assert (await api.get(f"/v1/check-groups/{there['id']}"))["privateLocations"] == []
    assert (await api.get("/v1/checks"))[0]["privateLocations"] == []


@pytest.mark.parametrize(
    ("resources", "word"),
    [
        ([monitor("home", groupId={"ref": "nobody"})], "resources[home].groupId"),
        ([existing("check-group", "g", 2_000_000_000)], "resources[g].physicalId"),
        ([existing("check-group", "g", "x")], "resources[g].physicalId"),
        ([existing("private-location", "p", None)], "resources[p].physicalId"),
        ([existing("check", "c", "5e9d1c0a-0000-4000-8000-000000000000")], "resources[c].physicalId"),
        ([group(name="")], "resources[g].name"),
        ([group(concurrency=0)], "resources[g].concurrency"),
        ([resource("private-location", "p", {"name": "Lab", "slugName": "us-east-1"})], "slugName"),
        ([resource("alert-channel", "a", {"type": "EMAIL", "config": {}})], "resources[a].config.address"),
        ([resource("alert-channel", "a", {"type": "PIGEON", "config": {}})], "resources[a].type"),
        ([resource("dashboard", "d", {"header": "x", "refreshRate": 7})], "resources[d].refreshRate"),
        ([resource("maintenance-window", "m", {"name": "x"})], "resources[m].startsAt"),
        ([resource("status-page", "s", {"name": "x", "url": "y"})], "resources[s].cards"),
        ([resource("status-page-component", "s", {"a": {"ref": "b"}})], "resources[s].a"),
        ([resource("status-page-component", "s", {"a": "\x00"})], "NUL"),
        ([group(), group()], "twice"),
        ([monitor("x" * 300)], "255"),
        ([resource("alert-channel-subscription", "s", {"activated": True})], "resources[s].alertChannelId"),
        ([resource("private-location-check-assignment", "s", {})], "resources[s].privateLocationId"),
        (
            [resource("alert-channel-subscription", "s", {"alertChannelId": 10**30, "groupId": 1})],
            "resources[s].alertChannelId",
        ),
        (
            [
                location_of(10),
                resource(
                    "private-location-group-assignment",
                    "s",
                    {"privateLocationId": {"ref": "p"}, "groupId": 10**30},
                ),
            ],
            "resources[s].groupId",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_deployed_is_refused_by_resource_and_field_and_nothing_is_saved(
    api: Api, resources: list[Any], word: str
) -> None:
    error = await api.post(DEPLOY, project(monitor("first"), *resources), status=400)
    assert word in error["message"]
    assert await api.get("/v1/checks") == []
    await api.get("/v1/projects/shop", status=404)


async def test_another_accounts_things_cannot_be_referred_to(api: Api, stranger: Api) -> None:
    theirs = await stranger.post("/v2/check-groups", {"name": "Theirs"})
    body = project(existing("check-group", "cg", theirs["id"]), monitor("home", groupId={"ref": "cg"}))
    await api.post(DEPLOY, body, status=400)


async def test_private_locations_need_an_administrator_only_where_they_change(api: Api) -> None:
    body = project(location(api), monitor("home"))
    async with with_role(api, "READ_WRITE") as writer:
        await writer.post(DEPLOY, body, status=403)
        await api.post(DEPLOY, body, status=202)
        await writer.post(DEPLOY, body, status=202)
        await writer.post(DEPLOY, project(monitor("home")), status=403)
        await writer.delete("/v1/projects/shop", status=403)
        assert len(await writer.get("/v1/private-locations")) == 1


async def test_a_group_that_others_are_in_is_not_deleted_under_them(api: Api) -> None:
    done = await api.post(DEPLOY, project(group()), status=202)
    number = int(done["result"]["diff"][0]["physicalId"])
    await api.create_url_monitor(groupId=number)
    error = await api.delete("/v1/projects/shop", status=409)
    assert "'Shop' holds 1 checks" in error["message"]
    await api.get(f"/v1/check-groups/{number}")


async def test_a_private_location_that_others_use_is_not_deleted_under_them(api: Api) -> None:
    await api.post(DEPLOY, project(location(api)), status=202)
    (lab,) = await api.get("/v1/private-locations")
    assert lab["keys"] == [], "a key is made by who can be shown it"
    await api.create_url_monitor(privateLocations=[lab["slugName"]])
    assert "in use" in (await api.post(DEPLOY, project(), status=409))["message"]


async def test_kept_checks_cannot_run_and_say_so_in_every_session(api: Api) -> None:
    await api.post(DEPLOY, everything(api), status=202)
    kept = [each for each in await api.get("/v1/checks") if each["checkType"] in ("GRPC", "AGENTIC")]
    session = await api.trigger(kept[0]["id"])
    done = await api.completion("check", session["checkSessionId"])
    assert done["status"] == "FAILED"
    assert {(row["hasErrors"], row["resultType"]) for row in done["results"]} == {(True, "FINAL")}
    started = await api.start_test_session(*(each["id"] for each in kept))
    done = await api.completion("test", started["testSessionId"])
    assert (done["status"], len(done["results"])) == ("FAILED", 2)
    path = f"/v1/test-sessions/{started['testSessionId']}/results/{done['results'][0]['testSessionResultId']}"
    assert "cannot run them yet" in json.dumps(await api.get(path))


async def test_a_kept_check_that_is_not_deployed_ends_with_the_same_error(api: Api) -> None:
    job = {
        "logicalId": "rpc", "checkType": "GRPC", "name": "RPC", "locations": [EU],
        "request": {"url": "grpc.example", "port": 50051},
        "sourceInfo": {"checkRunSuiteId": unknown_id(), "checkRunId": unknown_id()},
    }  # fmt: skip
    body = {"name": "x", "runLocation": {"type": "PUBLIC", "region": EU}, "checkRunJobs": [job]}
    started = await api.post("/v1/test-sessions/run", body, status=202)
    done = await api.completion("test", started["testSessionId"])
    assert done["results"][0]["hasErrors"] is True


async def test_a_new_group_of_the_first_version_overrides_its_checks(api: Api) -> None:
    first = resource("check-group", "g", {"name": "Old", "locations": [EU], "doubleCheck": False})
    body = project(first, monitor("home", groupId={"ref": "g"}))
    await api.post(DEPLOY, body, status=202)
    (found,) = await api.get("/v1/check-groups")
    assert (found["runParallel"], found["useGlobalAlertSettings"]) == (False, True)
    assert (await api.post(DEPLOY, body, status=202))["result"]["diff"] == []


async def test_variables_of_a_deployed_group_keep_their_secrets(api: Api) -> None:
    said = [{"key": "TOKEN", "value": SECRET, "secret": True}]
    body = project(group(environmentVariables=said))
    await api.post(DEPLOY, body, status=202)
    (found,) = await api.get("/v1/check-groups")
    assert found["environmentVariables"][0]["value"] == ""
    assert (await api.post(DEPLOY, body, status=202))["result"]["diff"] == []
