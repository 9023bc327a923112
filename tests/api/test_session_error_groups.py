"""Groups of errors of test sessions: by project, what is the same, and what somebody put away."""

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from tests.api.test_test_sessions import run_request
from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.roles import with_role
from tests.support.scripted_runner import ScriptedRunner

GROUPS = "/v1/test-session-error-groups"
JOB: Json = {
    "checkType": "URL",
    "name": "Front",
    "logicalId": "front",
    "request": {"url": "http://127.0.0.1:9/", "method": "GET", "assertions": []},
}


def failed(message: str) -> Outcome:
    return Outcome(Verdict.FAILED, Blame.TARGET, "ANY", message)


async def tried(
    api: Api,
    runner: ScriptedRunner,
    outcome: Outcome | None,
    *,
    project: str | None = "shop",
    **fields: object,
) -> str:
    """A test session of a check that is not deployed; how it ends is the outcome, or well."""
    of = {"project": {"logicalId": project}} if project else {"project": None}
    started = await api.post("/v1/test-sessions/run", run_request(JOB, **of, **fields), status=202)
    held = await runner.claim(started["sequenceIds"]["front"], EU)
    await (held.finish(outcome) if outcome else held.pass_with())
    return str(started["testSessionId"])


async def test_failing_results_of_a_project_with_the_same_error_are_one_group(
    api: Api, runner: ScriptedRunner
) -> None:
    first = await tried(api, runner, failed("It took 5012 ms."), environment="staging")
    second = await tried(api, runner, failed("It took 9000 ms."), environment="production")
    await tried(api, runner, failed("Nobody listens."), environment=None)
    await tried(api, runner, None)
    refused, slow = await api.get(GROUPS)
    assert (slow["cleanedErrorMessage"], slow["rawErrorMessage"]) == (
        "It took <number> ms.",
        "It took 9000 ms.",
    )
    assert slow["environments"] == ["production", "staging"]
    assert refused["environments"] is None
    assert slow["firstSeen"] < slow["lastSeen"] < refused["lastSeen"]
    assert await api.get(f"{GROUPS}/{slow['id']}") == slow
    told = await api.get(f"/v1/test-sessions/{first}")
    assert told["errorGroupIds"] == told["results"][0]["errorGroupIds"] == [slow["id"]]
    listed = await api.get("/v1/test-sessions", params={"errorGroupId": slow["id"]})
    assert [each["id"] for each in listed["entries"]] == [second, first]
    assert {each["projectId"] for each in listed["entries"]} == {slow["projectId"]}
    assert (await api.get("/v1/test-sessions?errorGroupId=none"))["entries"] == []


async def test_the_same_error_in_another_project_or_in_none_is_another_group(
    api: Api, runner: ScriptedRunner
) -> None:
    project = await api.post("/next/projects", {"logicalId": "shop", "name": "Shop"})
    for name in ("shop", "blog", None):
        await tried(api, runner, failed("It is down."), project=name)
    assert len({each["id"] for each in await api.get(GROUPS)}) == 3
    (of_shop,) = await api.get(f"{GROUPS}/projects/{project['id']}")
    assert of_shop["projectId"] == project["id"]
    assert {each["projectId"] for each in await api.get(GROUPS)} >= {project["id"], None}


async def test_a_project_without_errors_has_no_groups_and_an_unknown_one_is_404(api: Api) -> None:
    project = await api.post("/next/projects", {"logicalId": "shop", "name": "Shop"})
    assert await api.get(f"{GROUPS}/projects/{project['id']}") == []
    await api.get(f"{GROUPS}/projects/{unknown_id()}", status=404)


async def test_unrecorded_sessions_leave_no_errors(api: Api, runner: ScriptedRunner) -> None:
    started = await api.post("/v1/test-sessions/run", run_request(JOB, shouldRecord=False), status=202)
    await (await runner.claim(started["sequenceIds"]["front"], EU)).finish(failed("It is down."))
    assert await api.get(GROUPS) == []


async def test_groups_are_their_own_accounts(api: Api, stranger: Api, runner: ScriptedRunner) -> None:
    await tried(api, runner, failed("It is down."))
    (group,) = await api.get(GROUPS)
    assert await stranger.get(GROUPS) == []
    for method in ("GET", "PATCH"):
        assert (await stranger.request(method, f"{GROUPS}/{group['id']}", json={})).status_code == 404
    assert (await stranger.get("/v1/test-sessions", params={"errorGroupId": group["id"]}))["entries"] == []


async def test_a_group_is_put_away_until_its_error_comes_again_or_for_ever(
    api: Api, runner: ScriptedRunner
) -> None:
    await tried(api, runner, failed("It is down."))
    (group,) = await api.get(GROUPS)
    path = f"{GROUPS}/{group['id']}"

    async def put_away(**how: bool) -> Json:
        answer = await api.request("PATCH", path, json=how)
        assert answer.status_code == 200
        return dict(answer.json())

    assert (await put_away(archivedUntilNextEvent=True))["archivedUntilNextEvent"]
    await tried(api, runner, failed("It is down."))
    assert not (await api.get(path))["archivedUntilNextEvent"]
    assert (await put_away(archiveForEver=True))["archivedUntilNextEvent"]
    assert await api.get(GROUPS) == []
    assert not (await put_away(archiveForEver=False))["archivedUntilNextEvent"]
    assert len(await api.get(GROUPS)) == 1
    async with with_role(api, "READ_RUN") as reader:
        assert (await reader.request("PATCH", path, json={"archiveForEver": True})).status_code == 403
        assert await reader.get(path) == await api.get(path)
