"""Maintenances: each time that a window comes, read off the window."""

from datetime import UTC, datetime, timedelta

from tests.support.api_client import Api, Json, unknown_id

WINDOWS = "/v1/maintenance-windows"


async def new_window(api: Api, **fields: object) -> Json:
    """A window that began yesterday, an hour long."""
    begun = datetime.now(UTC) - timedelta(days=1, minutes=30)
    times = {"startsAt": begun.isoformat(), "endsAt": (begun + timedelta(hours=1)).isoformat()}
    made: Json = await api.post(WINDOWS, {"name": "Night", "repeatUnit": None, **times, **fields})
    return made


async def test_the_times_that_a_window_comes_are_listed_by_page_with_how_they_stand(api: Api) -> None:
    window = await new_window(api, repeatUnit="DAY", repeatInterval=1)
    path = f"{WINDOWS}/{window['id']}/maintenances"
    found = await api.get(path)
    assert [each["status"] for each in found[:3]] == ["COMPLETED", "IN_PROGRESS", "SCHEDULED"]
    assert len(found) == 10  # the contract's default
    assert found[0]["startsAt"] == window["startsAt"]
    assert {each["maintenanceWindowId"] for each in found} == {window["id"]}
    assert await api.get(f"{path}?limit=3&page=2") == found[3:6]
    await api.get(f"{path}?limit=51", status=400)


async def test_a_time_is_read_by_its_id(api: Api, stranger: Api) -> None:
    window = await new_window(api)
    path = f"{WINDOWS}/{window['id']}/maintenances"
    (only,) = await api.get(path)
    assert await api.get(f"{path}/{only['id']}") == only
    await api.get(f"{path}/{unknown_id()}", status=404)
    await stranger.get(path, status=404)
    await stranger.get(f"{path}/{only['id']}", status=404)


async def test_no_single_time_can_be_changed_yet(api: Api) -> None:
    window = await new_window(api)
    (only,) = await api.get(f"{WINDOWS}/{window['id']}/maintenances")
    path = f"{WINDOWS}/{window['id']}/maintenances/{only['id']}"
    for method, place in (("PATCH", path), ("DELETE", path), ("POST", f"{path}/updates")):
        answer = await api.request(method, place, json={})
        assert (answer.status_code, answer.json()["errorCode"]) == (501, "NOT_BUILT")
