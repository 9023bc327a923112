"""`bellrock dev`, `server` and `runner` as processes: how they start, what they refuse, how they end."""

import asyncio
import os
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from bellrock.bootstrap.http_server import listen
from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from tests.support.kept_packages import KeptPackages
from tests.support.plain_http import TRUSTS_NOBODY
from tests.system.dev_server import (
    BELLROCK,
    LOCATION,
    DevServer,
    processes_with,
    shell_suite,
    until,
)

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(120)]

EXIT_WITHIN_S = 15.0
CANNOT_START = 2


ONE_SERVER = pytest.mark.xdist_group("serving")
"""On tests that leave the server `dev` as they found it, or stopped."""


@pytest.fixture(scope="module")
async def shared_server(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("serving"), packages=kept_packages)
    yield server
    await server.clean_up()


@pytest.fixture
async def dev(shared_server: DevServer) -> DevServer:
    """A server that is up."""
    if shared_server.process is None or shared_server.process.returncode is not None:
        await shared_server.start()
    return shared_server


def run_bellrock(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command that is expected to end by itself."""
    return run_command((str(BELLROCK), *words), variables)


def run_command(command: Sequence[str], variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BELLROCK_")}
    return subprocess.run(
        command,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def health(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=5, verify=TRUSTS_NOBODY) as client:
        return await client.get(f"{url}/healthz")


async def until_health(url: str, status: int, *, timeout_s: float = 20) -> httpx2.Response:
    async with asyncio.timeout(timeout_s):
        while (answer := await health(url)).status_code != status:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)
    return answer


# --------------------------------------------------------------------------------------- health


async def test_health_is_good_only_while_nats_answers_and_a_runner_is_connected(tmp_path: Path) -> None:
    dev = DevServer(tmp_path, {"BELLROCK_RUNNER_GONE_AFTER_S": "3"})
    await dev.start()
    try:
        assert (await until_health(dev.url, 200)).json()["locations"] == [LOCATION]
        for part, field in (("nats-server", "bus"), ("runner", "runner")):
            dev.child(part).suspend()
            assert (await until_health(dev.url, 503)).json()[field] is False
            dev.child(part).resume()
            assert (await until_health(dev.url, 200)).json()[field] is True
    finally:
        await dev.clean_up()


# ------------------------------------------------------------------------------------ credentials


@ONE_SERVER
async def test_credentials_are_made_once_hashed_in_the_database_and_printed_again(dev: DevServer) -> None:
    key = dev.credentials["api_key"]
    printed_before = dev.log.count(key)
    assert printed_before
    assert stat.S_IMODE((dev.data / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(dev.data.stat().st_mode) == 0o700
    await dev.stop()
    with sqlite3.connect(dev.data / "bellrock.sqlite") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert key not in dump
    await dev.start()
    assert dev.credentials["api_key"] == key
    assert dev.log.count(key) == printed_before + 1
    assert (await dev.call("GET", "/v1/accounts/me"))["id"] == dev.credentials["account_id"]


async def test_preset_credentials_are_those_of_the_first_account(tmp_path: Path) -> None:
    account, key = "5e9d1c0a-0000-4000-8000-00000000000a", "cu_preset0123456789preset0123456789"
    dev = DevServer(tmp_path, {"BELLROCK_API_KEY": key, "BELLROCK_ACCOUNT_ID": account})
    await dev.start()
    try:
        assert dev.credentials == {"account_id": account, "api_key": key}
        assert (await dev.call("GET", "/v1/accounts/me"))["id"] == account
        environment = dev.child("runner").environ()
        assert key not in "\n".join(environment.values())
    finally:
        await dev.clean_up()


# ----------------------------------------------------------------------------------- what is refused


def test_a_busy_port_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_bellrock("dev", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert done.returncode == CANNOT_START
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "data" / "nats").exists()


def test_no_part_of_an_answer_waits_for_the_one_before_it() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@ONE_SERVER
async def test_a_data_folder_has_one_bellrock(dev: DevServer) -> None:
    done = await asyncio.to_thread(run_bellrock, "dev", "--port", "0", "--data-dir", str(dev.data))
    assert done.returncode == CANNOT_START
    assert "another Bellrock uses the data folder" in done.stderr
    assert (await health(dev.url)).status_code == 200


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("dev",), {"BELLROCK_LEASE": "3"}, "unknown variable BELLROCK_LEASE"),
        (("dev",), {"BELLROCK_LEASE_S": "soon"}, "BELLROCK_LEASE_S"),
        (("dev", "--concurrency", "0"), {}, "greater than or equal to 1"),
        (("dev", "--locations", "no/where"), {}, "BELLROCK_LOCATIONS"),
        (("server",), {}, "--nats-url or BELLROCK_NATS_URL"),
        (("runner",), {}, "--nats-url or BELLROCK_NATS_URL"),
    ],
    ids=["unknown variable", "no number", "no slots", "bad location", "server alone", "runner alone"],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, words: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = run_bellrock(*words, **variables, BELLROCK_DATA_DIR=str(tmp_path))
    assert done.returncode == CANNOT_START
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_says_what_contains_a_run_and_what_that_guarantees(tmp_path: Path) -> None:
    done = run_bellrock("runner", "doctor", BELLROCK_DATA_DIR=str(tmp_path))
    assert done.returncode == 0
    assert "namespace" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Suites run by ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only a root runner gives its runs other users")
@pytest.mark.parametrize(("mode", "closed"), [(0o700, True), (0o711, False)])
def test_the_doctor_says_where_a_runs_user_could_not_reach_its_files(mode: int, closed: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="bellrock-doctor-") as name:
        Path(name).chmod(mode)
        done = run_bellrock("runner", "doctor", BELLROCK_RUNNER_DIR=name)
        assert (f"{name} is closed to others" in done.stdout) is closed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take capabilities away from itself")
def test_the_doctor_says_why_a_stronger_mechanism_is_not_used(tmp_path: Path) -> None:
    less = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    done = run_command((*less, str(BELLROCK), "runner", "doctor"), {"BELLROCK_DATA_DIR": str(tmp_path)})
    lines = map(str.split, done.stdout.splitlines())
    (bubblewrap,) = (" ".join(line) for line in lines if line[1:2] == ["bubblewrap"] and line[0] != "Without")
    assert bubblewrap.split()[0] == "no"
    assert "CAP_SYS_ADMIN" in bubblewrap
    assert "Suites run by bubblewrap" not in done.stdout


# ------------------------------------------------------------------------------------------ ending


@ONE_SERVER
async def test_sigterm_lets_a_short_run_finish_and_stores_its_result(dev: DevServer) -> None:
    suite = shell_suite(3)
    session_id = await dev.start_session(suite)
    await until(lambda: len(processes_with(suite.marker)) >= 2, timeout_s=60, what="the suite runs")
    asked = time.monotonic()
    assert await dev.stop() == 0
    assert time.monotonic() - asked < EXIT_WITHIN_S
    assert not processes_with(suite.marker)
    await dev.start()
    (row,) = (await dev.session(session_id))["results"]
    assert (row["resultType"], row["hasErrors"]) == ("FINAL", False)


@ONE_SERVER
async def test_sigterm_stops_a_long_run_after_its_grace_and_says_who_did(dev: DevServer) -> None:
    suite = shell_suite(300)
    session_id = await dev.start_session(suite)
    await until(lambda: len(processes_with(suite.marker)) >= 2, timeout_s=60, what="the suite runs")
    children = dev.children()
    asked = time.monotonic()
    assert await dev.stop() == 0
    assert time.monotonic() - asked < EXIT_WITHIN_S
    assert not processes_with(suite.marker)
    assert not any(child.is_running() for child in children)
    await dev.start()
    session = await dev.session(session_id)
    (row,) = session["results"]
    assert (row["resultType"], row["hasErrors"], row["isCancelled"]) == ("FINAL", True, False)
    result = await dev.call("GET", f"/v1/check-results/{session['checkId']}/{row['checkResultId']}")
    assert "The runner" in str(result)


# ------------------------------------------------------------------------------------------- apart


@contextmanager
def process_of(log: Path, *words: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BELLROCK_")}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [BELLROCK, *words], env={**environment, **variables}, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


async def test_server_and_runner_work_as_processes_of_their_own(tmp_path: Path) -> None:
    nats = EmbeddedNats(EmbeddedNatsOptions(tmp_path / "nats", find_server()))
    await nats.start()
    bus = {
        "BELLROCK_SCHEDULES": "false",
        "BELLROCK_NATS_URL": nats.url,
        "BELLROCK_NATS_USER": nats.user,
        "BELLROCK_NATS_TOKEN": nats.token,
    }
    data, log = tmp_path / "data", tmp_path / "dev.log"
    try:
        with process_of(log, "server", "--port", "0", "--data-dir", str(data), **bus):
            await until(lambda: "Bellrock is up at" in log.read_text(), timeout_s=30, what="it is up")
            url = log.read_text().rsplit("Bellrock is up at ", 1)[1].splitlines()[0]
            assert (await health(url)).json()["runner"] is False
            apart = DevServer(tmp_path)
            apart.read_address()
            words = ("runner", "--location", LOCATION, "--control-url", url)
            places = {"BELLROCK_RUNNER_DIR": str(tmp_path / "runner")}
            with process_of(tmp_path / "runner.log", *words, **bus, **places):
                await until_health(url, 200)
                suite = shell_suite(120)
                session_id = await apart.start_session(suite)
                await until(
                    lambda: len(processes_with(suite.marker)) >= 2, timeout_s=60, what="the suite runs"
                )
                await apart.cancel(session_id)
                session = await apart.await_final(session_id, timeout_s=5)
                assert session["status"] == "CANCELLED"
                assert not processes_with(suite.marker)
    finally:
        await nats.stop()
