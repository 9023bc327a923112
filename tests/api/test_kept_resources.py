"""Kept things: secrets, subscriptions, pages of lists, addresses, incidents, and what goes with what."""

import json
from typing import Any

import pytest

from tests.support.api_client import Api, unknown_id
from tests.support.roles import with_role
from tests.support.schemas import Json

CHANNELS, PAGES = "/v1/alert-channels", "/v1/status-pages"
SECRET = "s3cret-of-a-hook"
HOOK = {
    "type": "WEBHOOK",
    "config": {
        "name": "Hook",
        "url": "https://hook.example/s3cret-of-a-hook",
        "webhookSecret": SECRET,
        "headers": [{"key": "X-Key", "value": SECRET}],
    },
}


async def service(api: Api, name: str = "Checkout") -> Json:
    """A service of status pages."""
    made: Json = await api.post(f"{PAGES}/services", {"name": name}, status=200)
    return made


async def incident(api: Api, *services: Json, **fields: object) -> Json:
    """An incident of status pages."""
    first = {"description": "We look into it", "status": "INVESTIGATING", "notifySubscribers": True}
    body = {"name": "Down", "severity": "MAJOR", "services": list(services), "incidentUpdates": [first]}
    made: Json = await api.post(f"{PAGES}/incidents", {**body, **fields})
    return made


async def test_a_channels_configuration_is_sealed_and_shown_to_writers_alone(api: Api) -> None:
    made = await api.post(CHANNELS, HOOK)
    path = f"{CHANNELS}/{made['id']}"
    async with with_role(api, "READ_WRITE") as writer, with_role(api, "READ_ONLY") as reader:
        assert (await writer.get(path))["config"] == HOOK["config"]
        shown = await reader.get(path)
        assert SECRET not in json.dumps([shown, await reader.get(CHANNELS)])
        assert shown["config"]["name"] == "Hook"
        await reader.post(CHANNELS, HOOK, status=403)
        await reader.put(f"{path}/subscriptions", {"activated": True}, status=403)
    files = list(api.server.folder.glob("bellrock.sqlite*"))
    assert files
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


async def test_subscriptions_are_the_same_on_channels_checks_and_groups(api: Api) -> None:
    check = await api.create_url_monitor()
    group = await api.post("/v2/check-groups", {"name": "Shop"})
    hears = [{"checkId": check["id"], "activated": True}, {"groupId": group["id"], "activated": False}]
    made = await api.post(CHANNELS, {**HOOK, "subscriptions": hears})
    path = f"{CHANNELS}/{made['id']}"
    of_check = {"alertChannelId": made["id"], "activated": True}
    assert (await api.get(f"/v1/checks/{check['id']}"))["alertChannelSubscriptions"] == [of_check]
    assert len((await api.get(path))["subscriptions"]) == 2
    said = {"checkId": check["id"], "activated": False}
    assert (await api.put(f"{path}/subscriptions", said))["activated"] is False
    (read,) = (await api.get(f"/v1/checks/{check['id']}"))["alertChannelSubscriptions"]
    assert read["activated"] is False
    await api.put(path, HOOK)
    assert len((await api.get(path))["subscriptions"]) == 2, "what is not said stays"
    assert (await api.put(path, {**HOOK, "subscriptions": hears[1:]}))["subscriptions"][0]["checkId"] is None
    assert (await api.get(f"/v1/checks/{check['id']}"))["alertChannelSubscriptions"] == []
    await api.delete(path)
    assert (await api.get(f"/v1/check-groups/{group['id']}"))["alertChannelSubscriptions"] == []


@pytest.mark.parametrize("named", [{}, {"checkId": unknown_id()}, {"groupId": 2_000_000_000}])
async def test_a_channel_hears_only_of_what_is_there(api: Api, named: Json) -> None:
    made = await api.post(CHANNELS, HOOK)
    error = await api.put(f"{CHANNELS}/{made['id']}/subscriptions", {**named, "activated": True}, status=400)
    assert next(iter(named), "subscriptions") in error["message"]
    await api.put(f"{CHANNELS}/2000000000/subscriptions", {**named, "activated": True}, status=404)


async def test_lists_by_pages_say_how_many_there_are(api: Api) -> None:
    for number in range(3):
        await api.post(CHANNELS, {"type": "EMAIL", "config": {"address": f"{number}@example.org"}})
    answer = await api.request("GET", f"{CHANNELS}?limit=2&page=2")
    assert [each["config"]["address"] for each in answer.json()] == ["2@example.org"]
    assert answer.headers["content-range"] == "2-2/3"
    answer = await api.request("GET", "/v1/alert-notifications?alertChannelId=1&hasFailures=true")
    assert (answer.json(), answer.headers["content-range"]) == ([], "*/0")
    await api.get("/v1/alert-notifications?alertChannelId=x", status=400)


async def test_lists_by_cursor_go_on_where_they_ended(api: Api) -> None:
    names = [(await service(api, f"S{number}"))["name"] for number in range(5)]
    seen: list[str] = []
    cursor = ""
    for length in (2, 2, 1):
        found = await api.get(f"{PAGES}/services?limit=2{cursor}")
        assert found["length"] == len(found["entries"]) == length
        seen += [each["name"] for each in found["entries"]]
        cursor = f"&nextId={found['nextId']}"
    assert (seen, found["nextId"]) == (names, None)
    for bad in ("x", "-1", "9" * 40):
        assert "nextId" in (await api.get(f"{PAGES}/services?nextId={bad}", status=400))["message"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/dashboards", {"header": "x", "customUrl": "U"}, "customUrl"),
        ("/v1/dashboards", {"header": "x", "customDomain": "U"}, "customDomain"),
        (PAGES, {"name": "x", "url": "U", "cards": []}, "url"),
    ],
)
async def test_an_address_is_taken_once_whoever_has_it(
    api: Api, stranger: Api, path: str, body: Json, field: str
) -> None:
    said = {name: unknown_id() if value == "U" else value for name, value in body.items()}
    made = await api.post(path, said)
    assert field in (await stranger.post(path, said, status=409))["message"]
    key = made.get("dashboardId", made["id"])
    await api.put(f"{path}/{key}", said)
    if field != "url":
        found = await api.get(f"{path}/{said[field]}?type={field}")
        assert found["dashboardId"] == key
        await stranger.get(f"{path}/{said[field]}?type={field}", status=404)


async def test_a_status_page_shows_its_services_and_their_incidents(api: Api) -> None:
    assert api.account
    first, other = await service(api), await service(api, "Other")
    cards: list[Json] = [
        {"name": "Web", "services": [{"id": first["id"]}]},
        {"name": "Web", "services": []},
    ]
    made = await api.post(PAGES, {"name": "Shop", "url": unknown_id(), "cards": cards})
    on_it, _ = await incident(api, first), await incident(api, other)
    page = await api.get(f"{PAGES}/{made['id']}")
    assert page["cards"][0]["services"][0]["accountId"] == str(api.account.id)
    assert len({card["id"] for card in page["cards"]}) == 2
    assert [each["id"] for each in page["incidents"]] == [on_it["id"]]
    assert (page["keys"], page["isPrivate"], page["accountId"]) == ([], False, str(api.account.id))
    await api.delete(f"{PAGES}/services/{first['id']}")
    page = await api.get(f"{PAGES}/{made['id']}")
    assert [card["services"] for card in page["cards"]] == [[], []]
    cards[0]["services"] = [{"id": first["id"]}]
    body = {"name": "Shop", "url": unknown_id(), "cards": cards}
    assert "cards.services" in (await api.put(f"{PAGES}/{made['id']}", body, status=400))["message"]


async def test_an_incident_is_what_its_updates_say(api: Api) -> None:
    made = await incident(api, await service(api))
    path = f"{PAGES}/incidents/{made['id']}"
    (first,) = made["incidentUpdates"]
    assert (made["lastUpdateStatus"], made["duration"]) == ("INVESTIGATING", None)
    assert (await api.request("PATCH", path, json={"severity": "MINOR"})).json()["severity"] == "MINOR"
    resolved = {"description": "Good again", "status": "RESOLVED", "notifySubscribers": False}
    added = await api.post(f"{path}/incident-updates", resolved, status=200)
    read = await api.get(path)
    assert (read["lastUpdateStatus"], len(read["incidentUpdates"])) == ("RESOLVED", 2)
    assert read["duration"] >= 0
    assert await api.get(f"{path}/incident-updates") == read["incidentUpdates"]
    earlier = {"description": "Since noon", "publicIncidentUpdateDate": "2026-01-01T12:00:00.000Z"}
    changed = await api.put(f"{path}/incident-updates/{first['id']}", earlier)
    assert await api.get(f"{path}/incident-updates/{first['id']}") == changed
    assert (await api.get(path))["duration"] > 86_400
    await api.delete(f"{path}/incident-updates/{added['id']}")
    assert (await api.get(path))["duration"] is None
    await api.delete(f"{path}/incident-updates/{first['id']}", status=409)
    await api.get(f"{path}/incident-updates/{added['id']}", status=404)
    await api.put(f"{path}/incident-updates/{added['id']}", earlier, status=404)


async def test_a_dashboards_incident_has_updates_and_goes_with_its_dashboard(api: Api) -> None:
    board = await api.post("/v1/dashboards", {"header": "Board"})
    first = {"status": "investigating", "description": "We look into it"}
    body = {"name": "Down", "impact": "minor", "dashboardId": board["id"], "incidentUpdates": [first]}
    path = f"/v1/incidents/{(await api.post('/v1/incidents', body, status=200))['id']}"
    added = await api.post(f"{path}/updates", {"status": "RESOLVED", "description": "Good"})
    assert [each["status"] for each in (await api.get(path))["incidentUpdates"]] == ["RESOLVED"]
    both = await api.get(f"{path}?includeAllIncidentUpdates=true")
    assert [each["status"] for each in both["incidentUpdates"]] == ["INVESTIGATING", "RESOLVED"]
    changed = await api.put(f"{path}/updates/{added['id']}", {"description": "Very good"})
    assert (changed["description"], changed["status"]) == ("Very good", "RESOLVED")
    await api.delete(f"{path}/updates/{added['id']}")
    await api.post("/v1/incidents", {**body, "dashboardId": 2_000_000_000}, status=404)
    await api.delete(f"/v1/dashboards/{board['dashboardId']}")
    await api.get(path, status=404)


async def test_windows_are_found_by_when_they_are(api: Api) -> None:
    for day in (1, 2, 3):
        times = {"startsAt": f"2026-01-0{day}", "endsAt": f"2026-01-0{day}T12:00:00+01:00"}
        made = await api.post("/v1/maintenance-windows", {"name": str(day), "repeatUnit": None, **times})
        assert made["endsAt"] == f"2026-01-0{day}T11:00:00.000Z"
    found = await api.get("/v1/maintenance-windows?startsAt[gte]=2026-01-02&endsAt[lt]=2026-01-03")
    assert [each["name"] for each in found] == ["2"]
    error = await api.get("/v1/maintenance-windows?startsAt[gt]=noon", status=400)
    assert "startsAt[gt]" in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (CHANNELS, {"type": "SMS", "config": {}}, "config.number"),
        (CHANNELS, {**HOOK, "sslExpiryThreshold": 31}, "sslExpiryThreshold"),
        ("/v1/maintenance-windows", {"name": "x", "startsAt": "2026-01-01"}, "endsAt"),
        (
            "/v1/maintenance-windows",
            {"name": "x", "startsAt": "2026-01-01", "endsAt": "2026-01-01"},
            "endsAt",
        ),
        (
            "/v1/maintenance-windows",
            {"name": "x", "startsAt": "2026-01-01", "endsAt": "2026-01-02", "timezone": "Mars/Base"},
            "timezone",
        ),
        ("/v1/dashboards", {}, "header"),
        ("/v1/dashboards", {"header": "x", "checksPerPage": 21}, "checksPerPage"),
        ("/v1/dashboards", {"header": "x", "logo": "not an address"}, "logo"),
        (PAGES, {"name": "x", "url": "y", "cards": [], "themeColors": {"light": {}}}, "themeColors"),
        (PAGES, {"name": "x", "url": "y", "cards": [], "defaultTheme": "PINK"}, "defaultTheme"),
        (f"{PAGES}/services", {"name": ""}, "name"),
        (f"{PAGES}/incidents", {"name": "x", "severity": "MAJOR", "services": []}, "services"),
        ("/v1/incidents", {"name": "x", "impact": "HUGE"}, "impact"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_the_fields_name(
    api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    assert field in (await api.post(path, body, status=400))["message"]


async def test_an_incident_is_on_services_of_the_account_alone(api: Api, stranger: Api) -> None:
    theirs = await service(stranger)
    first = {"description": "x", "status": "INVESTIGATING"}
    body = {"name": "Down", "severity": "MAJOR", "services": [theirs], "incidentUpdates": [first]}
    assert "services" in (await api.post(f"{PAGES}/incidents", body, status=400))["message"]


async def test_nobody_is_subscribed_to_a_page_and_nobody_can_be_yet(api: Api, stranger: Api) -> None:
    page = await api.post(PAGES, {"name": "How we do", "url": unknown_id(), "cards": []})
    path = f"{PAGES}/{page['id']}/subscriptions"
    assert await api.get(path) == []
    await api.delete(f"{path}/{unknown_id()}", status=404)
    await api.post(f"{path}/bulk", {"subscribers": []}, status=501)
    await stranger.get(path, status=404)
    await api.get(f"{PAGES}/{unknown_id()}/subscriptions", status=404)
