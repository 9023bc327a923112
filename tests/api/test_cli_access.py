"""Whose key may do what, for every call that commands of the reference CLI make.

A key of another account, a read-only key and a revoked key: each is refused in the contract's error body,
with a sentence for whoever reads it, and learns nothing about what the account has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.api_client import EU, Api, Json, bundle, unknown_id
from tests.support.history import Past, remember
from tests.support.roles import with_role
from tests.support.scripted_runner import FAILED, ScriptedRunner
from tests.support.server import TestAccount

SECRETS = (
    "Hidden shop",
    "hidden-shop",
    "hidden.example",
    "HIDDEN_VARIABLE",
    "Hidden colleague",
    "hidden tag",
)
"""What the account has, and no answer to another account may name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``to_others``: what it answers to a key of another account that names our ids.

    ``right``: what a key has to be allowed to do.
    """

    command: str
    method: str
    path: str
    body: Any = None
    to_others: int = 404
    right: str = "view"

    def __str__(self) -> str:
        return f"{self.command}: {self.method} {self.path.partition('?')[0]}"


CHECK, RESULT = "{check}", "{check_result}"
TARGET = {"checkId": [CHECK]}
PROJECT = {"project": {"logicalId": "hidden-shop", "name": "P"}, "resources": [], "sharedFiles": []}
JOB = {
    "logicalId": "cart",
    "name": "Cart",
    "checkType": "URL",
    "locations": [EU],
    "request": {"url": "http://127.0.0.1:9/", "method": "GET", "assertions": []},
    "sourceInfo": {"checkRunSuiteId": unknown_id(), "checkRunId": unknown_id()},
}
RUN = {
    "name": "x",
    "project": {"logicalId": "mine"},
    "checkRunJobs": [JOB],
    "runLocation": {"type": "PUBLIC", "region": EU},
    "shouldRecord": True,
}
TRIGGER = {
    "name": "x",
    "shouldRecord": True,
    "runLocation": {"type": "PUBLIC", "region": EU},
    "checkRunSuiteId": unknown_id(),
    "targetTags": [],
    "checkId": [CHECK],
}
SESSION, OF_SESSION = "/v1/test-sessions/{session}", "/v1/test-sessions/{session}/results/{session_result}"
DEPLOYMENT = "/v1/projects/hidden-shop/deployments/{deployment}"

CALLS = [
    Call("all", "GET", "/next/accounts/{account}"),
    Call("whoami", "GET", "/next/users/me", to_others=200),
    Call("switch", "GET", "/next/accounts", to_others=200),
    Call("test", "GET", "/v1/private-locations", to_others=200),
    Call("test", "POST", "/next/checkly-storage/upload-code-bundle", to_others=200, right="run"),
    Call("test", "POST", "/v1/test-sessions/run", RUN, to_others=202, right="run"),
    Call("test (8.2)", "POST", "/next/test-sessions/run", RUN, to_others=200, right="run"),
    Call("test", "GET", "/v1/test-sessions/scheduling/{scheduling}/completion?maxWaitSeconds=1"),
    Call("test", "GET", "/next/test-sessions/{session}/link"),
    Call("test", "GET", "/next/test-sessions/{session}/results/{session_result}/links"),
    Call("test, Ctrl+C", "POST", f"{SESSION}/cancel", right="run"),
    Call("trigger", "POST", "/next/test-sessions/trigger", TRIGGER, to_others=403, right="run"),
    Call("deploy", "POST", "/v1/projects/deploy?dryRun=true", PROJECT, to_others=200, right="edit"),
    Call("deploy", "POST", "/v1/projects/deploy", PROJECT, to_others=202, right="edit"),
    Call("deploy (8.2)", "POST", "/next-v2/projects/deploy", PROJECT, to_others=200, right="edit"),
    Call("deploy", "GET", f"{DEPLOYMENT}/completion?maxWaitSeconds=1"),
    Call("deploy", "GET", f"{DEPLOYMENT}/events"),
    Call("destroy", "DELETE", "/v1/projects/hidden-shop", to_others=200, right="edit"),
    Call("destroy (8.2)", "DELETE", "/next/projects/hidden-shop", to_others=204, right="edit"),
    Call("checks list", "GET", "/v1/checks?limit=100&page=1", to_others=200),
    Call("checks list", "GET", "/v1/checks?status=failing", to_others=200),
    Call("checks list", "GET", "/v1/check-statuses", to_others=200),
    Call("checks get", "GET", f"/v1/checks/{CHECK}"),
    Call("checks get", "GET", f"/v1/check-statuses/{CHECK}"),
    Call("checks get", "GET", f"/v2/check-results/{CHECK}?limit=5&fields=id,name"),
    Call("checks get", "GET", f"/v1/error-groups/checks/{CHECK}"),
    Call("checks get", "GET", f"/v1/analytics/url-monitors/{CHECK}?metrics=availability"),
    Call("checks get --result", "GET", f"/v1/check-results/{CHECK}/{RESULT}"),
    Call("checks get --result", "GET", f"/v2/check-results/{CHECK}?resultType=ALL&limit=100"),
    Call("checks get --error-group", "GET", "/v1/error-groups/{error_group}"),
    Call("checks stats", "POST", "/v1/analytics/checks", {"checkIds": [CHECK]}, to_others=200),
    Call("checks run", "POST", "/v2/check-sessions/trigger", {"target": TARGET}, right="run"),
    Call("checks run", "GET", "/v2/check-sessions/{check_session}/completion?maxWaitSeconds=1"),
    Call("checks delete", "DELETE", f"/v1/checks/{CHECK}", right="edit"),
    Call("test-sessions list", "GET", "/v1/test-sessions?limit=20", to_others=200),
    Call("test-sessions get", "GET", SESSION),
    Call("test-sessions get --watch", "GET", f"{SESSION}/completion?maxWaitSeconds=1"),
    Call("test-sessions get --result", "GET", OF_SESSION),
    Call("assets list", "GET", f"/v1/check-results/{CHECK}/{RESULT}/assets"),
    Call("assets list", "GET", f"{OF_SESSION}/assets"),
    Call("env ls", "GET", "/v1/variables", to_others=200),
    Call("env add", "POST", "/v1/variables", {"key": "MINE", "value": "1"}, to_others=201, right="edit"),
    Call("env update", "PUT", "/v1/variables/HIDDEN_VARIABLE", {"value": "2"}, right="edit"),
    Call("env rm", "DELETE", "/v1/variables/HIDDEN_VARIABLE", right="edit"),
    Call("members", "GET", "/v1/accounts/me/members", to_others=200),
    Call("members", "GET", "/v1/accounts/{account}/members"),
    Call("members update", "PATCH", "/v1/accounts/me/members/{member}", {"role": "ADMIN"}, right="admin"),
    Call("members delete", "DELETE", "/v1/accounts/me/members/{member}", right="admin"),
    Call("account plan", "GET", "/v1/accounts/me/entitlements", to_others=200),
    Call("account plan", "GET", "/v1/accounts/{account}/entitlements"),
    Call("import", "GET", "/v1/projects/hidden-shop"),
]
LEAST = {"run": "READ_RUN", "edit": "READ_WRITE", "admin": "ADMIN"}


@pytest.fixture
async def ids(api: Api, runner: ScriptedRunner) -> Mapping[str, str]:
    """The ids of what the account has: one of everything that the calls name."""
    fields: Json = {
        "name": "Hidden shop",
        "tags": ["hidden tag"],
        "request": {"url": "http://hidden.example"},
    }
    monitor = await api.create_url_monitor(**fields)
    await remember(api, monitor, Past(FAILED))
    (result,) = await api.get(f"/v1/check-results/{monitor['id']}")
    session = await api.start_test_session(monitor["id"], name="Hidden shop")
    check_session = await api.trigger(monitor["id"])
    for row in (session["results"][0], *(await api.rows(check_session["checkSessionId"])).values()):
        await (await runner.claim(row["sequenceId"], EU)).pass_with()
    body = {**PROJECT, "project": {"logicalId": "hidden-shop", "name": "Hidden shop"}}
    deployment = await api.post("/v1/projects/deploy", body, status=202)
    started = await api.post("/v1/test-sessions/run", RUN, status=202)
    await api.post("/v1/variables", {"key": "HIDDEN_VARIABLE", "value": "hidden tag"})
    member = await api.post("/v1/api-keys", {"name": "Hidden colleague", "role": "READ_ONLY"})
    (group,) = await api.get(f"/v1/error-groups/checks/{monitor['id']}")
    assert api.account
    return {
        "account": str(api.account.id),
        "check": monitor["id"],
        "check_result": result["id"],
        "session": session["testSessionId"],
        "session_result": session["results"][0]["testSessionResultId"],
        "check_session": check_session["checkSessionId"],
        "scheduling": started["schedulingId"],
        "deployment": deployment["id"],
        "member": member["id"],
        "error_group": group["id"],
    }


def filled(part: Any, ids: Mapping[str, str]) -> Any:
    """With ids in place of their names."""
    if isinstance(part, str):
        for name, known in ids.items():
            part = part.replace(f"{{{name}}}", known)
        return part
    if isinstance(part, dict):
        return {name: filled(inner, ids) for name, inner in part.items()}
    return [filled(inner, ids) for inner in part] if isinstance(part, list) else part


async def ask(caller: Api, call: Call, ids: Mapping[str, str], **options: Any) -> tuple[int, str, Json]:
    """Status, text, and the body of an error, which has to be the contract's."""
    sent: Json = {} if call.body is None else {"json": filled(call.body, ids)}
    if "upload-code-bundle" in call.path:
        sent = {"content": bundle(), "headers": {"Content-Type": "application/octet-stream"}}
    headers = {**sent.pop("headers", {}), **options.pop("headers", {})}
    answer = await caller.request(call.method, filled(call.path, ids), **sent, headers=headers)
    error: Json = answer.json() if answer.is_error else {}
    if answer.is_error:
        assert (error["statusCode"], bool(error["error"])) == (answer.status_code, True), str(call)
        assert error["message"].endswith("."), str(call)
        assert len(error["message"].split()) >= 4, str(call)
    return answer.status_code, answer.text, error


async def everything(api: Api, ids: Mapping[str, str]) -> list[object]:
    """What the account has, as its owner sees it."""
    paths = (
        *("/v1/checks", "/v1/check-statuses", "/v1/variables", "/v1/accounts/me/members"),
        *(f"/v2/check-results/{ids['check']}", "/v1/test-sessions", "/v1/projects/hidden-shop"),
    )
    return [await api.get(path) for path in paths]


async def test_a_key_of_another_account_gets_its_own_things_or_404_and_learns_and_changes_nothing(
    api: Api, stranger: Api, ids: Mapping[str, str]
) -> None:
    before = await everything(api, ids)
    odd = []
    for call in CALLS:
        status, text, _ = await ask(stranger, call, ids)
        if status != call.to_others:
            odd.append(f"{call}: {status} {text}")
        if status < 300 and "hidden-shop" not in f"{call.path}{call.body}":
            assert not [word for word in SECRETS if word in text], f"{call}: {text}"
        if status < 300:
            own = {value for name, value in ids.items() if f"{{{name}}}" not in f"{call.path}{call.body}"}
            assert not [each for each in own if each in text], f"{call}: {text}"
    assert odd == []
    assert await everything(api, ids) == before


async def test_a_key_that_names_another_account_is_told_that_it_has_no_access_to_it(
    stranger: Api, ids: Mapping[str, str]
) -> None:
    for call in CALLS:
        status, text, error = await ask(stranger, call, ids, headers={"x-checkly-account": ids["account"]})
        assert (status, error["errorCode"]) == (403, "OTHER_ACCOUNT"), f"{call}: {status} {text}"
        assert ids["account"] in error["message"]
        assert not [word for word in SECRETS if word in text], str(call)


async def test_a_read_only_key_reads_and_is_told_which_role_it_would_need_for_more(
    api: Api, ids: Mapping[str, str]
) -> None:
    before = await everything(api, ids)
    async with with_role(api, "READ_ONLY") as reader:
        for call in CALLS:
            status, text, error = await ask(reader, call, ids)
            if call.right == "view":
                assert status in (200, 408), f"{call}: {status} {text}"
            else:
                assert (status, error["errorCode"]) == (403, "ROLE_TOO_LOW"), f"{call}: {status} {text}"
                assert LEAST[call.right] in error["message"], str(call)
    after = await everything(api, ids)
    assert [after[0], after[2], after[4]] == [before[0], before[2], before[4]]


async def test_a_revoked_key_is_told_that_it_is_not_known_at_every_call(
    api: Api, ids: Mapping[str, str]
) -> None:
    new = await api.post("/v1/api-keys", {"name": "gone", "role": "OWNER"})
    await api.delete(f"/v1/api-keys/{new['id']}")
    assert api.account
    caller = Api(api.server, TestAccount(api.account.id, new["secret"]), checkers=api.checkers)
    for call in CALLS:
        status, text, error = await ask(caller, call, ids)
        assert (status, error["message"]) == (401, "This API key is not known."), f"{call}: {status} {text}"
    await caller.close()
