"""Checks that are tried undeployed run as they would deployed: with the files they share, in their group."""

from bellrock.domain.specs import ApiCheck, BrowserCheck
from tests.api.test_test_sessions import run_request
from tests.support.api_client import EU, Api
from tests.support.scripted_runner import ScriptedRunner

SHARED = [
    {"path": "__checks__/other.ts", "content": "export const other = 1;"},
    {"path": "__checks__/login.ts", "content": "export const login = () => {};"},
]
HOME: dict[str, object] = {
    "checkType": "BROWSER",
    "name": "Home",
    "script": "import { login } from './login';",
    "scriptPath": "__checks__/home.spec.ts",
    "dependencies": [1],
}
ORDERS: dict[str, object] = {
    "checkType": "API",
    "name": "Orders",
    "request": {"method": "GET", "url": "https://shop.test/orders"},
    "localSetupScript": "import { login } from './login';",
    "setupScriptPath": "__checks__/in.ts",
    "setupScriptDependencies": [1, 0],
    "localTearDownScript": "import { other } from './other';",
    "tearDownScriptPath": "__checks__/out.ts",
    "tearDownScriptDependencies": [0],
}
STOCK: dict[str, object] = {
    "checkType": "API",
    "name": "Stock",
    "groupId": {"ref": "shop"},
    "request": {"method": "GET", "url": "{{GROUP_BASE_URL}}/stock", "headers": []},
    "environmentVariables": [{"key": "WHO", "value": "the check"}],
    "localSetupScript": "own()",
}
SHOP: dict[str, object] = {
    "v": 2,
    "name": "Shop",
    "tags": ["shop"],
    "locations": [],
    "privateLocations": [{"ref": "lab"}],
    "apiCheckDefaults": {
        "url": "https://shop.test",
        "headers": [{"key": "X-Shop", "value": "1"}],
        "queryParameters": [],
        "basicAuth": {"username": "", "password": ""},
    },
    "environmentVariables": [{"key": "WHO", "value": "the group"}, {"key": "PLACE", "value": "here"}],
    "localSetupScript": "ofGroup()",
}


async def test_a_tried_script_has_the_shared_files_that_it_names(api: Api, runner: ScriptedRunner) -> None:
    started = await api.post(
        "/v1/test-sessions/run", run_request({"logicalId": "home", **HOME}, sharedFiles=SHARED), status=202
    )
    held = await runner.claim(started["sequenceIds"]["home"], EU)
    assert isinstance(held.job.spec, BrowserCheck)
    assert [(each.path, each.content) for each in held.job.spec.dependencies] == [tuple(SHARED[1].values())]
    await held.pass_with()


async def test_a_deployed_script_has_the_shared_files_that_it_names(api: Api) -> None:
    body = {
        "project": {"logicalId": "shop", "name": "Shop"},
        "sharedFiles": SHARED,
        "resources": [
            {"logicalId": "home", "type": "check", "member": True, "payload": {**HOME, "locations": [EU]}}
        ],
    }
    await api.post("/v1/projects/deploy", body, status=202)
    (check,) = await api.get("/v1/checks")
    assert check["dependencies"] == [SHARED[1]]
    again = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    assert again["diff"] == []


async def test_scripts_around_a_tried_request_have_the_shared_files_that_they_name(
    api: Api, runner: ScriptedRunner
) -> None:
    request = run_request({"logicalId": "orders", **ORDERS}, sharedFiles=SHARED)
    started = await api.post("/v1/test-sessions/run", request, status=202)
    spec = (await runner.claim(started["sequenceIds"]["orders"], EU)).job.spec
    assert isinstance(spec, ApiCheck)
    assert (spec.setup_script_path, spec.teardown_script_path) == ("__checks__/in.ts", "__checks__/out.ts")
    assert [each.path for each in spec.setup_dependencies] == ["__checks__/login.ts", "__checks__/other.ts"]
    assert [each.path for each in spec.teardown_dependencies] == ["__checks__/other.ts"]


async def test_scripts_around_a_deployed_request_have_the_shared_files_that_they_name(api: Api) -> None:
    orders = {**ORDERS, "locations": [EU]}
    body = {
        "project": {"logicalId": "shop", "name": "Shop"},
        "sharedFiles": SHARED,
        "resources": [{"logicalId": "orders", "type": "check", "member": True, "payload": orders}],
    }
    await api.post("/v1/projects/deploy", body, status=202)
    (check,) = await api.get("/v1/checks")
    assert check["setupScriptPath"] == "__checks__/in.ts"
    assert check["setupScriptDependencies"] == [SHARED[1], SHARED[0]]
    assert check["tearDownScriptDependencies"] == [SHARED[0]]
    again = await api.post("/v1/projects/deploy?dryRun=true", body, status=200)
    assert again["diff"] == []


async def test_a_number_that_is_no_shared_files_is_400_and_named(api: Api) -> None:
    body = run_request({"logicalId": "home", **HOME, "dependencies": [2]}, sharedFiles=SHARED)
    error = await api.post("/v1/test-sessions/run", body, status=400)
    assert "checkRunJobs[0].dependencies" in error["message"]
    assert "2" in error["message"]
    body = run_request({"logicalId": "orders", **ORDERS, "setupScriptDependencies": [9]}, sharedFiles=SHARED)
    error = await api.post("/v1/test-sessions/run", body, status=400)
    assert "checkRunJobs[0].setupScriptDependencies" in error["message"]


async def test_a_tried_check_has_what_its_undeployed_group_gives_it(api: Api, runner: ScriptedRunner) -> None:
    request = run_request({"logicalId": "stock", **STOCK, "group": SHOP})
    started = await api.post("/v1/test-sessions/run", request, status=202)
    job = (await runner.claim(started["sequenceIds"]["stock"], EU)).job
    values = {each.key: each.value for each in job.environment}
    assert values == {"WHO": "the check", "PLACE": "here", "GROUP_BASE_URL": "https://shop.test"}
    assert isinstance(job.spec, ApiCheck)
    assert [(each.key, each.value) for each in job.spec.request.headers] == [("X-Shop", "1")]
    assert (*job.setup_scripts, job.spec.setup_script) == ("ofGroup()", "own()")


async def test_an_undeployed_group_that_is_not_right_is_400_and_its_field_named(api: Api) -> None:
    request = run_request({"logicalId": "stock", **STOCK, "group": {**SHOP, "concurrency": 0}})
    error = await api.post("/v1/test-sessions/run", request, status=400)
    assert "checkRunJobs[0].group.concurrency" in error["message"]
