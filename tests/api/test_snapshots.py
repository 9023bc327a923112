"""Snapshots of browser checks: uploaded, named by checks, handed to runners, made anew and fetched."""

from typing import Any

import httpx2
import pytest

from bellrock.domain.specs import BrowserCheck, PlaywrightSuite, Snapshot
from tests.api.test_mqtt import subscriber
from tests.api.test_test_sessions import run_request
from tests.support.api_client import EU, Api, unknown_id
from tests.support.roles import with_role
from tests.support.scripted_runner import FAILED, HeldByScript, ScriptedRunner

PICTURE = b"\x89PNG\r\n" + bytes(range(256))
PLACE = "__checks__/home.spec.ts-snapshots/home-linux.png"
UPLOAD, DOWNLOAD = "/next/checkly-storage/upload", "/next/checkly-storage/download"


async def uploaded(api: Api, content: bytes = PICTURE) -> str:
    answer = await api.post(UPLOAD, status=200, content=content)
    return str(answer["key"])


def browser_check(**fields: object) -> dict[str, Any]:
    return {
        "name": "Home",
        "checkType": "BROWSER",
        "script": "await page.title()",
        "locations": [EU],
        **fields,
    }


async def started(
    api: Api, runner: ScriptedRunner, *, key: str, suite_id: str, **request: object
) -> HeldByScript:
    """The run of a check that is not deployed, held by a runner."""
    source = {"checkRunSuiteId": suite_id, "checkRunId": unknown_id(), "updateSnapshots": True}
    job = browser_check(logicalId="home", snapshots=[{"key": key, "path": PLACE}], sourceInfo=source)
    answer = await api.post("/v1/test-sessions/run", run_request(job, **request), status=202)
    return await runner.claim(answer["sequenceIds"]["home"], EU)


async def test_an_uploaded_snapshot_is_fetched_by_its_own_account_alone(api: Api, stranger: Api) -> None:
    key = await uploaded(api)
    answer = await api.http.post(DOWNLOAD, json={"key": key})
    assert (answer.status_code, answer.content) == (200, PICTURE)
    await stranger.post(DOWNLOAD, {"key": key}, status=404)
    assert await uploaded(stranger) == key
    assert (await stranger.http.post(DOWNLOAD, json={"key": key})).content == PICTURE


async def test_a_read_only_key_fetches_snapshots_and_uploads_none(api: Api) -> None:
    key = await uploaded(api)
    async with with_role(api, "READ_ONLY") as reader:
        assert (await reader.http.post(DOWNLOAD, json={"key": key})).content == PICTURE
        await reader.post(UPLOAD, status=403, content=PICTURE)


@pytest.mark.parametrize(
    "key",
    ["nonsense", "runs/x/1/snapshots/a.png", "runs", f"{'0' * 64}.snapshot", f"{'0' * 64}.tar.gz", "../a"],
)
async def test_a_key_that_names_nothing_is_404(api: Api, key: str) -> None:
    await api.post(DOWNLOAD, {"key": key}, status=404)


async def test_a_code_bundle_is_no_snapshot_and_a_snapshot_no_bundle(api: Api) -> None:
    await api.post(DOWNLOAD, {"key": await api.upload_bundle()}, status=404)
    body = {"name": "Shop", "codeBundlePath": await uploaded(api), "locations": [EU]}
    error = await api.post("/v1/checks/playwright", body, status=400)
    assert "codeBundlePath" in error["message"]


@pytest.mark.parametrize(
    ("snapshot", "field"),
    [
        ({"key": f"{'0' * 64}.snapshot", "path": PLACE}, "snapshots[0].key"),
        ({"key": "a", "path": "../../etc/passwd"}, "snapshots"),
        ({"key": "a", "path": "/etc/passwd"}, "snapshots"),
        ({"key": "a"}, "path"),
    ],
)
async def test_a_check_names_snapshots_that_are_there_and_stay_inside(
    api: Api, snapshot: dict[str, str], field: str
) -> None:
    source = {"checkRunSuiteId": unknown_id()}
    job = browser_check(logicalId="home", snapshots=[snapshot], sourceInfo=source)
    error = await api.post("/v1/test-sessions/run", run_request(job), status=400)
    assert field in error["message"]


async def test_a_runner_gets_the_snapshots_of_the_run_that_it_holds(api: Api, runner: ScriptedRunner) -> None:
    key, other = await uploaded(api), await uploaded(api, b"another")
    held = await started(api, runner, key=key, suite_id=unknown_id())
    assert isinstance(held.job.spec, BrowserCheck)
    assert held.job.spec.snapshots == (Snapshot(key, PLACE),)
    assert held.job.spec.update_snapshots
    headers = {"Authorization": f"Bearer {held.token}", "X-Bellrock-Run": str(held.run_id)}
    async with httpx2.AsyncClient(base_url=f"{held.job.control_url}/runner/v1/bundles/") as http:
        assert (await http.get(key, headers=headers)).content == PICTURE
        assert (await http.get(other, headers=headers)).status_code == 404
        strange = headers | {"Authorization": f"Bearer {unknown_id()}"}
        assert (await http.get(key, headers=strange)).status_code == 401


@pytest.mark.parametrize("recorded", [True, False])
async def test_snapshots_that_a_run_made_anew_are_told_with_keys_to_fetch_them(
    api: Api, stranger: Api, runner: ScriptedRunner, recorded: bool
) -> None:
    suite_id = unknown_id()
    held = await started(api, runner, key=await uploaded(api), suite_id=suite_id, shouldRecord=recorded)
    await held.upload(f"snapshots/{PLACE}", b"a new picture", kind="file", content_type="image/png")
    await held.upload("output.log", b"1 passed\n")
    await held.pass_with()
    async with subscriber(api, suite_id) as heard:
        await heard.next()
        _, _, said = await heard.next()
    (made,) = said["result"]["assets"]["snapshots"]
    assert made["path"] == PLACE
    assert (await api.http.post(DOWNLOAD, json={"key": made["key"]})).content == b"a new picture"
    await stranger.post(DOWNLOAD, {"key": made["key"]}, status=404)
    other = made["key"].replace(f"snapshots/{PLACE}", "output.log")
    await api.post(DOWNLOAD, {"key": other}, status=404)


async def test_a_suite_that_is_tried_for_new_snapshots_is_told_so_and_they_are_told_of(
    api: Api, runner: ScriptedRunner
) -> None:
    source = {"checkRunSuiteId": (suite_id := unknown_id()), "updateSnapshots": True}
    job = {"checkType": "PLAYWRIGHT", "name": "Shop", "logicalId": "shop", "sourceInfo": source}
    request = run_request({**job, "codeBundlePath": await api.upload_bundle()})
    answer = await api.post("/v1/test-sessions/run", request, status=202)
    held = await runner.claim(answer["sequenceIds"]["shop"], EU)
    assert isinstance(held.job.spec, PlaywrightSuite)
    assert held.job.spec.update_snapshots
    await held.upload(f"snapshots/{PLACE}", b"a new picture", kind="file", content_type="image/png")
    await held.pass_with()
    async with subscriber(api, suite_id) as heard:
        await heard.next()
        _, _, said = await heard.next()
    (made,) = said["result"]["assets"]["snapshots"]
    assert made["path"] == PLACE
    assert (await api.http.post(DOWNLOAD, json={"key": made["key"]})).content == b"a new picture"


async def test_a_failed_result_has_no_assets_since_the_client_would_drop_its_log(
    api: Api, runner: ScriptedRunner
) -> None:
    held = await started(api, runner, key=await uploaded(api), suite_id=(suite_id := unknown_id()))
    await held.upload(f"snapshots/{PLACE}", b"a new picture", kind="file", content_type="image/png")
    await held.finish(FAILED)
    async with subscriber(api, suite_id) as heard:
        await heard.next()
        _, _, said = await heard.next()
    assert "assets" not in said["result"]
    assert said["result"]["logs"]
