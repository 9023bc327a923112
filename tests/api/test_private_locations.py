"""Private locations: made, read, changed, deleted; their keys, runners and queues; who may."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bellrock.domain.errors import Unauthenticated
from bellrock.domain.private_locations import PrivateLocation
from bellrock.services.private_locations import location_of_key
from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.roles import with_role
from tests.support.scripted_runner import ScriptedRunner

PATH = "/v1/private-locations"


@pytest.fixture
async def loose(api: Api) -> AsyncIterator[Api]:
    """The same caller, whose answers may name locations that the contract's list of public ones lacks."""
    caller = Api(api.server, api.account)
    yield caller
    await caller.close()


@pytest.fixture
async def loose_stranger(stranger: Api) -> AsyncIterator[Api]:
    """The same for another account."""
    caller = Api(stranger.server, stranger.account)
    yield caller
    await caller.close()


async def make(api: Api, **fields: object) -> Json:
    """A private location with a slug of its own."""
    body = {"name": "Office", "slugName": f"office-{uuid4().hex[:12]}", **fields}
    made: Json = await api.post(PATH, body)
    return made


async def location_of(api: Api, key: str) -> PrivateLocation:
    return await api.server.call(lambda platform: location_of_key(platform, key))


async def test_a_location_is_read_as_it_was_saved_and_gone_when_deleted(api: Api) -> None:
    made = await make(api, icon="office", proxyUrl="http://proxy.example:3128")
    path = f"{PATH}/{made['id']}"
    assert (made["name"], made["icon"], made["proxyUrl"]) == ("Office", "office", "http://proxy.example:3128")
    read = await api.get(path)
    same = ("id", "name", "slugName", "icon", "proxyUrl", "created_at")
    assert {field: read[field] for field in same} == {field: made[field] for field in same}
    assert (read["lastSeen"], read["agentCount"], read["runningAgents"]) == (None, 0, [])
    (listed,) = await api.get(PATH)
    assert listed == {field: value for field, value in read.items() if field != "runningAgents"}
    assert await api.get(PATH, params={"versions": True}) == [read]
    await api.delete(path)
    await api.get(path, status=404)
    await api.delete(path, status=404)
    await api.put(path, {"name": "x"}, status=404)
    await api.post(f"{path}/keys", status=404)


async def test_a_location_says_its_defaults(api: Api) -> None:
    made = await make(api)
    assert (made["icon"], made["proxyUrl"], made["updated_at"]) == ("location", None, None)


async def test_a_change_keeps_what_it_does_not_name(api: Api) -> None:
    made = await make(api, icon="office", proxyUrl="http://proxy.example")
    path = f"{PATH}/{made['id']}"
    renamed = await api.put(path, {"name": "Attic"})
    assert (renamed["name"], renamed["icon"], renamed["proxyUrl"]) == (
        "Attic",
        "office",
        "http://proxy.example",
    )
    assert renamed["updated_at"] == f"{datetime.now(UTC):%Y-%m-%d}"
    without = await api.put(path, {"name": "Attic", "proxyUrl": None, "icon": "attic"})
    assert (without["icon"], without["proxyUrl"], without["slugName"]) == ("attic", None, made["slugName"])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"slugName": "eu-central-1"}, "slugName"),
        ({"slugName": "an office"}, "slugName"),
        ({"slugName": None}, "slugName"),
        ({"icon": ""}, "icon"),
        ({"proxyUrl": "proxy.example"}, "proxyUrl"),
    ],
)
async def test_a_location_that_cannot_be_saved_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    body = {"name": "Office", "slugName": f"office-{uuid4().hex[:12]}", **fields}
    error = await api.post(PATH, body, status=400)
    assert word in error["message"]
    assert await api.get(PATH) == []


async def test_a_slug_names_one_location_of_all_accounts(api: Api, stranger: Api) -> None:
    made = await make(api)
    for caller in (api, stranger):
        error = await caller.post(PATH, {"name": "x", "slugName": made["slugName"]}, status=409)
        assert "slugName" in error["message"]


async def test_a_slug_where_another_account_runs_checks_already_is_taken(
    api: Api, loose_stranger: Api, runner: ScriptedRunner
) -> None:
    shared = f"shared-{uuid4().hex[:8]}"
    await runner.hello(shared)
    monitor = await loose_stranger.create_url_monitor(locations=[shared])
    await api.post(PATH, {"name": "x", "slugName": shared}, status=409)
    await loose_stranger.delete(f"/v1/checks/{monitor['id']}")
    await api.post(PATH, {"name": "x", "slugName": shared})


# --- keys -------------------------------------------------------------------------------------


async def test_a_key_is_shown_once_and_says_which_location_it_is_for(api: Api) -> None:
    made = await make(api)
    (key,) = made["keys"]
    assert key["rawKey"].startswith("pl_")
    assert key["maskedKey"].startswith("pl_")
    assert key["maskedKey"].endswith(key["rawKey"][-4:])
    for answer in (await api.get(f"{PATH}/{made['id']}"), *await api.get(PATH)):
        assert answer["keys"] == [{**key, "rawKey": ""}]
    found = await location_of(api, key["rawKey"])
    assert api.account
    assert (found.slug, str(found.id), found.account_id) == (made["slugName"], made["id"], api.account.id)
    for wrong in ("", "pl_", key["maskedKey"], f"{key['rawKey']}0"):
        with pytest.raises(Unauthenticated):
            await location_of(api, wrong)
    for file in api.server.folder.glob("bellrock.sqlite*"):
        assert key["rawKey"].encode() not in file.read_bytes()


async def test_a_key_is_replaced_while_both_are_good_and_a_third_is_409(api: Api) -> None:
    made = await make(api)
    old, path = made["keys"][0], f"{PATH}/{made['id']}/keys"
    new = await api.post(path)
    for key in (old, new):
        assert (await location_of(api, key["rawKey"])).slug == made["slugName"]
    error = await api.post(path, status=409)
    assert "2 keys" in error["message"]
    await api.delete(f"{path}/{old['id']}")
    await api.delete(f"{path}/{old['id']}", status=404)
    with pytest.raises(Unauthenticated):
        await location_of(api, old["rawKey"])
    assert (await location_of(api, new["rawKey"])).slug == made["slugName"]
    await api.post(path)


async def test_keys_are_useless_once_their_location_is_gone(api: Api) -> None:
    made = await make(api)
    await api.delete(f"{PATH}/{made['id']}")
    with pytest.raises(Unauthenticated):
        await location_of(api, made["keys"][0]["rawKey"])


# --- in use -----------------------------------------------------------------------------------


async def test_a_location_where_a_check_runs_cannot_be_deleted(api: Api, loose: Api) -> None:
    made = await make(api)
    monitor = await loose.create_url_monitor(locations=[made["slugName"]])
    error = await api.delete(f"{PATH}/{made['id']}", status=409)
    assert monitor["name"] in error["message"]
    await api.delete(f"/v1/checks/{monitor['id']}")
    await api.delete(f"{PATH}/{made['id']}")


async def test_checks_and_sessions_of_another_account_cannot_run_at_a_private_location(
    api: Api, loose: Api, stranger: Api, runner: ScriptedRunner
) -> None:
    slug = (await make(api))["slugName"]
    await runner.hello(slug)
    monitor = await stranger.create_url_monitor()
    body = {"name": "x", "locations": [slug], "request": {"url": "https://shop.example"}}
    error = await stranger.post("/v1/checks/url", body, status=400)
    assert slug in error["message"]
    session = {"name": "x", "runLocation": slug, "target": {"checkId": [monitor["id"]]}}
    error = await stranger.post("/v1/test-sessions/trigger", session, status=400)
    assert slug in error["message"]
    assert slug not in str(await stranger.get("/v1/locations"))
    own = await loose.create_url_monitor(locations=[slug])
    await loose.start_test_session(own["id"], location=slug)


# --- runners and queues -----------------------------------------------------------------------


async def test_a_location_shows_the_runners_that_serve_it(api: Api, runner: ScriptedRunner) -> None:
    made = await make(api)
    await runner.hello(made["slugName"])
    read = await api.get(f"{PATH}/{made['id']}")
    assert read["agentCount"] == 1
    assert read["lastSeen"] == f"{datetime.now(UTC):%Y-%m-%d}"
    (version,) = read["runningAgents"]
    assert (version["version"], version["isOutdated"], version["count"]) == ("0.0.0", True, 1)
    assert version["agents"][0]["id"] == runner.runner_id
    assert datetime.fromisoformat(version["agents"][0]["lastSeenAt"]).tzinfo is not None


async def test_metrics_show_the_runs_that_wait_at_the_location(api: Api, loose: Api) -> None:
    slug, path = (made := await make(api))["slugName"], f"{PATH}/{made['id']}/metrics"
    suite = await loose.create_suite(locations=[slug])
    for _ in range(2):
        await loose.trigger(suite["id"])
    now = datetime.now(UTC)
    params = {"from": (now - timedelta(minutes=3)).isoformat(), "to": (now + timedelta(days=1)).isoformat()}
    before = await api.get(path, params=params)
    assert before["queueSize"][0] == 0
    assert len(before["timestamps"]) == len(before["queueSize"]) == len(before["oldestScheduledCheckRun"])
    start = datetime.now(UTC)
    after = await api.get(
        path, params={"from": start.isoformat(), "to": (start + timedelta(days=1)).isoformat()}
    )
    assert after["queueSize"] == [2]
    assert 0 <= after["oldestScheduledCheckRun"][0] < 60


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"from": "2026-01-31"},
        {"from": "2026-01-31", "to": "yesterday"},
        {"from": "2026-01-31", "to": "2026-01-31"},
        {"from": "2026-01-31", "to": "2026-01-30"},
        {"from": "2026-01-01", "to": "2026-01-16"},
        {"from": "0001-01-01T00:00:00+05:00", "to": "0001-01-02"},
        {"from": "9999-12-31", "to": "9999-12-31T23:59:59-05:00"},
    ],
)
async def test_metrics_need_two_moments_less_than_fifteen_days_apart(
    api: Api, params: dict[str, str]
) -> None:
    made = await make(api)
    error = await api.get(f"{PATH}/{made['id']}/metrics", params=params, status=400)
    assert "to" in error["message"] or "from" in error["message"]
    good = {"from": "2026-01-01", "to": "2026-01-15"}
    assert (await api.get(f"{PATH}/{made['id']}/metrics", params=good))["queueSize"][0] == 0


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_WRITE", False), ("ADMIN", True)])
async def test_private_locations_are_changed_by_administrators_and_seen_by_all(
    api: Api, role: str, may: bool
) -> None:
    made = await make(api)
    path = f"{PATH}/{made['id']}"
    async with with_role(api, role) as caller:
        assert (await caller.get(path))["keys"][0]["rawKey"] == ""
        body = {"name": "x", "slugName": f"office-{uuid4().hex[:12]}"}
        await caller.post(PATH, body, status=201 if may else 403)
        await caller.put(path, {"name": "x"}, status=200 if may else 403)
        await caller.post(f"{path}/keys", status=201 if may else 403)
        await caller.delete(f"{path}/keys/{made['keys'][0]['id']}", status=204 if may else 403)
        await caller.delete(path, status=204 if may else 403)


async def test_private_locations_of_another_account_do_not_exist(api: Api, stranger: Api) -> None:
    made = await make(api)
    path = f"{PATH}/{made['id']}"
    assert await stranger.get(PATH) == []
    await stranger.get(path, status=404)
    await stranger.get(f"{path}/metrics", params={"from": "2026-01-01", "to": "2026-01-02"}, status=404)
    await stranger.put(path, {"name": "x"}, status=404)
    await stranger.post(f"{path}/keys", status=404)
    await stranger.delete(f"{path}/keys/{made['keys'][0]['id']}", status=404)
    await stranger.delete(path, status=404)
    other = await make(stranger)
    await stranger.delete(f"{PATH}/{other['id']}/keys/{made['keys'][0]['id']}", status=404)
    await api.delete(f"{path}/keys/{unknown_id()}", status=404)
    assert (await location_of(api, made["keys"][0]["rawKey"])).slug == made["slugName"]
    assert EU not in made["slugName"]
