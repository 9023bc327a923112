"""Members: who has a user key. And what an account may use."""

import pytest

from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.roles import with_role
from tests.support.scripted_runner import ScriptedRunner
from tests.support.server import TestAccount


async def add(api: Api, name: str, role: str, kind: str = "user") -> Json:
    made: Json = await api.post("/v1/api-keys", {"name": name, "role": role, "kind": kind})
    return made


async def members(api: Api, **params: object) -> list[Json]:
    page = await api.get("/v1/accounts/me/members", params=params)
    assert page["length"] == len(page["members"])
    return list(page["members"])


async def change(api: Api, member_id: str, body: Json, *, account: str = "me", status: int = 200) -> Json:
    answer = await api.request("PATCH", f"/v1/accounts/{account}/members/{member_id}", json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_who_has_a_user_key_is_a_member_and_a_machine_is_none(api: Api) -> None:
    ada = await add(api, "Ada", "READ_WRITE")
    await add(api, "CI", "READ_RUN", "service")
    owner, shown = await members(api)
    assert api.account
    assert (owner["name"], owner["role"]) == ("Owner", "OWNER")
    assert shown == {
        "type": "member",
        "accountId": str(api.account.id),
        "userId": ada["id"],
        "name": "Ada",
        "email": f"{ada['id']}@members.invalid",
        "role": "READ_WRITE",
        "status": "ACTIVE",
        "createdAt": ada["createdAt"],
        "updatedAt": ada["createdAt"],
        "isSupportMembership": False,
        "ssoEnabled": False,
        "mfaEnabled": False,
    }
    by_id = await api.get(f"/v1/accounts/{api.account.id}/members")
    assert by_id["members"] == [owner, shown]
    assert ada["secret"] not in str(by_id)
    assert ada["hint"] not in str(by_id)


async def test_members_are_searched_filtered_and_paged(api: Api) -> None:
    for name, role in (("Ada", "ADMIN"), ("Bob", "READ_ONLY"), ("Cleo", "READ_ONLY")):
        await add(api, name, role)

    async def names(**params: object) -> list[str]:
        return [each["name"] for each in await members(api, **params)]

    assert await names(search="aD") == ["Ada"]
    assert await names(search=(await members(api, search="bob"))[0]["email"]) == ["Bob"]
    assert await names(role="READ_ONLY") == ["Bob", "Cleo"]
    assert await names(type="member", status="ACTIVE") == ["Owner", "Ada", "Bob", "Cleo"]
    assert await names(type="invite") == []
    assert await names(status="PENDING") == []
    first = await api.get("/v1/accounts/me/members?limit=3")
    rest = await api.get("/v1/accounts/me/members", params={"limit": 3, "nextId": first["nextId"]})
    assert ([each["name"] for each in rest["members"]], rest["nextId"]) == (["Cleo"], None)
    for bad in ("nextId=x", "role=KING", "limit=0", "type=ghost", "status=GONE"):
        error = await api.get(f"/v1/accounts/me/members?{bad}", status=400)
        assert bad.split("=")[0] in error["message"]


async def test_a_members_role_is_changed_at_once(api: Api) -> None:
    ada = await add(api, "Ada", "READ_WRITE")
    assert api.account
    caller = Api(api.server, TestAccount(api.account.id, ada["secret"]), checkers=api.checkers)
    await caller.post("/v1/variables", {"key": "A", "value": "1"})
    changed = await change(api, ada["id"], {"role": "READ_ONLY"})
    assert (changed["role"], changed["updatedAt"] > changed["createdAt"]) == ("READ_ONLY", True)
    assert (await members(api))[1] == changed
    await caller.post("/v1/variables", {"key": "B", "value": "1"}, status=403)
    await caller.close()


async def test_a_removed_members_key_is_useless_at_once(api: Api) -> None:
    ada = await add(api, "Ada", "READ_ONLY")
    assert api.account
    caller = Api(api.server, TestAccount(api.account.id, ada["secret"]), checkers=api.checkers)
    await caller.get("/v1/accounts/me/members")
    await api.delete(f"/v1/accounts/{api.account.id}/members/{ada['id']}")
    await caller.get("/v1/accounts/me/members", status=401)
    await api.delete(f"/v1/accounts/me/members/{ada['id']}", status=404)
    await caller.close()


async def test_the_last_owner_stays_and_only_an_owner_changes_an_owner(api: Api) -> None:
    (owner,) = await members(api)
    path = f"/v1/accounts/me/members/{owner['userId']}"
    error = await change(api, owner["userId"], {"role": "ADMIN"}, status=409)
    assert "last OWNER" in error["message"]
    await api.delete(path, status=409)
    await add(api, "Second", "OWNER")
    async with with_role(api, "ADMIN") as admin:
        await change(admin, owner["userId"], {"role": "READ_ONLY"}, status=403)
        await admin.delete(path, status=403)
    assert (await change(api, owner["userId"], {"role": "ADMIN"}))["role"] == "ADMIN"


@pytest.mark.parametrize("body", [{}, {"role": "OWNER"}, {"role": "KING"}, {"role": "ADMIN", "name": "x"}])
async def test_a_role_that_cannot_be_given_is_refused(api: Api, body: Json) -> None:
    ada = await add(api, "Ada", "READ_ONLY")
    assert (await change(api, ada["id"], body, status=400))["message"]


async def test_members_of_another_account_and_machines_are_404(api: Api, stranger: Api) -> None:
    assert api.account
    ada, machine = await add(api, "Ada", "READ_ONLY"), await add(api, "CI", "READ_RUN", "service")
    await stranger.get(f"/v1/accounts/{api.account.id}/members", status=404)
    await stranger.get(f"/v1/accounts/{api.account.id}/entitlements", status=404)
    for account in ("me", str(api.account.id)):
        await change(stranger, ada["id"], {"role": "ADMIN"}, account=account, status=404)
        await stranger.delete(f"/v1/accounts/{account}/members/{ada['id']}", status=404)
    await change(api, machine["id"], {"role": "ADMIN"}, status=404)
    await api.delete(f"/v1/accounts/me/members/{machine['id']}", status=404)
    await change(api, unknown_id(), {"role": "ADMIN"}, status=404)
    assert [each["role"] for each in await members(api)] == ["OWNER", "READ_ONLY"]


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_WRITE", False), ("ADMIN", True)])
async def test_everybody_sees_members_and_administrators_change_them(api: Api, role: str, may: bool) -> None:
    ada = await add(api, "Ada", "READ_ONLY")
    async with with_role(api, role) as caller:
        assert await members(caller)
        await caller.get("/v1/accounts/me/entitlements")
        await change(caller, ada["id"], {"role": "READ_RUN"}, status=200 if may else 403)
        await caller.delete(f"/v1/accounts/me/members/{ada['id']}", status=204 if may else 403)


async def test_an_account_may_use_all_there_is_and_is_told_the_real_limits(
    api: Api, runner: ScriptedRunner
) -> None:
    await runner.hello(EU)
    slug = f"lab-{unknown_id()[:8]}"
    await api.post("/v1/private-locations", {"name": "Lab", "slugName": slug})
    plan = await api.get("/v1/accounts/me/entitlements")
    assert (plan["plan"], plan["planDisplayName"]) == ("SELF_HOSTED", "Self-hosted")
    by_key = {each["key"]: each for each in plan["entitlements"]}
    assert all(each["enabled"] for each in by_key.values())
    assert by_key["PLAYWRIGHT_CHECKS"]["type"] == "flag"
    limits = {key: each["quantity"] for key, each in by_key.items() if each["type"] == "metered"}
    assert limits == {
        "RESULT_RETENTION_DAYS": 90,
        "ARTIFACT_RETENTION_DAYS": 30,
        "CODE_BUNDLE_MB": 100,
        "ARTIFACT_MB": 150,
        "TEST_SECONDS": 1800,
        "API_REQUESTS_PER_MINUTE": 600,
    }
    places = {each["id"]: each for each in plan["locations"]["all"]}
    assert places[EU] == {"id": EU, "name": "Frankfurt", "available": True}
    assert places[slug] == {"id": slug, "name": "Lab", "available": False}
    assert plan["locations"]["maxPerCheck"] == len(places)
    assert api.account
    assert await api.get(f"/v1/accounts/{api.account.id}/entitlements") == plan
