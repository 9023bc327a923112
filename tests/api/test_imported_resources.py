"""Imports of whatever code can be written for: what is planned, taken, kept from deploys and given back."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.test_deployed_resources import existing, group, monitor, resource
from tests.api.test_import_plans import PLANS, deploy, new_plan, new_project, step
from tests.support.api_client import EU, Api, Json, unknown_id

WINDOW: Json = {
    "name": "Night",
    "tags": ["a"],
    "startsAt": "2026-01-01T00:00:00.000Z",
    "endsAt": "2026-01-01T01:00:00.000Z",
    "repeatUnit": None,
}
BODIES: Mapping[str, tuple[str, Json]] = {
    "alert-channel": ("/v1/alert-channels", {"type": "EMAIL", "config": {"address": "ops@shop.test"}}),
    "check": ("/v1/checks/url", {"name": "Front", "request": {"url": "https://a.test"}, "locations": [EU]}),
    "check-group": ("/v2/check-groups", {"name": "Team", "tags": ["team"]}),
    "dashboard": ("/v1/dashboards", {"header": "Board"}),
    "maintenance-window": ("/v1/maintenance-windows", WINDOW),
    "private-location": ("/v1/private-locations", {"name": "Lab"}),
    "status-page": ("/v1/status-pages", {"name": "How we do", "cards": []}),
    "status-page-service": ("/v1/status-pages/services", {"name": "Web"}),
}
PATHS = {type_: path.removesuffix("/url").replace("/v2/", "/v1/") for type_, (path, _) in BODIES.items()}


async def make(api: Api, type_: str, **fields: object) -> Json:
    """One thing by hand. Names that are nobody else's where all accounts share them."""
    path, body = BODIES[type_]
    own = {"private-location": "slugName", "status-page": "url"}.get(type_)
    named = {own: f"n{unknown_id()[:8]}"} if own else {}
    answer = await api.request("POST", path, json={**body, **named, **fields})
    assert answer.is_success, answer.text
    made: Json = answer.json()
    return made


def place_of(type_: str, thing: Json) -> str:
    """Where it is read. Dashboards are known by another id there."""
    return f"{PATHS[type_]}/{thing.get('dashboardId', thing['id'])}"


def written(planned: Json) -> Json:
    """The thing as code says it: without its id."""
    payload = {name: value for name, value in planned["payload"].items() if name != "id"}
    return {**planned, "payload": payload, "physicalId": None}


def only(type_: str, thing: Json) -> tuple[Json, Json]:
    """The filters of a command line that names one thing."""
    about = {"type": type_, "physicalId": thing["id"]}
    return {"type": "exclude"}, {"type": "include", "resource": about}


async def dry_run(api: Api, *resources: Json) -> Any:
    """What a deploy would change, by type and action."""
    body = {"project": {"logicalId": "shop", "name": "Shop"}, "resources": list(resources)}
    dry = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    return [(each["type"], each["action"]) for each in dry["diff"]]


@pytest.mark.parametrize("type_", BODIES)
async def test_a_thing_of_any_type_is_taken_kept_from_deletion_and_given_back(api: Api, type_: str) -> None:
    await new_project(api)
    thing = await make(api, type_)
    await api.get(place_of(type_, thing))
    plan = await new_plan(api, *only(type_, thing))
    (planned,) = plan["changes"]["resources"]
    assert (planned["type"], planned["physicalId"]) == (type_, thing["id"])
    assert planned["payload"]["id"] == thing["id"]
    await step(api, plan, "apply")
    assert await dry_run(api, written(planned)) == []
    assert await dry_run(api) == []
    await api.delete(f"/next/projects/imports/{plan['id']}")
    again = await new_plan(api, *only(type_, thing))
    await step(api, again, "apply")
    await step(api, again, "commit")
    assert await dry_run(api) == [(type_, "DELETE")]
    await deploy(api)
    await api.get(place_of(type_, thing), status=404)


async def test_a_destroyed_project_leaves_things_of_any_type_that_were_not_committed(api: Api) -> None:
    await new_project(api)
    things = {type_: await make(api, type_) for type_ in BODIES}
    plan = await new_plan(api, {"type": "include"})
    assert {each["type"] for each in plan["changes"]["resources"]} == set(BODIES)
    await step(api, plan, "apply")
    await api.delete("/next/projects/shop")
    for type_, thing in things.items():
        await api.get(place_of(type_, thing))


async def test_a_group_is_planned_with_its_places_and_its_channels_and_without_its_secrets(api: Api) -> None:
    await new_project(api)
    place, channel = await make(api, "private-location"), await make(api, "alert-channel")
    secret = {"key": "TOKEN", "value": "hunter2", "secret": True}
    made = await make(
        api,
        "check-group",
        privateLocations=[place["slugName"]],
        alertChannelSubscriptions=[{"alertChannelId": channel["id"], "activated": True}],
        environmentVariables=[secret],
    )
    plan = await new_plan(api, *only("check-group", made))
    assert "hunter2" not in str(plan)
    group, *ties = plan["changes"]["resources"]
    assert (group["payload"]["name"], group["payload"]["tags"]) == ("Team", ["team"])
    assert [(each["type"], each["payload"]) for each in ties] == [
        ("private-location-group-assignment", {"privateLocationId": place["id"], "groupId": made["id"]}),
        (
            "alert-channel-subscription",
            {"alertChannelId": channel["id"], "groupId": made["id"], "activated": True},
        ),
    ]


async def test_what_the_projects_code_exports_is_told_by_its_ids(api: Api) -> None:
    await new_project(api)
    await deploy(
        api, group("team"), monitor("front"), resource("status-page-service", "web", {"name": "Web"})
    )
    (deployed,) = await api.get("/v1/check-groups")
    await make(api, "check", groupId=deployed["id"])
    exported = [
        {"type": "check-group", "logicalId": "team"},
        {"type": "check-group", "logicalId": "not-deployed-yet"},
        {"type": "status-page-service", "logicalId": "web"},
        {"type": "unheard-of", "logicalId": "team"},
    ]
    plan = await api.post(PLANS, {"filters": [{"type": "include"}], "friends": exported})
    friends = {each["logicalId"]: each for each in plan["changes"]["friends"]}
    assert set(friends) == {"team", "web"}
    assert friends["team"]["physicalId"] == deployed["id"]
    (check,) = plan["changes"]["resources"]
    assert check["payload"]["groupId"] == deployed["id"]


async def test_snippets_that_stand_for_scripts_come_with_the_plan(api: Api) -> None:
    await new_project(api)
    named = await api.post("/v1/snippets", {"name": "sign-in", "script": "signIn()"})
    await api.post("/v1/snippets", {"name": "unused", "script": "1"})
    body = {"name": "Orders", "request": {"url": "https://a.test"}, "locations": [EU]}
    await api.post("/v1/checks/api", {**body, "setupSnippetId": named["id"]})
    plan = await new_plan(api, {"type": "include"})
    assert plan["changes"]["auxiliary"] == [
        {
            "type": "snippet",
            "physicalId": named["id"],
            "payload": {"id": named["id"], "name": "sign-in", "script": "signIn()"},
        }
    ]


async def test_what_became_another_projects_is_not_taken(api: Api) -> None:
    await new_project(api)
    thing = await make(api, "check-group")
    first, second = [await new_plan(api, *only("check-group", thing)) for _ in range(2)]
    await step(api, first, "apply")
    await step(api, second, "apply", status=409)


async def test_what_is_imported_may_be_referred_to_by_what_is_deployed(api: Api) -> None:
    await new_project(api)
    thing = await make(api, "check-group")
    plan = await new_plan(api, *only("check-group", thing))
    await step(api, plan, "apply")
    (planned,) = plan["changes"]["resources"]
    of_group = monitor("front", groupId={"ref": planned["logicalId"]})
    await deploy(api, written(planned), of_group)
    assert [each["groupId"] for each in await api.get("/v1/checks")] == [thing["id"]]
    beside = existing("check-group", "elsewhere", thing["id"])
    assert await dry_run(api, beside, monitor("front", groupId={"ref": "elsewhere"})) == []
