"""Our API beside the contract's own OpenAPI document. Skipped where that document is absent.

Where it is there, every answer of every other test is held against it as well (see `conftest.py`).
"""

import re
from collections.abc import Awaitable, Callable

import pytest

from tests.support.api_client import EU, US, Api
from tests.support.certificates import make_pair
from tests.support.schemas import CONTRACT, AnswerChecker, contract_checker
from tests.support.scripted_runner import ScriptedRunner
from tests.support.server import RunningServer

pytestmark = pytest.mark.skipif(not CONTRACT.is_file(), reason="the contract's document is not here")

SOME_ID = "5e9d1c0a-0000-4000-8000-000000000000"
KIND = re.compile(r"/v1/(checks|analytics)/([a-z-]+)(?=$|/)")


@pytest.fixture(scope="module")
def contract() -> AnswerChecker:
    found = contract_checker()
    assert found is not None
    return found


async def test_every_operation_of_the_contract_is_built_or_says_that_it_is_not(
    api: Api, contract: AnswerChecker
) -> None:
    """None is an unknown path (which would look like a wrong id), and none is a fault of ours."""
    assert len(contract.operations) == 194
    odd = []
    for method, template in contract.operations:
        path = re.sub(r"\{[^}]+\}", SOME_ID, template)
        answer = await api.http.request(method, path)
        body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        unknown_path = answer.status_code == 404 and "There is nothing at" in body.get("message", "")
        if unknown_path or answer.status_code == 405 or answer.status_code in (500, 502, 503):
            odd.append((method, template, answer.status_code, body.get("message")))
    assert odd == []


Look = Callable[[Api, ScriptedRunner], Awaitable[None]]


async def _check_sessions(api: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU, US)
    session_id = session["checkSessionId"]
    for version in ("v1", "v2"):
        await api.get(f"/{version}/check-sessions/{session_id}")
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.begin("adds to cart")
    await api.cancel("check", session_id, {"sequenceId": [rows[EU]["sequenceId"]]})
    await held.stop_as_asked()
    await (await runner.claim(rows[US]["sequenceId"], US)).pass_with()
    for version in ("v1", "v2"):
        await api.get(f"/{version}/check-sessions/{session_id}/completion?maxWaitSeconds=5")
        await api.get(f"/{version}/check-results/{session['checkId']}")
    for row in (await api.rows(session_id)).values():
        result = f"/v1/check-results/{session['checkId']}/{row['checkResultId']}"
        await api.get(result)
        await api.get(f"{result}/assets")


async def _test_sessions(api: Api, runner: ScriptedRunner) -> None:
    suite, monitor = await api.create_suite(), await api.create_url_monitor()
    session = await api.start_test_session(suite["id"], monitor["id"])
    session_id = session["testSessionId"]
    details = f"/v1/test-sessions/{session_id}/results"
    rows = [await api.get(f"{details}/{row['testSessionResultId']}") for row in session["results"]]
    await api.cancel("test", session_id)
    for row in rows:
        if row["checkType"] == "URL":
            await (await runner.claim(row["sequenceId"], EU)).pass_with()
    await api.completion("test", session_id)
    for row in rows:
        await api.get(f"{details}/{row['id']}")
        await api.get(f"{details}/{row['id']}/assets")
    await api.get(f"/v1/test-sessions/{session_id}")
    await api.get("/v1/test-sessions")


async def _checks(api: Api, _: ScriptedRunner) -> None:
    for made in (await api.create_suite(tags=["a"]), await api.create_url_monitor(tags=["b"])):
        for version in ("v1", "v2"):
            await api.get(f"/{version}/checks/{made['id']}")
            await api.get(f"/{version}/checks")
        await api.delete(f"/v1/checks/{made['id']}")


async def _catalog(api: Api, _: ScriptedRunner) -> None:
    addresses = [f"/v1/static-ip{family}s{by}" for family in ("", "v6") for by in ("", "-by-region")]
    for path in ("/v1/locations", "/v1/runtimes", "/v1/accounts/me", "/v1/accounts", *addresses):
        await api.get(path)


async def _configuration(api: Api, _: ScriptedRunner) -> None:
    await api.post("/v1/variables", {"key": "PASSWORD", "value": "s3cret", "secret": True})
    await api.put("/v1/variables/PASSWORD", {"value": "changed"})
    snippet = await api.post("/v1/snippets", {"name": "Log in", "script": "login()"})
    pair = make_pair()
    await api.post("/v1/client-certificates", {"host": "*", "cert": pair.certificate, "key": pair.key})
    slug = f"lab-{snippet['id']}"
    location = await api.post("/v1/private-locations", {"name": "Lab", "slugName": slug})
    await api.put(f"/v1/private-locations/{location['id']}", {"name": "Laboratory"})
    await api.post(f"/v1/private-locations/{location['id']}/keys")
    await api.get(f"/v1/private-locations/{location['id']}/metrics?from=2026-01-01&to=2026-01-02")
    resources = ["variables", "snippets", "client-certificates", "private-locations", "check-groups"]
    for version in ("v1", "v2"):
        group = await api.post(f"/{version}/check-groups", {"name": "x", "setupSnippetId": snippet["id"]})
        await api.put(f"/{version}/check-groups/{group['id']}", {"name": "y", "privateLocations": [slug]})
        monitor = await api.create_url_monitor(groupId=group["id"])
        await api.get(f"/{version}/check-groups/{group['id']}/checks/{monitor['id']}")
        await api.get(f"/{version}/check-groups/{group['id']}/checks")
    for resource in resources:
        for each in await api.get(f"/v1/{resource}"):
            await api.get(f"/v1/{resource}/{each.get('id') or each['key']}")


@pytest.mark.parametrize("look", [_check_sessions, _test_sessions, _checks, _catalog, _configuration])
async def test_what_is_built_answers_in_the_contracts_shape(
    server: RunningServer, runner: ScriptedRunner, contract: AnswerChecker, look: Look
) -> None:
    api = Api(server, await server.new_account(), checkers=(contract,))
    before = contract.compared
    try:
        await look(api, runner)
    finally:
        await api.close()
    assert contract.compared - before >= 2
