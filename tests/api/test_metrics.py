"""`/metrics` as Prometheus reads it, fed by what really happened."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bellrock.api.auth import is_from_this_machine
from tests.support.api_client import EU, Api
from tests.support.plain_http import TRUSTS_NOBODY
from tests.support.scripted_runner import Refused, ScriptedRunner
from tests.support.server import RunningServer

Labels = frozenset[tuple[str, str]]
Reading = dict[tuple[str, Labels], float]


async def reading(server: RunningServer) -> Reading:
    """Every sample of the server, asked over loopback without a key."""
    async with httpx2.AsyncClient(verify=TRUSTS_NOBODY) as http:
        answer = await http.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = (s for family in text_string_to_metric_families(answer.text) for s in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def grown(before: Reading, after: Reading, name: str, **labels: str) -> float:
    """By how much one sample grew."""
    key = (f"bellrock_{name}", frozenset(labels.items()))
    return after[key] - before.get(key, 0)


async def test_a_cancel_that_a_runner_carries_out_is_seen_from_the_request_to_the_last_process(
    server: RunningServer, api: Api, runner: ScriptedRunner
) -> None:
    before = await reading(server)
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    await held.stop_as_asked()
    after = await reading(server)
    assert grown(before, after, "sessions_started_total", kind="check") == 1
    assert grown(before, after, "cancels_asked_total", via="API") == 1
    assert grown(before, after, "cancels_final_total", how="runner") == 1
    assert grown(before, after, "runs_finished_total", verdict="CANCELLED") == 1
    assert grown(before, after, "cancel_request_to_final_seconds_count") == 1
    # The script says that its last process was gone 0.64 s after it heard of the cancel.
    assert grown(before, after, "cancel_request_to_last_process_gone_seconds_sum") >= 0.64


async def test_queued_and_running_runs_are_shown_by_location(
    server: RunningServer, api: Api, runner: ScriptedRunner
) -> None:
    place = "metrics-1"
    await runner.hello(place)
    suite = await api.create_suite(locations=[place])
    for _ in range(2):
        session = await api.trigger(suite["id"])
    run = (await api.rows(session["checkSessionId"]))[place]["sequenceId"]
    await runner.claim(run, place)
    now = await reading(server)
    assert grown({}, now, "runs", state="queued", location=place) == 1
    assert grown({}, now, "runs", state="running", location=place) == 1
    assert grown({}, now, "runners_connected", location=place) == 1
    assert grown({}, now, "runner_leftover_processes", runner=runner.runner_id, location=place) == 0


async def test_a_refused_file_is_counted(server: RunningServer, api: Api, runner: ScriptedRunner) -> None:
    _, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    before = await reading(server)
    with pytest.raises(Refused):
        await held.upload("..%2Fkey", b"x")
    assert grown(before, await reading(server), "artifacts_refused_total", reason="unsafe_name") == 1


async def test_every_control_loop_says_when_it_last_worked(server: RunningServer) -> None:
    names = {dict(labels)["loop"] for name, labels in await reading(server) if "loop_last_step" in name}
    assert {"relay", "reaper", "sweeper"} <= names


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_who_comes_through_a_proxy_needs_a_key(api: Api, nobody: Api, header: str) -> None:
    headers = {header: "192.0.2.7"}
    await nobody.get("/metrics", status=401, headers=headers)
    assert (await api.request("GET", "/metrics", headers=headers)).status_code == 200


async def test_who_claims_to_be_this_machine_through_a_proxy_needs_a_key(nobody: Api) -> None:
    await nobody.get("/metrics", status=401, headers={"X-Forwarded-For": "127.0.0.1"})


@pytest.mark.parametrize(
    ("client", "local"),
    [
        (("127.0.0.1", 5), True),
        (("127.8.0.1", 5), True),
        (("::1", 5), True),
        (("::ffff:127.0.0.1", 5), True),
        (("192.0.2.7", 5), False),
        (("::ffff:192.0.2.7", 5), False),
        (("2001:db8::1", 5), False),
        (("", 0), False),
        (None, False),
    ],
)
def test_only_an_address_of_the_loopback_is_this_machine(client: tuple[str, int] | None, local: bool) -> None:
    assert is_from_this_machine({"type": "http", "client": client, "headers": []}) is local
