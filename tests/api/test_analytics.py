"""Figures of checks: what counts, what is left out, and how they are asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from bellrock.domain.outcomes import CANCELLED, Outcome
from bellrock.domain.sessions import SessionKind
from tests.support.api_client import EU, US, Api, Json, unknown_id
from tests.support.check_kinds import KINDS
from tests.support.history import PASSED, Past, remember
from tests.support.scripted_runner import DEGRADED, ERRORED, FAILED

PATHS = {
    "api": "api-checks",
    "url": "url-monitors",
    "browser": "browser-checks",
    "multistep": "multistep-checks",
    "tcp": "tcp-checks",
    "dns": "dns",
    "icmp": "icmp",
    "ssl": "ssl",
    "heartbeat": "heartbeat-checks",
}
HTTP_PHASES = {"wait": 0, "dns": 1.5, "tcp": 2.25, "firstByte": 7, "download": 0.5, "total": 11.25}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def http(status: int, **phases: float) -> Mapping[str, Any]:
    return {"response": {"status": status, "timingPhases": {**HTTP_PHASES, **phases}}}


async def figures(api: Api, check: Json, metrics: str, *, kind: str = "url", **params: Any) -> Json:
    """The answer of the check's own endpoint."""
    path = f"/v1/analytics/{PATHS[kind]}/{check['id']}"
    found: Json = await api.get(path, params={"metrics": metrics, **params})
    return found


async def figure(api: Api, check: Json, metrics: str, **params: Any) -> Json:
    """The one object of an answer that is not grouped."""
    ((series),) = (await figures(api, check, metrics, **params))["series"]
    (data,) = series["data"]
    return dict(data)


async def create(api: Api, kind: str) -> Json:
    made: Json = await api.post(f"/v1/checks/{kind}", {"name": kind, "locations": [EU], **KINDS[kind][1]})
    return made


async def test_degraded_is_available_failed_and_errored_are_not_and_nothing_else_counts(api: Api) -> None:
    """C40. Of five runs that count, three were good."""
    monitor = await api.create_url_monitor()
    counted = [PASSED, PASSED, DEGRADED, FAILED, ERRORED]
    others = [
        Past(CANCELLED),
        Past(FAILED, result_type="ATTEMPT"),
        Past(FAILED, kind=SessionKind.TEST),
        Past(FAILED, minutes(60 * 25)),
    ]
    await remember(api, monitor, *(Past(outcome) for outcome in counted), *others)
    assert await figure(api, monitor, "availability") == {"availability": 60}
    assert (await figure(api, monitor, "availability", quickRange="last7Days"))["availability"] == 50
    (batch,) = await api.post("/v1/analytics/checks", {"checkIds": [monitor["id"]]}, status=200)
    assert batch["availability"] == 60


async def test_times_are_of_every_run_that_found_out_something(api: Api) -> None:
    monitor = await api.create_url_monitor()
    runs = [(PASSED, 100), (PASSED, 200), (DEGRADED, 300), (FAILED, 400), (ERRORED, 9_999), (PASSED, None)]
    await remember(api, monitor, *(Past(outcome, response_time_ms=ms) for outcome, ms in runs))
    wanted: dict[str, float] = {
        "avg": 250,
        "p50": 250,
        "median": 250,
        "p90": 370,
        "p95": 385,
        "p99": 397,
        "min": 100,
    }
    wanted |= {"max": 400, "sum": 1000, "stddev": 111.8}
    names = [f"responseTime_{how}" for how in wanted]
    assert await figure(api, monitor, ",".join(names)) == dict(zip(names, wanted.values(), strict=True))
    (batch,) = await api.post("/v1/analytics/checks", {"checkIds": [monitor["id"]]}, status=200)
    assert [batch[f"responseTime_{how}"] for how in ("avg", "p50", "p95", "p99")] == [250, 250, 385, 397]


async def test_retries_are_counted(api: Api) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, Past(attempt=3), Past(attempt=1), Past(FAILED, attempt=2))
    assert await figure(api, monitor, "retries") == {"retries": 3}


async def test_a_check_without_results_has_no_figures_rather_than_zeros(api: Api) -> None:
    monitor = await api.create_url_monitor()
    assert await figure(api, monitor, "availability,responseTime_p95") == {
        "availability": None,
        "responseTime_p95": None,
    }
    (batch,) = await api.post("/v1/analytics/checks", {"checkIds": [monitor["id"]]}, status=200)
    assert batch == {
        "checkId": monitor["id"],
        "checkType": "URL",
        "availability": None,
        **{f"responseTime_{how}": None for how in ("avg", "p50", "p95", "p99")},
    }


ICMP = {"response": {"packetLoss": 10, "latency": {"min": 1.5, "max": 3.5, "avg": 2.5, "stdDev": 0.5}}}
PAGES = [{"url": "a", "webVitals": {"LCP": {"value": 1000}, "CLS": {"value": 0.0125}}}, {"webVitals": {}}]
BROWSER = {"pages": PAGES, "traceSummary": {"consoleErrors": 2, "networkErrors": 0}}
SSL = {"handshakeTimeMs": 12.345, "daysUntilExpiry": 17, "tlsVersion": "TLSv1.3", "chainTrusted": True}
TCP = {"response": {"timingPhases": {"total": 5.5, "dns": 1, "connection": 2, "data": 2.5}}}


@pytest.mark.parametrize(
    ("kind", "details", "figures_of_it"),
    [
        ("api", http(200), {"wait_avg": 0, "dns_avg": 1.5, "tcp_p95": 2.25, "firstByte_max": 7}),
        ("tcp", TCP, {"total_avg": 5.5, "dns_avg": 1, "connection_avg": 2, "data_p99": 2.5}),
        ("dns", {"response": {"timingPhases": {"total": 4}}}, {"total_p50": 4}),
        ("icmp", ICMP, {"packetLoss_avg": 10, "latencyAvg_p95": 2.5, "latencyMin_min": 1.5}),
        ("icmp", ICMP, {"latencyMax_max": 3.5, "latencyStdDev_avg": 0.5}),
        ("ssl", SSL, {"handshakeTimeMs_avg": 12.35, "daysUntilExpiry_avg": 17, "tlsVersion_avg": None}),
        ("ssl", SSL, {"chainTrusted_avg": 1, "tlsVersion": "TLSv1.3", "keySizeBits": None}),
        ("browser", BROWSER, {"LCP_avg": 1000, "CLS_avg": 0.0125, "TBT_avg": None, "consoleErrors_sum": 2}),
        ("browser", BROWSER, {"LCP": 1000, "CLS": 0.0125, "networkErrors": 0, "responseTime": 100}),
        ("multistep", {}, {"responseTime_avg": 100}),
    ],
)
async def test_every_type_has_the_figures_that_its_results_hold(
    api: Api, kind: str, details: Mapping[str, Any], figures_of_it: Mapping[str, Any]
) -> None:
    check = await create(api, kind)
    await remember(api, check, Past(details=details))
    together = {name: value for name, value in figures_of_it.items() if "_" in name}
    alone = {name: value for name, value in figures_of_it.items() if "_" not in name}
    for part in filter(None, (together, alone)):
        found = await figure(api, check, ",".join(part), kind=kind)
        assert {name: found[name] for name in part} == part


async def test_the_batch_tells_latency_and_loss_of_pings_and_response_times_of_others(
    api: Api, stranger: Api
) -> None:
    icmp, heartbeat, url = [await create(api, kind) for kind in ("icmp", "heartbeat", "url")]
    theirs = await create(stranger, "url")
    await remember(api, icmp, Past(details=ICMP), Past(ERRORED, details=ICMP))
    asked = {"checkIds": [icmp["id"], theirs["id"], heartbeat["id"], url["id"], unknown_id()]}
    found = await api.post("/v1/analytics/checks?quickRange=last7Days", asked, status=200)
    assert [each["checkId"] for each in found] == [icmp["id"], heartbeat["id"], url["id"]]
    assert found[0] == {
        "checkId": icmp["id"],
        "checkType": "ICMP",
        "availability": 50,
        **{f"latency_{how}": 2.5 for how in ("avg", "p50", "p95", "p99")},
        **{f"packetLoss_{how}": 10 for how in ("avg", "p95", "p99")},
    }
    assert set(found[1]) == {"checkId", "checkType", "availability"}


async def test_results_are_grouped_by_location_status_and_page(api: Api) -> None:
    monitor, browser = await api.create_url_monitor(), await create(api, "browser")
    await remember(
        api,
        monitor,
        Past(location=EU, response_time_ms=100, details=http(200)),
        Past(FAILED, location=US, response_time_ms=300, details=http(503)),
        Past(FAILED, location=US, response_time_ms=500),
    )
    metrics = "responseTime_avg,availability"
    by_place = (await figures(api, monitor, metrics, groupBy="runLocation"))["series"]
    assert by_place == [
        {"runLocation": EU, "data": [{"responseTime_avg": 100, "availability": 100}]},
        {"runLocation": US, "data": [{"responseTime_avg": 400, "availability": 0}]},
    ]
    by_code = (await figures(api, monitor, metrics, groupBy="statusCode"))["series"]
    assert [(each["statusCode"], each["data"][0]["responseTime_avg"]) for each in by_code] == [
        (200, 100),
        (503, 300),
    ]
    await remember(api, browser, Past(details=BROWSER))
    by_page = (await figures(api, browser, "LCP_avg", kind="browser", groupBy="pageIndex"))["series"]
    assert [(each["pageIndex"], each["data"]) for each in by_page] == [
        (0, [{"LCP_avg": 1000}]),
        (1, [{"LCP_avg": None}]),
    ]


async def test_results_are_put_together_by_interval_and_listed_one_by_one_newest_first(api: Api) -> None:
    monitor = await api.create_url_monitor()
    hour = datetime(2026, 1, 5, 12, tzinfo=UTC)
    runs = {0: 100, 10: 200, 70: 300, 130: 400}
    await remember(
        api,
        monitor,
        *(Past(response_time_ms=ms, at=hour + minutes(after)) for after, ms in runs.items()),
    )
    day = {"from": "2026-01-05", "to": "2026-01-06T00:00:00Z"}
    hourly = await figures(api, monitor, "responseTime_avg", aggregationInterval=60, **day)
    assert hourly["series"][0]["data"] == [
        {"timestamp": "2026-01-05T14:00:00.000Z", "responseTime_avg": 400},
        {"timestamp": "2026-01-05T13:00:00.000Z", "responseTime_avg": 300},
        {"timestamp": "2026-01-05T12:00:00.000Z", "responseTime_avg": 150},
    ]
    second = await figures(api, monitor, "responseTime_avg", aggregationInterval=60, limit=2, page=2, **day)
    assert [each["responseTime_avg"] for each in second["series"][0]["data"]] == [150]
    assert second["pagination"] == {"page": 2, "limit": 2}
    single = await figures(api, monitor, "responseTime,availability,retries", limit=3, **day)
    assert [each["responseTime"] for each in single["series"][0]["data"]] == [400, 300, 200]
    assert single["series"][0]["data"][0]["availability"] == 100
    unix = {"from": int(hour.timestamp()) + 3600, "to": int(hour.timestamp()) + 7200}
    assert (await figure(api, monitor, "responseTime_avg", **unix))["responseTime_avg"] == 300


async def test_results_are_chosen_by_how_they_ended(api: Api) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, Past(response_time_ms=100), Past(FAILED, response_time_ms=300))
    for status, wanted in {"success": 100, "failure": 300, "success,failure": 200}.items():
        found = await figure(api, monitor, "responseTime_avg", filterByStatus=status)
        assert found["responseTime_avg"] == wanted


async def test_an_answer_says_what_was_asked_and_of_what(api: Api) -> None:
    monitor = await api.create_url_monitor(tags=["shop"])
    params = {"metrics[]": ["availability", "responseTime_p95"], "quickRange": "lastWeek"}
    found = await api.get(f"/v1/analytics/url-monitors/{monitor['id']}", params=params)
    start, end = (datetime.fromisoformat(found[name]) for name in ("from", "to"))
    assert (start.weekday(), end - start) == (0, timedelta(days=7))
    assert (found["name"], found["checkType"], found["tags"]) == ("Front page", "URL", ["shop"])
    assert found["metadata"] == {
        "availability": {"unit": "percentage", "label": "Availability"},
        "responseTime_p95": {"unit": "milliseconds", "label": "Response time (p95)", "aggregation": "p95"},
    }


async def test_a_heartbeat_is_as_available_as_its_pings(api: Api) -> None:
    monitor = await create(api, "heartbeat")
    shown = await api.get(f"/v1/checks/{monitor['id']}")
    assert await figure(api, monitor, "availability", kind="heartbeat") == {"availability": None}
    await api.http.get(urlsplit(shown["heartbeat"]["pingUrl"]).path)
    found = await api.get(f"/v1/analytics/heartbeat-checks/{monitor['id']}")
    assert found["series"] == [{"data": [{"availability": 100}]}]
    for states, wanted in {"RECEIVED": 100, "FAILING": None, "LATE,GRACE": None}.items():
        asked = {"kind": "heartbeat", "filterByStatus": states}
        assert await figure(api, monitor, "availability", **asked) == {"availability": wanted}


async def test_what_can_be_measured_is_listed_by_type(api: Api) -> None:
    found = await api.get("/v1/analytics/metrics?checkType=URL")
    by_name = {each["name"]: each for each in found}
    assert by_name["firstByte_p95"]["aggregated"]
    assert not by_name["firstByte"]["aggregated"]
    assert by_name["availability"] == {
        "name": "availability",
        "unit": "percentage",
        "label": "Availability",
        "type": "Float",
        "aggregated": True,
    }
    error = await api.get("/v1/analytics/metrics?checkType=GOPHER", status=400)
    assert "checkType" in error["message"]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({}, "metrics"),
        ({"metrics": "speed"}, "speed"),
        ({"metrics": "responseTime_p42"}, "responseTime_p42"),
        ({"metrics": "availability_avg"}, "availability_avg"),
        ({"metrics": "responseTime_"}, "responseTime_"),
        ({"metrics": "responseTime,dns_avg"}, "metrics"),
        ({"metrics": "responseTime", "aggregationInterval": 5}, "aggregationInterval"),
        ({"metrics": "availability", "aggregationInterval": 0.5}, "aggregationInterval"),
        ({"metrics": "availability", "groupBy": "pageIndex"}, "groupBy"),
        ({"metrics": "availability", "filterByStatus": "LATE"}, "filterByStatus"),
        ({"metrics": "availability", "quickRange": "today"}, "quickRange"),
        ({"metrics": "availability", "from": "yesterday"}, "from"),
        ({"metrics": "availability", "from": "2026-01-02", "to": "2026-01-01"}, "from"),
        ({"metrics": "availability", "from": "1969-01-01"}, "from"),
        ({"metrics": "availability", "to": "9999-12-31", "from": "9999-01-01"}, "from"),
        ({"metrics": "availability", "limit": 101}, "limit"),
    ],
)
async def test_a_bad_question_is_told_which_part_of_it_is_bad(
    api: Api, params: Mapping[str, Any], named: str
) -> None:
    monitor = await api.create_url_monitor()
    error = await api.get(f"/v1/analytics/url-monitors/{monitor['id']}", params=dict(params), status=400)
    assert named in error["message"]


async def test_figures_of_others_and_of_another_type_are_404(api: Api, stranger: Api) -> None:
    monitor = await api.create_url_monitor()
    await stranger.get(f"/v1/analytics/url-monitors/{monitor['id']}?metrics=availability", status=404)
    for path in ("api-checks", "grpc-checks", "traceroute", "agentic-checks"):
        await api.get(f"/v1/analytics/{path}/{monitor['id']}?metrics=availability", status=404)


async def test_a_batch_is_of_1_to_100_checks_in_a_time_that_the_contract_knows(api: Api) -> None:
    ids = [str(UUID(int=number)) for number in range(101)]
    bodies: list[Json] = [{"checkIds": ids}, {"checkIds": []}, {"checkIds": ["x"]}, {}]
    for body in [*bodies, {"checkIds": ids[:1], "a": 1}]:
        await api.post("/v1/analytics/checks", body, status=400)
    for quick in ("last30Days", "thisMonth", "ever"):
        error = await api.post(f"/v1/analytics/checks?quickRange={quick}", {"checkIds": ids[:1]}, status=400)
        assert "quickRange" in error["message"]


REPORT_OF_A_DAY = {"from": "2026-01-05", "to": "2026-01-06"}


async def test_a_report_tells_how_every_check_did(api: Api, stranger: Api) -> None:
    shop = await api.create_url_monitor(name="Shop", tags=["a"])
    await api.create_url_monitor(name="Never ran", tags=["b"], activated=False)
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    outcomes: list[tuple[Outcome, int]] = [(PASSED, 100), (DEGRADED, 200), (FAILED, 300), (CANCELLED, 1)]
    await remember(api, shop, *(Past(outcome, response_time_ms=ms, at=noon) for outcome, ms in outcomes))
    never, ran = await api.get("/v1/reporting", params=REPORT_OF_A_DAY)
    assert (ran["name"], ran["checkId"], ran["checkType"], ran["tags"]) == ("Shop", shop["id"], "URL", ["a"])
    assert ran["aggregate"] == {"successRatio": 66.6667, "avg": 200, "p95": 290, "p99": 298}
    assert (never["deactivated"], "aggregate" in never) == (True, False)
    for params, names in (
        ({"filterByTags": "a"}, ["Shop"]),
        ({"filterByTags": ["a", "b"]}, ["Never ran", "Shop"]),
        ({"deactivated": "true"}, ["Never ran"]),
        ({"deactivated": "false"}, ["Shop"]),
        ({"quickRange": "last24Hrs"}, ["Never ran", "Shop"]),
    ):
        assert [each["name"] for each in await api.get("/v1/reporting", params=params)] == names
    assert await stranger.get("/v1/reporting") == []


async def test_a_report_counts_days_as_people_of_a_zone_do(api: Api) -> None:
    """In Auckland the 6th of January begins at 11:00 UTC on the 5th."""
    shop = await api.create_url_monitor()
    times = [datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)]
    await remember(api, shop, Past(FAILED, at=times[0]), Past(at=times[1]))
    days = {**REPORT_OF_A_DAY, "granularity": "day"}
    (report,) = await api.get("/v1/reporting", params=days)
    assert [each["successRatio"] for each in report["aggregates"]] == [50]
    (report,) = await api.get("/v1/reporting", params={**days, "timezone": "Pacific/Auckland"})
    assert [(each["from"], each["successRatio"]) for each in report["aggregates"]] == [
        ("2026-01-05T00:00:00.000Z", 0),
        ("2026-01-05T11:00:00.000Z", 100),
    ]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"timezone": "Europe/Berlin"}, "granularity"),
        ({"timezone": "Mars/Base", "granularity": "day"}, "Mars/Base"),
        ({"timezone": "../../etc/passwd", "granularity": "day"}, "timezone"),
        ({"granularity": "hour"}, "granularity"),
        ({"granularity": "day", "from": "2025-01-01", "to": "2025-12-31"}, "granularity"),
        ({"granularity": "month", "from": "2020-01-01", "to": "2025-12-31"}, "400 days"),
        ({"quickRange": "last24Hours"}, "quickRange"),
        ({"deactivated": "perhaps"}, "deactivated"),
    ],
)
async def test_a_report_that_cannot_be_made_says_why(api: Api, params: Mapping[str, str], named: str) -> None:
    assert named in (await api.get("/v1/reporting", params=dict(params), status=400))["message"]
