"""Suites that fight back, cancelled on a real `bellrock dev` while an innocent run goes on beside them.

`BELLROCK_TEST_CANCELS=20` cancels each that often, and prints the times (pytest -rP).
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from bellrock.runner.supervisor.procfs import read_process
from bellrock.runner.supervisor.users import FIRST_USER, LAST_USER
from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import DevServer, ShellSuite, processes_with, shell_suite, until
from tests.system.hostile_suites import HOSTILE, SNOOPER, HostileSuite
from tests.system.playwright_rig import pack

CANCELS = int(os.environ.get("BELLROCK_TEST_CANCELS", "1"))
GONE_WITHIN_S = 3.2
FINAL_WITHIN_S = 5.0
BUSY_S = 0.0 if CANCELS > 1 else 1.5  # the machine of a test suite is busy; of a measurement it is not
EVIDENCE_WITHIN_S = 60
NOBODY = -1  # the user of a process that is gone
CANARY = f"canary-{uuid4().hex}"

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(90 + 45 * CANCELS),
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="runs have users of their own only where the runner is root"
    ),
]


@dataclass(frozen=True)
class Stage:
    """The server, and the innocent run that must go on whatever happens beside it."""

    dev: DevServer
    innocent: ShellSuite
    innocent_session: str
    pids: frozenset[int]

    @property
    def innocent_user(self) -> int:
        return next(user_of(pid) for pid in self.pids if user_of(pid) >= FIRST_USER)


@pytest.fixture(scope="module")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[Stage]:
    # These tests look far more often than a person may, and the innocent run outlasts them all.
    dev = DevServer(
        tmp_path_factory.mktemp("hostile"),
        {"BELLROCK_RATE_LIMIT_REQUESTS": "100000", "BELLROCK_TEST_S": "7200"},
        packages=kept_packages,
    )
    await dev.start()
    innocent = shell_suite(3_600)
    session_id = await dev.start_session(innocent, environmentVariables=[{"key": "CANARY", "value": CANARY}])
    await until(
        lambda: len(processes_with(innocent.marker)) >= 2, timeout_s=60, what="the innocent run goes on"
    )
    pids = frozenset(process.pid for process in processes_with(innocent.marker))
    yield Stage(dev, innocent, session_id, pids)
    await dev.cancel(session_id)
    await dev.clean_up()


def user_of(pid: int) -> int:
    with suppress(OSError):
        return Path(f"/proc/{pid}").stat().st_uid
    return NOBODY


def members_of_runs(stage: Stage) -> set[psutil.Process]:
    """Processes below the runner, without the innocent run's and without what rebuilds reports."""
    found = set()
    for process in stage.dev.child("runner").children(recursive=True):
        with suppress(psutil.Error):
            user = real_user_of(process.pid)
            if FIRST_USER <= user <= LAST_USER and user != stage.innocent_user and is_alive(process):
                found.add(process)
    return found


def real_user_of(pid: int) -> int:
    """Whoever owns the process, also where it hides that from who asks for its folder's owner."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_bytes().split(b"\nUid:", 1)
        return int(lines[1].split(None, 1)[0])
    return NOBODY


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        dead = process.status() == psutil.STATUS_ZOMBIE
        return process.is_running() and not dead and "merge-reports" not in process.cmdline()
    return False


def of_user(user: int, *, before: int) -> set[psutil.Process]:
    """Everything alive that this user had started before a tick, wherever it hid from its parents.

    The kernel's own ticks since boot: the times of psutil are up to a second off, and a run of another
    server, which may get this user as soon as it is free, would count.
    """
    found = set()
    for pid in psutil.pids():
        with suppress(psutil.Error):
            seen = read_process(pid) if real_user_of(pid) == user else None
            if seen and seen.started < before and is_alive(process := psutil.Process(pid)):
                found.add(process)
    return found


async def until_gone(stage: Stage, user: int, asked: float) -> float:
    """Seconds from the request until no process of the run is alive, below the runner or anywhere else."""
    asked_tick = int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
    while left := members_of_runs(stage) | of_user(user, before=asked_tick):
        assert time.monotonic() - asked < 30, [(one, one.ppid(), one.cmdline()) for one in left]
        await asyncio.sleep(0.02)  # a look takes as long as that: they must not keep the runner from its work
    return time.monotonic() - asked


async def save(dev: DevServer, suite: HostileSuite, marker: str, **fields: Any) -> str:
    bundle = pack(suite.bundle_files(marker))
    stored = await dev.call("POST", "/next/checkly-storage/upload-code-bundle", content=bundle)
    body = {"name": suite.name, "codeBundlePath": stored["key"], "locations": list(dev.locations), **fields}
    return str((await dev.call("POST", "/v1/checks/playwright", json=body))["id"])


async def trigger(dev: DevServer, check_id: str) -> str:
    target = {"target": {"checkId": [check_id]}}
    started = await dev.call("POST", "/v2/check-sessions/trigger", json=target)
    return str(started["sessions"][0]["checkSessionId"])


async def until_it_misbehaves(dev: DevServer, session_id: str) -> None:
    async with asyncio.timeout(90):
        while True:
            session = await dev.session(session_id)
            (row,) = session["results"]
            assert row["resultType"] is None, session
            tests = (row["progress"] or {}).get("tests") or {}
            if tests.get("passed") and tests.get("running"):
                return
            await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Times:
    """Of one cancel, in seconds from its request."""

    answered_s: float
    gone_s: float
    final_s: float


async def cancel_once(stage: Stage, check_id: str, suite: HostileSuite, wait_s: float) -> Times:
    dev = stage.dev
    session_id = await trigger(dev, check_id)
    await until_it_misbehaves(dev, session_id)
    await asyncio.sleep(wait_s)  # the moment of the cancel is part of what is tried, not a wait for something
    (user,) = {user_of(process.pid) for process in members_of_runs(stage)} - {NOBODY}
    asked = time.monotonic()
    gone = asyncio.create_task(until_gone(stage, user, asked))
    await dev.cancel(session_id)
    answered_s = time.monotonic() - asked
    session = await dev.await_final(session_id, timeout_s=30)
    final_s = time.monotonic() - asked
    times = Times(answered_s, await gone, final_s)
    assert session["status"] == "CANCELLED", session
    await assert_evidence(dev, session, suite)
    assert {process.pid for process in processes_with(stage.innocent.marker)} >= stage.pids
    return times


async def assert_evidence(dev: DevServer, session: Any, suite: HostileSuite) -> None:
    """The receipt says 0 processes left; report and traces are kept, whoever wrote them."""
    (row,) = session["results"]
    path = f"/v1/check-results/{session['checkId']}/{row['checkResultId']}"
    async with asyncio.timeout(EVIDENCE_WITHIN_S):
        while not (receipt := (await dev.call("GET", path))["receipt"])["evidenceComplete"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert receipt["processesLeft"] == 0
    assert receipt["forcedByServer"] is False
    assert (receipt["tests"]["passed"], receipt["tests"]["interrupted"]) == (1, 1), receipt
    assets = (await dev.call("GET", f"{path}/assets"))["assets"]
    names = [asset["name"] for asset in assets]
    assert "report.json" in names, (names, receipt)
    traces = [asset["name"] for asset in assets if asset["type"] == "trace"]
    assert len(traces) >= (2 if suite.has_page else 1), (names, receipt)


@pytest.mark.parametrize("suite", HOSTILE, ids=lambda suite: suite.name)
async def test_a_hostile_suite_is_gone_in_time_and_harms_nobody(stage: Stage, suite: HostileSuite) -> None:
    marker = f"hostile-{uuid4().hex}"
    check_id = await save(stage.dev, suite, marker)
    moments = random.Random(suite.name)
    all_times = [await cancel_once(stage, check_id, suite, moments.uniform(0.2, 1.5)) for _ in range(CANCELS)]
    answered_s, gone_s, final_s = (max(column) for column in zip(*map(astuple, all_times), strict=True))
    numbers = f"204 {answered_s:.3f} s, gone {gone_s:.2f} s, final {final_s:.2f} s at most"
    sys.stdout.write(f"{suite.name:<28} n={CANCELS} {numbers}\n")
    assert gone_s < GONE_WITHIN_S + BUSY_S
    assert final_s < FINAL_WITHIN_S + BUSY_S
    assert not processes_with(marker)
    await assert_unharmed(stage)


async def assert_unharmed(stage: Stage) -> None:
    """The server is healthy, the innocent run goes on, and only its folder is there."""
    health = await stage.dev.call("GET", "/healthz")
    assert health["status"] == "ok"
    (row,) = (await stage.dev.session(stage.innocent_session))["results"]
    assert row["resultType"] is None
    runs = stage.dev.data / "runner" / "runs"
    await until(
        lambda: len(list(runs.iterdir())) == 1, timeout_s=20, what="only the innocent run has a folder"
    )


async def test_a_suite_that_looks_around_sees_nothing_of_the_host(stage: Stage) -> None:
    dev = stage.dev
    places = [dev.data, dev.data.parent, dev.data / "runner" / "runs", Path(__file__).parents[2], Path.home()]
    variables = [{"key": "PLACES", "value": " ".join(map(str, places))}]
    check_id = await save(dev, SNOOPER, "looks-around", environmentVariables=variables)
    session = await dev.await_final(await trigger(dev, check_id), timeout_s=90)
    assert session["status"] == "PASSED", session
    (row,) = session["results"]
    path = f"/v1/check-results/{session['checkId']}/{row['checkResultId']}"
    assets = (await dev.call("GET", f"{path}/assets"))["assets"]
    log = next(asset for asset in assets if asset["name"] == "logs.txt")
    async with dev.client() as client:
        said = (await client.get(log["url"])).text
    assert "SNOOPED" in said
    assert "ENVIRONMENT" in said
    environment = json.loads(said.split("ENVIRONMENT ", 1)[1].splitlines()[0])
    assert not [name for name in environment if name.startswith("BELLROCK_") and name not in OURS]
    server = psutil.Process(dev.pid)
    nats = dev.child("nats-server")
    bus = {k: v for k, v in dev.child("runner").environ().items() if k.startswith("BELLROCK_NATS")}
    secrets = {
        "the API key": dev.credentials["api_key"],
        "the encryption key": (dev.data / "secret.key").read_text().strip(),
        "NATS's token": bus["BELLROCK_NATS_TOKEN"],
        "NATS's greeting": f"('port {bus['BELLROCK_NATS_URL'].rpartition(':')[2]}'",
        "a variable of another run": CANARY,
        "another run's processes": stage.innocent.marker,
        "the server's command line": " ".join(server.cmdline()),
        "nats-server's command line": " ".join(nats.cmdline()),
        "the password file": "root:x:0:0",
    }
    assert [what for what, secret in secrets.items() if secret in said] == []


OURS = {"BELLROCK_EVENTS", "BELLROCK_BLOB", "BELLROCK_REPORTS"}
