"""Live results over MQTT on a WebSocket, heard by a client of another make."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
from websockets.asyncio.client import connect

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from tests.api.test_test_sessions import job, run_request
from tests.support.api_client import EU, Api, Json, unknown_id
from tests.support.scripted_runner import ScriptedRunner

HEARD_S = 10.0
FAILED = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "1 test failed.")
LOST = Outcome(Verdict.ERRORED, Blame.RUNNER, "SANDBOX_FAILED", "The sandbox did not start.")


@dataclass
class Heard:
    """Messages of one subscription."""

    messages: AsyncIterator[aiomqtt.Message]

    async def next(self) -> tuple[str, str, Any]:
        """The next message: its run, its kind, and what it says."""
        message = await asyncio.wait_for(anext(self.messages), HEARD_S)
        run_id, _, kind = str(message.topic).split("/")[-3:]
        assert isinstance(message.payload, bytes)
        return run_id, kind, json.loads(message.payload)


@asynccontextmanager
async def subscriber(api: Api, suite_id: str, *, key: str | None = None) -> AsyncIterator[Heard]:
    assert api.account
    async with client(api, key=key) as mqtt:
        await mqtt.subscribe(f"account/{api.account.id}/ad-hoc-check-results/{suite_id}/+/+/+")
        yield Heard(aiter(mqtt.messages))


def client(api: Api, *, key: str | None = None) -> aiomqtt.Client:
    assert api.account
    address = urlsplit(api.server.url)
    return aiomqtt.Client(
        str(address.hostname),
        int(address.port or 0),
        username=str(api.account.id),
        password=key or api.account.key,
        transport="websockets",
        websocket_path="/?authenticationScheme=userApiKey",
        timeout=HEARD_S,
    )


async def is_refused(mqtt: aiomqtt.Client, topic: str) -> bool:
    (code,) = await mqtt.subscribe(topic)
    return getattr(code, "value", code) == 0x80


async def start(api: Api, suite_id: str, *names: str, **fields: object) -> dict[str, str]:
    """A run of suites under a suite's id; the sequence id of each."""
    key = await api.upload_bundle()
    source = {"sourceInfo": {"checkRunSuiteId": suite_id, "checkRunId": unknown_id()}}
    jobs = [job(name, key, **source) for name in names]
    answer: Json = await api.post("/v1/test-sessions/run", run_request(*jobs, **fields), status=202)
    found: dict[str, str] = answer["sequenceIds"]
    return found


async def test_a_subscriber_hears_starts_and_results_of_a_session_that_it_starts_later(
    api: Api, runner: ScriptedRunner
) -> None:
    async with subscriber(api, suite_id := unknown_id()) as heard:
        runs = await start(api, suite_id, "cart")
        held = await runner.claim(runs["cart"], EU)
        assert await heard.next() == (runs["cart"], "run-start", {})
        await held.finish(FAILED)
        run_id, kind, said = await heard.next()
    assert (run_id, kind, said["resultType"]) == (runs["cart"], "result", "FINAL")
    result = said["result"]
    assert (result["name"], result["checkType"], result["runLocation"]) == ("Cart", "PLAYWRIGHT", EU)
    assert [result[flag] for flag in ("hasFailures", "isDegraded", "isCancelled")] == [True, False, False]
    assert [line["msg"] for line in result["logs"]] == ["1 test failed."]
    assert "sourceFile" not in result
    assert "logicalId" not in result


async def test_whoever_subscribes_late_or_again_hears_everything(api: Api, runner: ScriptedRunner) -> None:
    runs = await start(api, suite_id := unknown_id(), "cart", "login")
    await (await runner.claim(runs["cart"], EU)).pass_with()
    held = await runner.claim(runs["login"], EU)
    for _ in range(2):
        async with subscriber(api, suite_id) as heard:
            told = [await heard.next() for _ in range(3)]
        assert {(run_id, kind) for run_id, kind, _ in told} == {
            (runs["cart"], "run-start"),
            (runs["cart"], "result"),
            (runs["login"], "run-start"),
        }
    async with subscriber(api, suite_id) as heard:
        for _ in range(3):
            await heard.next()
        await held.pass_with()
        assert (await heard.next())[:2] == (runs["login"], "result")


async def test_a_cancelled_run_is_final_and_no_failure_also_when_it_never_started(
    api: Api, runner: ScriptedRunner
) -> None:
    async with subscriber(api, suite_id := unknown_id()) as heard:
        runs = await start(api, suite_id, "running", "queued")
        held = await runner.claim(runs["running"], EU)
        assert await heard.next() == (runs["running"], "run-start", {})
        session = await session_of(api, suite_id, runs)
        await api.post(
            f"/v1/test-sessions/{session}/cancel",
            status=204,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert await heard.next() == (runs["queued"], "run-start", {})
        _, _, queued = await heard.next()
        await held.stop_as_asked()
        run_id, _, stopped = await heard.next()
    assert run_id == runs["running"]
    for said in (queued, stopped):
        assert said["resultType"] == "FINAL"
        assert (said["result"]["isCancelled"], said["result"]["hasFailures"]) == (True, False)


async def session_of(api: Api, suite_id: str, runs: dict[str, str]) -> str:
    found = await api.get("/v1/test-sessions?limit=100")
    for entry in found["entries"]:
        session = await api.get(f"/v1/test-sessions/{entry['id']}")
        if {row["sequenceId"] for row in session["results"]} >= set(runs.values()):
            return str(entry["id"])
    raise AssertionError(suite_id)


async def test_a_run_that_ends_by_a_fault_of_ours_is_an_error_and_never_looks_well(
    api: Api, runner: ScriptedRunner
) -> None:
    async with subscriber(api, suite_id := unknown_id()) as heard:
        runs = await start(api, suite_id, "cart")
        await (await runner.claim(runs["cart"], EU)).finish(LOST)
        assert (await heard.next())[1] == "run-start"
        assert await heard.next() == (runs["cart"], "error", "The sandbox did not start.")


async def test_an_unrecorded_session_is_told_to_whoever_started_it(api: Api, runner: ScriptedRunner) -> None:
    async with subscriber(api, suite_id := unknown_id()) as heard:
        runs = await start(api, suite_id, "cart", shouldRecord=False)
        await (await runner.claim(runs["cart"], EU)).pass_with()
        assert [(await heard.next())[1] for _ in range(2)] == ["run-start", "result"]


async def test_a_trigger_is_told_under_the_suite_that_it_names(api: Api, runner: ScriptedRunner) -> None:
    suite = await api.create_suite()
    async with subscriber(api, suite_id := unknown_id()) as heard:
        body = {
            "name": "Trigger",
            "runLocation": {"type": "PUBLIC", "region": EU},
            "checkId": [suite["id"]],
            "checkRunSuiteId": suite_id,
        }
        begun = await api.post("/next/test-sessions/trigger", body, status=200)
        run_id = begun["sequenceIds"][suite["id"]]
        await (await runner.claim(run_id, EU)).pass_with()
        assert [(await heard.next())[:2] for _ in range(2)] == [(run_id, "run-start"), (run_id, "result")]


async def test_a_failed_request_is_told_with_all_three_parts_of_its_log(
    api: Api, runner: ScriptedRunner
) -> None:
    monitor = job("front", "", checkType="URL", request={"url": "http://127.0.0.1:9/"})
    suite_id = str(monitor["sourceInfo"]["checkRunSuiteId"])  # type: ignore[index]
    for name in ("codeBundlePath", "testCommand"):
        del monitor[name]
    async with subscriber(api, suite_id) as heard:
        answer = await api.post("/v1/test-sessions/run", run_request(monitor), status=202)
        held = await runner.claim(answer["sequenceIds"]["front"], EU)
        request = {"method": "GET", "url": "http://127.0.0.1:9/"}
        refused = Outcome(Verdict.FAILED, Blame.TARGET, "CONNECTION_REFUSED", "Nobody listens.")
        await held.finish(refused, details={"request": request, "response": None, "assertions": []})
        await heard.next()
        result = (await heard.next())[2]["result"]
    assert result["logs"] == {"setup": [], "request": [], "teardown": []}
    assert result["checkRunData"]["requestError"] == "Nobody listens."
    assert result["checkRunData"]["request"] == {"data": "", "headers": {}, **request}


@pytest.mark.parametrize("key", ["cu_nobodys", ""])
async def test_a_bad_key_is_refused_as_not_authorized(api: Api, key: str) -> None:
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori"):
        async with client(api, key=key or "x"):
            pass


async def test_results_of_another_account_cannot_be_subscribed_to(api: Api, stranger: Api) -> None:
    assert api.account
    async with client(stranger) as mqtt:
        topic = f"account/{api.account.id}/ad-hoc-check-results/{unknown_id()}/+/+/+"
        assert await is_refused(mqtt, topic)


@pytest.mark.parametrize("topic", ["#", "account/+/ad-hoc-check-results/x/+/+/+", "a/b"])
async def test_other_topics_are_refused(api: Api, topic: str) -> None:
    async with client(api) as mqtt:
        assert await is_refused(mqtt, topic)


@pytest.mark.parametrize(
    "data", [b"\x10\xff\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n" * 9, b"\xc0\x00", b"\x10\x02\x00\x09"]
)
async def test_what_is_no_mqtt_ends_the_connection(api: Api, data: bytes) -> None:
    async with connect(api.server.url.replace("http", "ws", 1) + "/", subprotocols=["mqtt"]) as socket:  # type: ignore[list-item]
        await socket.send(data)
        await asyncio.wait_for(socket.wait_closed(), HEARD_S)
        assert socket.close_code == 1002
