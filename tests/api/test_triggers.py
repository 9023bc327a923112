"""Triggers: an address that starts a check or a group's checks, for whoever knows its token."""

import pytest

from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.roles import with_role


async def trigger_of(api: Api, kind: str, thing: Json) -> tuple[Json, str]:
    """A new trigger, and the address that it makes."""
    made = await api.post(f"/v1/triggers/{kind}/{thing['id']}")
    return made, f"/{kind}/{thing['id']}/trigger/{made['token']}"


async def without_key(api: Api, method: str, path: str) -> tuple[int, Json]:
    answer = await api.http.request(method, path, headers={"Authorization": ""})
    return answer.status_code, dict(answer.json())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_address_of_a_trigger_starts_the_check_without_a_key(api: Api, method: str) -> None:
    check = await api.create_url_monitor(activated=True)
    made, address = await trigger_of(api, "checks", check)
    assert (made["checkId"], made["called_at"]) == (check["id"], None)
    assert "groupId" not in made
    status, started = await without_key(api, method, address)
    assert status == 201
    assert [each["checkId"] for each in started["sessions"]] == [check["id"]]
    session = await api.get(f"/v2/check-sessions/{started['sessions'][0]['checkSessionId']}")
    assert session["runSource"] == "LEGACY_TRIGGER"
    called = await api.get(f"/v1/triggers/checks/{check['id']}")
    assert called["called_at"] == called["created_at"]
    assert called["token"] == made["token"]


async def test_the_address_of_a_groups_trigger_starts_its_activated_checks(api: Api) -> None:
    group = await api.post("/v2/check-groups", {"name": "Team"})
    running = [await api.create_url_monitor(groupId=group["id"], activated=True) for _ in range(2)]
    await api.create_url_monitor(groupId=group["id"], activated=False)
    await api.create_url_monitor(activated=True)
    made, address = await trigger_of(api, "check-groups", group)
    assert made["groupId"] == group["id"]
    status, started = await without_key(api, "POST", address)
    assert status == 201
    assert {each["checkId"] for each in started["sessions"]} == {each["id"] for each in running}


async def test_an_empty_group_has_nothing_to_start(api: Api) -> None:
    group = await api.post("/v2/check-groups", {"name": "Team"})
    await api.create_url_monitor(activated=True)
    _, address = await trigger_of(api, "check-groups", group)
    assert (await without_key(api, "POST", address))[0] == 404


async def test_a_check_has_one_trigger(api: Api) -> None:
    check = await api.create_url_monitor()
    first, _ = await trigger_of(api, "checks", check)
    second, _ = await trigger_of(api, "checks", check)
    assert first == second


async def test_a_token_opens_its_own_check_alone_and_nothing_once_it_is_deleted(api: Api) -> None:
    check, other = [await api.create_url_monitor(activated=True) for _ in range(2)]
    made, address = await trigger_of(api, "checks", check)
    await trigger_of(api, "checks", other)
    for wrong in (
        f"/checks/{other['id']}/trigger/{made['token']}",
        f"/checks/{check['id']}/trigger/{made['token'][:-1]}",
        f"/check-groups/1/trigger/{made['token']}",
    ):
        assert (await without_key(api, "POST", wrong))[0] == 404
    await api.delete(f"/v1/triggers/checks/{check['id']}")
    assert (await without_key(api, "POST", address))[0] == 404
    await api.get(f"/v1/triggers/checks/{check['id']}", status=404)
    await api.delete(f"/v1/triggers/checks/{check['id']}", status=404)


async def test_a_trigger_goes_with_its_check(api: Api) -> None:
    check = await api.create_url_monitor(activated=True)
    _, address = await trigger_of(api, "checks", check)
    await api.delete(f"/v1/checks/{check['id']}")
    assert (await without_key(api, "POST", address))[0] == 404


async def test_a_deactivated_check_is_not_started(api: Api) -> None:
    check = await api.create_url_monitor(activated=False, locations=[EU])
    _, address = await trigger_of(api, "checks", check)
    assert (await without_key(api, "POST", address))[0] == 404


@pytest.mark.parametrize("kind", ["checks", "check-groups"])
async def test_triggers_are_for_their_own_account(api: Api, stranger: Api, kind: str) -> None:
    group = await api.post("/v2/check-groups", {"name": "Team"})
    thing = group if kind == "check-groups" else await api.create_url_monitor()
    path = f"/v1/triggers/{kind}/{thing['id']}"
    await stranger.post(path, status=404)
    await trigger_of(api, kind, thing)
    await stranger.get(path, status=404)
    await stranger.delete(path, status=404)
    unknown = 2_000_000_000 if kind == "check-groups" else unknown_id()
    await api.post(f"/v1/triggers/{kind}/{unknown}", status=404)


async def test_who_may_run_sees_a_token_and_who_may_only_read_does_not(api: Api) -> None:
    check = await api.create_url_monitor()
    path = f"/v1/triggers/checks/{check['id']}"
    await api.post(path)
    async with with_role(api, "READ_ONLY") as reader:
        await reader.get(path, status=403)
    async with with_role(api, "READ_RUN") as runner:
        await runner.get(path)
        await runner.post(path, status=403)
        await runner.delete(path, status=403)
