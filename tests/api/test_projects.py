"""Deploys over the API: the difference, the result as a stream, the first sessions."""

import json

import pytest

from tests.support.api_client import EU, Api, unknown_id

Json = dict[str, object]


def suite(logical_id: str, key: str, **fields: object) -> Json:
    """A suite as a resource of a project."""
    payload = {
        "checkType": "PLAYWRIGHT",
        "name": logical_id.title(),
        "codeBundlePath": key,
        "locations": [EU],
        "frequency": 10,
        **fields,
    }
    return {"logicalId": logical_id, "type": "check", "member": True, "payload": payload}


def project(*resources: Json) -> Json:
    """The body of a deploy."""
    return {
        "project": {"logicalId": "shop", "name": "Shop", "repoUrl": "https://git.example/shop"},
        "sharedFiles": [],
        "resources": list(resources),
        "repoInfo": None,
    }


def changes(diff: list[Json]) -> set[tuple[object, object]]:
    """Logical ids with what happens to them."""
    return {(change["logicalId"], change["action"]) for change in diff}


async def test_a_dry_run_says_what_would_change_and_changes_nothing(api: Api) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    answer = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    assert changes(answer["diff"]) == {("cart", "CREATE")}
    assert await api.get("/v1/checks") == []
    await api.get("/v1/projects/shop", status=404)


async def test_a_second_deploy_of_the_same_changes_nothing_and_runs_the_suites_again(api: Api) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    await api.post("/v1/projects/deploy", body, status=202)
    preview = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    assert preview["diff"] == []
    again = await api.post("/v1/projects/deploy", body, status=202)
    assert again["result"]["diff"] == []
    assert len(again["result"]["sessionIds"]) == 1


async def test_a_deploy_creates_updates_and_deletes_until_the_account_is_as_it_says(api: Api) -> None:
    key = await api.upload_bundle()
    first = await api.post(
        "/v1/projects/deploy", project(suite("cart", key), suite("search", key)), status=202
    )
    assert first["status"] == "SUCCEEDED"
    assert changes(first["result"]["diff"]) == {("cart", "CREATE"), ("search", "CREATE")}
    again = await api.post(
        "/v1/projects/deploy", project(suite("cart", key, name="Basket"), suite("pay", key)), status=202
    )
    assert changes(again["result"]["diff"]) >= {("pay", "CREATE"), ("search", "DELETE"), ("cart", "UPDATE")}
    by_logical_id = {check["logicalId"]: check for check in await api.get("/v1/checks")}
    assert set(by_logical_id) == {"cart", "pay"}
    assert by_logical_id["cart"]["name"] == "Basket"
    ids = {change["logicalId"]: change["physicalId"] for change in first["result"]["diff"]}
    assert by_logical_id["cart"]["id"] == ids["cart"]


async def test_resources_can_be_preserved(api: Api) -> None:
    key = await api.upload_bundle()
    await api.post("/v1/projects/deploy", project(suite("cart", key)), status=202)
    answer = await api.post("/v1/projects/deploy?preserveResources=true", project(), status=202)
    assert changes(answer["result"]["diff"]) == {("cart", "DETACHED")}
    assert [check["name"] for check in await api.get("/v1/checks")] == ["Cart"]


async def test_a_deploy_starts_a_first_session_of_each_suite_that_can_be_cancelled(api: Api) -> None:
    """C5."""
    body = project(suite("cart", await api.upload_bundle()))
    answer = await api.post("/v1/projects/deploy", body, status=202)
    (session_id,) = answer["result"]["sessionIds"]
    session = await api.get(f"/v2/check-sessions/{session_id}")
    assert session["runSource"] == "CLI_DEPLOY"
    await api.cancel("check", session_id)
    assert await api.status("check", session_id) == "CANCELLED"


async def test_a_deploy_without_schedule_starts_nothing(api: Api) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    answer = await api.post("/v1/projects/deploy?scheduleOnDeploy=false", body, status=202)
    assert answer["result"]["sessionIds"] == []
    assert (await api.get("/v2/check-sessions"))["entries"] == []


async def test_a_deployment_can_be_asked_for_and_watched(api: Api, stranger: Api) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    deployed = await api.post("/v1/projects/deploy", body, status=202)
    path = f"/v1/projects/shop/deployments/{deployed['id']}"
    assert await api.get(path) == deployed
    assert await api.get(f"{path}/completion", params={"maxWaitSeconds": 30}) == deployed
    stream = (await api.http.get(f"{path}/events")).text
    assert "\r" not in stream
    progress, complete = stream.strip().split("\n\n")
    assert progress.split("\n") == ["event: progress", 'data: {"progress":100}']
    event, data = complete.split("\n")
    assert event == "event: complete"
    assert json.loads(data.removeprefix("data: ")) == deployed
    for suffix in ("", "/completion", "/events"):
        await stranger.get(path + suffix, status=404)
        await api.get(f"/v1/projects/shop/deployments/{unknown_id()}{suffix}", status=404)


async def test_a_deployment_is_over_before_it_could_be_cancelled(api: Api, stranger: Api) -> None:
    deployed = await api.post("/v1/projects/deploy", project(), status=202)
    cancel = f"/v1/projects/shop/deployments/{deployed['id']}/cancel"
    assert "nothing to cancel" in (await api.post(cancel, status=404))["message"]
    assert "no project" in (await stranger.post(cancel, status=404))["message"]


@pytest.mark.parametrize("query", ["dryrun=true", "force=true"])
async def test_an_unknown_option_is_400_since_it_could_be_a_misspelt_dry_run(api: Api, query: str) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    error = await api.post(f"/v1/projects/deploy?{query}", body, status=400)
    assert query.split("=", maxsplit=1)[0] in error["message"]
    assert await api.get("/v1/checks") == []


async def test_a_deploy_is_all_or_nothing_and_its_error_names_resource_and_field(api: Api) -> None:
    key = await api.upload_bundle()
    body = project(suite("cart", key), suite("search", key, frequency=7))
    error = await api.post("/v1/projects/deploy", body, status=400)
    assert "search" in error["message"]
    assert "frequency" in error["message"]
    assert await api.get("/v1/checks") == []


async def test_resources_of_types_that_are_unknown_are_400_and_named(api: Api) -> None:
    body = project({"logicalId": "x", "type": "teapot", "member": True, "payload": {}})
    error = await api.post("/v1/projects/deploy", body, status=400)
    assert "'teapot'" in error["message"]
    assert "check-group" in error["message"]


@pytest.mark.parametrize("preserve", [False, True])
async def test_a_destroy_deletes_or_detaches_what_a_project_deployed_and_is_harmless_twice(
    api: Api, *, preserve: bool
) -> None:
    await api.post("/v1/projects/deploy", project(suite("cart", await api.upload_bundle())), status=202)
    query = f"preserveResources={str(preserve).lower()}"
    action = "DETACHED" if preserve else "DELETE"
    preview = await api.delete(f"/v1/projects/shop?{query}&dryRun=true", status=200)
    assert changes(preview["diff"]) == {("cart", action)}
    await api.get("/v1/projects/shop")
    done = await api.delete(f"/v1/projects/shop?{query}&dryRun=false", status=200)
    assert changes(done["diff"]) == {("cart", action)}
    assert "status" not in done
    await api.get("/v1/projects/shop", status=404)
    assert len(await api.get("/v1/checks")) == (1 if preserve else 0)
    assert (await api.delete("/v1/projects/shop", status=200))["diff"] == []


async def test_a_project_of_another_account_is_none_to_destroy(api: Api, stranger: Api) -> None:
    await api.post("/v1/projects/deploy", project(suite("cart", await api.upload_bundle())), status=202)
    assert (await stranger.delete("/v1/projects/shop", status=200))["diff"] == []
    assert len(await api.get("/v1/checks")) == 1


async def test_older_clients_deploy_and_destroy_with_the_answer_at_once(api: Api) -> None:
    body = project(suite("cart", await api.upload_bundle()))
    preview = await api.post("/next-v2/projects/deploy?dryRun=true", body, status=200)
    done = await api.post("/next-v2/projects/deploy?dryRun=false&scheduleOnDeploy=false", body, status=200)
    assert changes(preview["diff"]) == changes(done["diff"]) == {("cart", "CREATE")}
    await api.delete("/next/projects/shop?preserveResources=false")
    assert await api.get("/v1/checks") == []
