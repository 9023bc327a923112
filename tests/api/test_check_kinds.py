"""Every type of check: saved, read in every version, changed in part, deleted."""

from typing import Any

import pytest

from tests.support.api_client import EU, Api
from tests.support.check_kinds import KEPT_KINDS, KINDS
from tests.support.scripted_runner import ScriptedRunner

ALL_KINDS = {**KINDS, **KEPT_KINDS}
OURS = {"id", "created_at", "updated_at", "project", "logicalId"}


@pytest.mark.parametrize("kind", list(ALL_KINDS))
async def test_what_is_saved_is_read_and_changed_in_part_and_deleted(
    api: Api, runner: ScriptedRunner, kind: str
) -> None:
    word, said, defaults = ALL_KINDS[kind]
    body = {"name": f"A {kind}", "locations": [EU], "tags": ["team:web"], **said}
    made = await api.post(f"/v1/checks/{kind}", body, status=201)
    assert made["checkType"] == word
    _holds(made, body)
    _holds(made, defaults)
    path = f"/v1/checks/{made['id']}"
    assert await api.get(path) == made
    for version in ("v2", "v3"):
        read = await api.get(path.replace("v1", version))
        assert {name: made[name] for name in made if name not in ("project", "logicalId")} == read

    changed = await api.put(f"/v1/checks/{kind}/{made['id']}", {"description": "changed", "muted": True})
    expected = {**made, "description": "changed", "muted": True, "updated_at": changed["updated_at"]}
    assert changed == expected

    again = {name: value for name, value in changed.items() if name not in OURS}
    written = await api.put(f"/v1/checks/{kind}/{made['id']}", again)
    assert {**written, "updated_at": None} == {**changed, "updated_at": None}, "what is read can be written"
    assert (await api.put(path, again))["name"] == f"A {kind}", "by the general path as well"

    await api.delete(path)
    await api.get(path, status=404)


@pytest.mark.parametrize("kind", list(ALL_KINDS))
async def test_the_general_path_saves_every_type(api: Api, runner: ScriptedRunner, kind: str) -> None:
    word, said, _ = ALL_KINDS[kind]
    body = {"checkType": word, "name": "x", "locations": [EU], **said}
    made = await api.post("/v1/checks", body, status=201)
    assert made["checkType"] == word


async def test_a_check_keeps_its_type(api: Api, runner: ScriptedRunner) -> None:
    made = await api.post("/v1/checks/tcp", {"name": "x", "locations": [EU], **KINDS["tcp"][1]}, status=201)
    error = await api.put(f"/v1/checks/dns/{made['id']}", {"request": KINDS["dns"][1]["request"]}, status=400)
    assert "TCP check cannot become a DNS check" in error["message"]


@pytest.mark.parametrize(
    ("said", "retry", "double_check"),
    [
        ({}, None, True),
        ({"doubleCheck": False}, None, False),
        ({"retryStrategy": None}, None, False),
        (
            {"retryStrategy": {"type": "LINEAR"}},
            {
                "type": "LINEAR",
                "baseBackoffSeconds": 60,
                "sameRegion": True,
                "maxRetries": 2,
                "maxDurationSeconds": 600,
            },
            False,
        ),
        (
            {"retryStrategy": {"type": "SINGLE_RETRY", "baseBackoffSeconds": 5, "onlyOn": ["NETWORK_ERROR"]}},
            {
                "type": "SINGLE_RETRY",
                "baseBackoffSeconds": 5,
                "sameRegion": True,
                "onlyOn": ["NETWORK_ERROR"],
            },
            False,
        ),
    ],
)
async def test_retries_are_read_as_they_were_said(
    api: Api, runner: ScriptedRunner, said: dict[str, Any], retry: object, *, double_check: bool
) -> None:
    body = {"name": "x", "locations": [EU], **KINDS["url"][1], **said}
    made = await api.post("/v1/checks/url", body, status=201)
    shown = made["retryStrategy"]
    if shown is not None:
        shown = {name: value for name, value in shown.items() if value not in (None, [])}
    assert (shown, made["doubleCheck"]) == (retry, double_check)


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("url", {"frequency": 3}, "frequency"),
        ("url", {"frequency": 0}, "frequencyOffset"),
        ("url", {"frequency": 0, "frequencyOffset": 7}, "frequencyOffset"),
        ("browser", {"frequency": 0, "frequencyOffset": 10}, "frequency"),
        ("ssl", {"frequency": 0, "frequencyOffset": 10}, "frequency"),
        ("url", {"locations": ["mars-1"]}, "locations"),
        ("url", {"privateLocations": ["cellar"]}, "privateLocations"),
        ("url", {"request": {"url": "ftp://x"}}, "request.url"),
        ("url", {"request": {"url": "https://x", "assertions": [{"source": "HEADERS"}]}}, "source"),
        ("api", {"request": {"url": "https://x", "method": "BREW"}}, "request.method"),
        ("tcp", {"request": {"hostname": "x", "port": 0}}, "request.port"),
        ("dns", {"request": {"query": "x", "recordType": "PTR"}}, "recordType"),
        ("dns", {"maxResponseTime": 6000}, "maxResponseTime"),
        ("icmp", {"degradedPacketLossThreshold": 50}, "degradedPacketLossThreshold"),
        ("ssl", {"degradedResponseTime": 20000}, "degradedResponseTime"),
        ("ssl", {"request": {"sslConfig": {"hostname": "x", "handshakeTimeoutMs": 5}}}, "handshakeTimeoutMs"),
        ("heartbeat", {"heartbeat": {**KINDS["heartbeat"][1]["heartbeat"], "period": 0}}, "period"),
        (
            "heartbeat",
            {"heartbeat": {"period": 9, "periodUnit": "seconds", "grace": 0, "graceUnit": "days"}},
            "heartbeat.period",
        ),
        ("grpc", {"request": {"url": "x", "port": 0}}, "request.port"),
        ("grpc", {"request": {"url": "x", "port": 1, "timeout": 181}}, "timeout"),
        ("grpc", {"request": {"url": "x", "port": 1, "grpcConfig": {"mode": "X"}}}, "grpcConfig.mode"),
        ("traceroute", {"request": {"url": "x", "maxHops": 65}}, "maxHops"),
        ("traceroute", {"maxResponseTime": 30_001}, "maxResponseTime"),
        ("browser", {"script": ""}, "script"),
        ("multistep", {"dependencies": [{"path": "../x", "content": "y"}]}, "dependencies"),
        ("url", {"retryStrategy": {"type": "FIXED", "maxRetries": 11}}, "maxRetries"),
        ("url", {"runtimeId": "1999.01"}, "runtimeId"),
        ("url", {"alertSettings": {"reminders": {"amount": 7}}}, "amount"),
    ],
)
async def test_what_cannot_be_saved_is_refused_by_the_fields_name(
    api: Api, runner: ScriptedRunner, kind: str, change: dict[str, Any], field: str
) -> None:
    body = {"name": "x", "locations": [EU], **ALL_KINDS[kind][1], **change}
    error = await api.post(f"/v1/checks/{kind}", body, status=400)
    assert field in error["message"]


async def test_a_heartbeat_keeps_its_token(api: Api, runner: ScriptedRunner) -> None:
    body = {"name": "x", **KINDS["heartbeat"][1]}
    made = await api.post("/v1/checks/heartbeat", body, status=201)
    token = made["heartbeat"]["pingToken"]
    assert token
    period = {"period": 2, "periodUnit": "days", "grace": 0, "graceUnit": "hours"}
    changed = await api.put(f"/v1/checks/heartbeat/{made['id']}", {"heartbeat": period})
    assert (changed["heartbeat"]["pingToken"], changed["heartbeat"]["period"]) == (token, 2)


async def test_every_second_ten_is_a_frequency_of_zero_minutes(api: Api, runner: ScriptedRunner) -> None:
    body = {"name": "x", "locations": [EU], **KINDS["tcp"][1], "frequency": 0, "frequencyOffset": 10}
    made = await api.post("/v1/checks/tcp", body, status=201)
    assert (made["frequency"], made["frequencyOffset"]) == (0, 10)
    changed = await api.put(f"/v1/checks/tcp/{made['id']}", {"frequency": 5})
    assert (changed["frequency"], "frequencyOffset" in changed) == (5, False)


def _holds(whole: Any, part: Any) -> None:
    """Whether everything said in ``part`` is said in ``whole``."""
    if isinstance(part, dict):
        for name, value in part.items():
            _holds(whole[name], value)
    elif isinstance(part, list):
        assert len(whole) == len(part)
        for one, other in zip(whole, part, strict=True):
            _holds(one, other)
    else:
        assert whole == part
