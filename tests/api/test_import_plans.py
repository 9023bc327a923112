"""Imports: checks of the account become a project's, in steps that can be undone."""

from typing import Any

import pytest

from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.roles import with_role

PROJECTS = "/next/projects"
PLANS = f"{PROJECTS}/shop/imports"


async def new_project(api: Api, logical_id: str = "shop") -> Json:
    made: Json = await api.post(PROJECTS, {"logicalId": logical_id, "name": "Shop"})
    return made


async def new_plan(api: Api, *filters: Json, status: int = 201, preview: bool = False) -> Any:
    body = {"filters": list(filters), "friends": []}
    return await api.post(f"{PLANS}?preview={str(preview).lower()}", body, status=status)


def only(check: Json) -> tuple[Json, Json]:
    """The filters of a command line that names one check."""
    return {"type": "exclude"}, {"type": "include", "resource": {"type": "check", "physicalId": check["id"]}}


async def step(api: Api, plan: Json, name: str, *, status: int = 200) -> None:
    await api.post(f"{PROJECTS}/imports/{plan['id']}/{name}", status=status)


async def project_of(api: Api, check: Json) -> object:
    """The check as the next deploy of nothing would treat it."""
    body = {"project": {"logicalId": "shop", "name": "Shop"}, "resources": []}
    dry = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    return [each["action"] for each in dry["diff"] if each["physicalId"] == check["id"]]


async def deploy(api: Api, *resources: Json) -> Json:
    body = {"project": {"logicalId": "shop", "name": "Shop"}, "resources": list(resources)}
    done: Json = await api.post("/v1/projects/deploy?scheduleOnDeploy=false", body, status=202)
    found: Json = await api.get(f"/v1/projects/shop/deployments/{done['id']}")
    return found


async def test_a_project_is_made_once_listed_and_found(api: Api, stranger: Api) -> None:
    made = await new_project(api)
    assert (made["logicalId"], made["name"]) == ("shop", "Shop")
    assert made["created_at"]
    await api.post(PROJECTS, {"logicalId": "shop", "name": "Another"}, status=409)
    assert await api.get(f"{PROJECTS}/shop") == made
    assert await api.get(PROJECTS) == [made]
    await stranger.get(f"{PROJECTS}/shop", status=404)
    assert await stranger.get(PROJECTS) == []


async def test_a_plan_says_what_a_deploy_would_and_changes_nothing(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor(tags=["front"])
    plan = await new_plan(api, {"type": "include"})
    (resource,) = plan["changes"]["resources"]
    assert (resource["type"], resource["physicalId"]) == ("check", check["id"])
    assert resource["logicalId"].startswith("front-page-")
    payload = resource["payload"]
    assert (payload["id"], payload["checkType"], payload["tags"]) == (check["id"], "URL", ["front"])
    assert "appliedAt" not in plan
    assert await project_of(api, check) == []


async def test_a_double_check_is_told_as_the_retries_that_it_is(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor(doubleCheck=True)
    plan = await new_plan(api, *only(check))
    retry = plan["changes"]["resources"][0]["payload"]["retryStrategy"]
    assert (retry["type"], retry["maxRetries"]) == ("FIXED", 1)


async def test_applied_checks_are_changed_by_deploys_and_deleted_only_once_committed(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor()
    plan = await new_plan(api, *only(check))
    await step(api, plan, "apply")
    (resource,) = plan["changes"]["resources"]
    renamed = {**resource, "payload": {**resource["payload"], "name": "Renamed"}}
    deployed = await deploy(api, renamed)
    assert [each["action"] for each in deployed["result"]["diff"]] == ["UPDATE"]
    assert (await api.get(f"/v1/checks/{check['id']}"))["name"] == "Renamed"
    await deploy(api)
    await api.get(f"/v1/checks/{check['id']}")
    await step(api, plan, "commit")
    assert await project_of(api, check) == ["DELETE"]
    await deploy(api)
    await api.get(f"/v1/checks/{check['id']}", status=404)


async def test_a_cancelled_plan_gives_its_checks_back(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor()
    plan = await new_plan(api, *only(check))
    await step(api, plan, "apply")
    await api.delete(f"{PROJECTS}/imports/{plan['id']}")
    await deploy(api)
    await api.get(f"/v1/checks/{check['id']}")
    assert await api.get(PLANS) == []
    await api.delete(f"{PROJECTS}/imports/{plan['id']}", status=404)
    assert (await new_plan(api, {"type": "include"}))["changes"]["resources"][0]["physicalId"] == check["id"]


async def test_steps_out_of_their_order_are_403(api: Api) -> None:
    await new_project(api)
    plan = await new_plan(api, *only(await api.create_url_monitor()))
    await step(api, plan, "commit", status=403)
    await step(api, plan, "apply")
    await step(api, plan, "apply", status=403)
    await step(api, plan, "commit")
    await step(api, plan, "commit", status=403)
    await api.delete(f"{PROJECTS}/imports/{plan['id']}", status=403)


async def test_plans_are_listed_by_how_far_they_have_come(api: Api) -> None:
    await new_project(api)
    plans = [await new_plan(api, *only(await api.create_url_monitor())) for _ in range(3)]
    for plan in plans[1:]:
        await step(api, plan, "apply")
    await step(api, plans[2], "commit")

    async def listed(path: str, **query: str) -> list[str]:
        return [each["id"] for each in await api.get(path, params=query)]

    ids = [plan["id"] for plan in plans]
    assert await listed(PLANS) == ids
    assert await listed(f"{PROJECTS}/imports") == ids
    assert await listed(PLANS, onlyUnapplied="true") == ids[:1]
    assert await listed(PLANS, onlyUncommitted="true") == ids[:2]
    assert all("changes" not in each for each in await api.get(PLANS))


async def test_what_an_open_plan_has_is_left_out_of_the_next_unless_it_is_named(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor()
    await new_plan(api, {"type": "include"})
    error = await new_plan(api, {"type": "include"}, status=404)
    assert "No importable resources were found" in error["message"]
    again = await new_plan(api, *only(check))
    await step(api, again, "apply")
    first = (await api.get(PLANS))[0]
    await step(api, first, "apply", status=409)


async def test_suites_and_checks_of_projects_are_not_imported(api: Api) -> None:
    await new_project(api)
    await api.create_suite()
    payload = {
        "checkType": "URL",
        "name": "Own",
        "request": {"url": "https://shop.example"},
        "locations": [EU],
    }
    await deploy(api, {"type": "check", "logicalId": "own", "payload": payload})
    await new_plan(api, {"type": "include"}, status=404)


async def test_a_preview_is_not_kept(api: Api) -> None:
    await new_project(api)
    await api.create_url_monitor()
    plan = await new_plan(api, {"type": "include"}, preview=True)
    assert len(plan["changes"]["resources"]) == 1
    assert await api.get(PLANS) == []
    await step(api, plan, "apply", status=404)


async def test_the_last_filter_that_is_about_a_check_decides(api: Api) -> None:
    await new_project(api)
    kept, left = [await api.create_url_monitor(name=name) for name in ("kept", "left")]
    excluded = {"type": "exclude", "resource": {"type": "check", "physicalId": left["id"]}}
    plan = await new_plan(api, {"type": "include"}, excluded, preview=True)
    assert [each["physicalId"] for each in plan["changes"]["resources"]] == [kept["id"]]
    of_type = {"type": "include", "resource": {"type": "check"}}
    both = await new_plan(api, {"type": "exclude"}, excluded, of_type, preview=True)
    assert len(both["changes"]["resources"]) == 2


async def test_secrets_are_not_told_and_private_locations_are_by_their_ids(api: Api) -> None:
    await new_project(api)
    place = await api.post("/v1/private-locations", {"name": "Lab", "slugName": f"lab-{unknown_id()[:8]}"})
    body = {
        "name": "Carts",
        "request": {"url": "https://shop.example"},
        "privateLocations": [place["slugName"]],
    }
    secret = {"key": "TOKEN", "value": "hunter2", "secret": True}
    check = await api.post("/v1/checks/api", {**body, "environmentVariables": [secret]})
    plan = await new_plan(api, *only(check))
    assert "hunter2" not in str(plan)
    told, tie = plan["changes"]["resources"]
    assert told["payload"]["environmentVariables"][0]["secret"] is True
    assert tie["type"] == "private-location-check-assignment"
    assert tie["payload"] == {"privateLocationId": place["id"], "checkId": check["id"]}


async def test_a_destroyed_project_leaves_what_was_not_committed(api: Api) -> None:
    await new_project(api)
    check = await api.create_url_monitor()
    await step(api, await new_plan(api, *only(check)), "apply")
    await api.delete(f"{PROJECTS}/shop")
    await new_project(api)
    plan = await new_plan(api, {"type": "include"})
    assert plan["changes"]["resources"][0]["physicalId"] == check["id"]


async def test_plans_are_for_their_own_account_and_for_keys_that_may_edit(api: Api, stranger: Api) -> None:
    await new_project(api)
    plan = await new_plan(api, *only(await api.create_url_monitor()))
    await stranger.get(PLANS, status=404)
    for name in ("apply", "commit"):
        await step(stranger, plan, name, status=404)
    await stranger.delete(f"{PROJECTS}/imports/{plan['id']}", status=404)
    async with with_role(api, "READ_RUN") as reader:
        assert len(await reader.get(PLANS)) == 1
        await step(reader, plan, "apply", status=403)
        await new_plan(reader, {"type": "include"}, status=403)
        await reader.post(PROJECTS, {"logicalId": "x", "name": "X"}, status=403)
        await reader.delete(f"{PROJECTS}/imports/{plan['id']}", status=403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filters": [{"type": "maybe"}]}, "filters"),
        ({"filters": [{"type": "include", "resource": {"physicalId": "1"}}]}, "type"),
        ({"filters": 1}, "filters"),
    ],
)
async def test_bad_filters_are_400(api: Api, body: Json, field: str) -> None:
    await new_project(api)
    assert field in (await api.post(PLANS, body, status=400))["message"]


async def test_what_is_not_there_is_404(api: Api) -> None:
    for name in ("apply", "commit"):
        await api.post(f"{PROJECTS}/imports/{unknown_id()}/{name}", status=404)
    await api.get(PLANS, status=404)
    await new_plan(api, status=404)
    await api.get(f"{PROJECTS}/%00", status=404)
