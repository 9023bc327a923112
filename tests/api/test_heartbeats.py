"""Heartbeat monitors over HTTP: pings without a key, events and availability with one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest

from bellrock.domain.heartbeats import Timer
from bellrock.services.platform import Platform
from bellrock.store.heartbeats import StoredHeartbeat, save_timers
from tests.support.api_client import Api, Json, unknown_id
from tests.support.heartbeats import GRACE_S, PERIOD_S, create_monitor


class Monitor:
    """A monitor of the caller's account."""

    def __init__(self, api: Api, check_id: UUID, token: str) -> None:
        self.api, self.check_id, self.token = api, check_id, token

    @property
    def path(self) -> str:
        return f"/v1/checks/heartbeats/{self.check_id}"

    async def events(self, **params: object) -> list[Json]:
        (answer,) = await self.api.get(f"{self.path}/events", params=params)
        events: list[Json] = answer["events"]
        return events

    async def states(self) -> list[str]:
        return [event["state"] for event in await self.events()]


@pytest.fixture
async def monitor(api: Api) -> Monitor:
    return await new_monitor(api)


async def new_monitor(api: Api, *, activated: bool = True) -> Monitor:
    principal = await api.server.principal_of(api.account)
    check, token = await api.server.call(
        lambda platform: create_monitor(platform, principal, activated=activated)
    )
    return Monitor(api, check.id, token)


async def ping(nobody: Api, token: str, method: str = "GET", **options: object) -> httpx2.Response:
    # The answer to a HEAD says that it is JSON and has none.
    ask = nobody.http.request if method == "HEAD" else nobody.request
    return await ask(method, f"/ping/{token}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/ping/{token}", "/ping/{token}/", "/heartbeats/ping/{token}"])
async def test_every_form_of_the_address_is_answered_without_a_key(
    nobody: Api, monitor: Monitor, path: str
) -> None:
    for token in (monitor.token, monitor.token.upper()):
        answer = await nobody.request("GET", path.format(token=token))
        assert (answer.status_code, answer.json()) == (200, {"message": "The ping is recorded."})
    assert await monitor.states() == ["EARLY", "RECEIVED"]


async def test_get_post_and_head_ping_and_nothing_else_does(nobody: Api, monitor: Monitor) -> None:
    for method in ("GET", "POST", "HEAD"):
        answer = await ping(nobody, monitor.token, method, **({"json": {"a": 1}} if method == "POST" else {}))
        assert answer.status_code == 200
        assert answer.headers["content-length"] == "35"
        assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""
    for method in ("PUT", "DELETE", "PATCH"):
        refused = await ping(nobody, monitor.token, method)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert len(await monitor.events()) == 3


async def test_a_body_is_passed_over_whatever_its_size(nobody: Api, monitor: Monitor) -> None:
    for size in (5_000_000, 0):
        assert (await ping(nobody, monitor.token, "POST", content=b"x" * size)).status_code == 200


async def test_a_page_of_any_origin_may_ping(nobody: Api, monitor: Monitor) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = await ping(nobody, monitor.token, "OPTIONS", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for token in (monitor.token, unknown_id()):
        answer = await ping(nobody, token, headers={"Origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
    assert len(await monitor.events()) == 1


@pytest.mark.parametrize(
    "token",
    [
        "5e9d1c0a-0000-4000-8000-000000000000",
        "%00",
        "5e9d1c0a000040008000000000000000",
        "x" * 5_000,
        "%F0%9F%92%93",
        "..%2Fv1",
        "'; DROP TABLE heartbeats; --",
    ],
)
async def test_an_unknown_or_odd_token_is_404(nobody: Api, token: str) -> None:
    answer = await ping(nobody, token)
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers or answer.headers["cache-control"] == "no-store"
    head = await ping(nobody, token, "HEAD")
    assert (head.status_code, head.content) == (404, b"")


async def test_an_event_says_who_pinged_in_bounded_text(nobody: Api, monitor: Monitor) -> None:
    long = "z" * 3_000
    for headers in (
        {"Origin": "backup-1", "Referer": "https://cron.example/job", "User-Agent": "curl/8.5"},
        {"Referer": "https://cron.example/job", "User-Agent": long},
        {"Origin": long, "User-Agent": ""},
        {"User-Agent": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"},
    ):
        sent = {name: value.encode() for name, value in headers.items()}
        assert (await ping(nobody, monitor.token, headers=sent)).status_code == 200
    seen = [(event["source"], event["userAgent"]) for event in await monitor.events()][::-1]
    assert seen == [
        ("backup-1", "curl/8.5"),
        ("https://cron.example/job", long[:500]),
        (long[:200], None),
        (None, "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ]


async def test_who_only_looks_at_the_address_does_not_ping(nobody: Api, monitor: Monitor) -> None:
    for user_agent in ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "WhatsApp/2.23"):
        answer = await ping(nobody, monitor.token, headers={"User-Agent": user_agent})
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "PING_OF_A_BOT")
    assert await monitor.events() == []


async def test_a_ping_of_a_deactivated_monitor_is_answered_and_not_recorded(nobody: Api, api: Api) -> None:
    monitor = await new_monitor(api, activated=False)
    answer = await ping(nobody, monitor.token)
    assert answer.status_code == 200
    assert "not recorded" in answer.json()["message"]
    assert await monitor.events() == []


async def test_every_answered_ping_of_a_crowd_is_an_event(nobody: Api, api: Api) -> None:
    monitors = [await new_monitor(api) for _ in range(5)]
    answers = await asyncio.gather(*(ping(nobody, each.token) for each in monitors * 8))
    assert [answer.status_code for answer in answers] == [200] * 40
    for each in monitors:
        (page,) = await api.get(f"{each.path}/events", params={"limit": 1})
        assert page["stats"]["last24Hours"]["totalEntitiesCurrentPeriod"] == 8
        assert len(page["events"]) == 1


async def test_the_server_marks_a_missed_ping_by_itself(nobody: Api, monitor: Monitor) -> None:
    await ping(nobody, monitor.token)
    await overdue(monitor)
    seen: list[str] = []

    async def look() -> None:
        while "FAILING" not in seen:
            seen[:] = await monitor.states()

    await asyncio.wait_for(look(), 20)
    assert seen == ["FAILING", "RECEIVED"]
    (missed, _) = await monitor.events()
    assert (missed["source"], missed["userAgent"]) == (None, None)
    availability = await monitor.api.get(f"{monitor.path}/availability")
    assert availability == {"successRatio": {"currentPeriod": 50.0}, "totalEntitiesCurrentPeriod": 2}


async def overdue(monitor: Monitor) -> None:
    """As if the last ping were an hour old: no test waits for a period of 30 seconds."""
    due_at = datetime.now(UTC) - timedelta(hours=1)
    timer = Timer(PERIOD_S, GRACE_S, due_at=due_at, last_ping_at=due_at)

    async def write(platform: Platform) -> None:
        async with platform.database.write() as connection:
            await save_timers(connection, [StoredHeartbeat(monitor.check_id, monitor.token, timer)])

    await monitor.api.server.call(write)


async def test_one_event_is_read_with_how_the_monitor_did(nobody: Api, monitor: Monitor) -> None:
    await ping(nobody, monitor.token)
    (event,) = await monitor.events()
    answer = await monitor.api.get(f"{monitor.path}/events/{event['id']}")
    assert answer["event"] == event
    nothing_before = {"successRatio": {"currentPeriod": 100.0}, "totalEntitiesCurrentPeriod": 1}
    assert answer["stats"] == {"last24Hours": nothing_before, "last7Days": nothing_before}
    await monitor.api.get(f"{monitor.path}/events/{unknown_id()}", status=404)


async def test_events_are_listed_newest_first_and_by_time(nobody: Api, monitor: Monitor) -> None:
    for _ in range(12):
        await ping(nobody, monitor.token)
    listed = await monitor.events()
    assert len(listed) == 10
    assert listed == sorted(listed, key=lambda event: event["timestamp"], reverse=True)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert await monitor.events(startTime=tomorrow) == []
    assert len(await monitor.events(endTime=tomorrow, limit=3)) == 3
    assert len(await monitor.events(startTime="2026-01-01T00:00:00+02:00", limit=2)) == 2


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=11", "limit"),
        ("limit=0", "limit"),
        ("startTime=yesterday", "startTime"),
        ("endTime=1969-12-31", "endTime"),
        ("startTime=2026-02-02&endTime=2026-02-01", "startTime"),
        ("startTime=0001-01-01T00:00:00%2B05:00", "startTime"),
        ("endTime=9999-12-31T23:59:59-05:00", "endTime"),
    ],
)
async def test_a_bad_question_is_told_which_part_of_it_is_bad(
    monitor: Monitor, query: str, named: str
) -> None:
    error = await monitor.api.get(f"{monitor.path}/events?{query}", status=400)
    assert named in error["message"]


async def test_the_longest_span_has_an_availability_too(monitor: Monitor) -> None:
    path = f"{monitor.path}/availability?startTime=1970-01-01&endTime=9999-12-31T23:59:59Z"
    assert await monitor.api.get(path) == {"successRatio": {}, "totalEntitiesCurrentPeriod": 0}
    await monitor.api.get(f"{monitor.path}/availability?startTime=9999-01-01", status=400)


async def test_monitors_of_another_account_and_checks_of_other_types_are_404(
    api: Api, stranger: Api, nobody: Api, monitor: Monitor
) -> None:
    await ping(nobody, monitor.token)
    (event,) = await monitor.events()
    other = f"/v1/checks/heartbeats/{(await api.create_url_monitor())['id']}"
    for path in ("/events", "/availability", f"/events/{event['id']}"):
        await stranger.get(monitor.path + path, status=404)
        await api.get(other + path, status=404)
        await nobody.get(monitor.path + path, status=401)
        await api.get(f"/v1/checks/heartbeats/{unknown_id()}{path}", status=404)


async def test_a_monitor_shows_the_address_to_ping_and_can_be_written_as_it_is_read(
    api: Api, nobody: Api
) -> None:
    beat = {"period": 1, "periodUnit": "days", "grace": 2, "graceUnit": "hours"}
    made = await api.post("/v1/checks/heartbeat", {"name": "Backup", "heartbeat": beat}, status=201)
    shown = made["heartbeat"]
    assert {name: shown[name] for name in beat} == beat
    assert shown["pingUrl"].endswith(f"/ping/{shown['pingToken']}")
    await nobody.request("GET", f"/ping/{shown['pingToken']}")
    again = await api.put(f"/v1/checks/heartbeat/{made['id']}", {"heartbeat": shown})
    assert again["heartbeat"] == shown
