"""What was lost and mended is seen afterwards: in the metrics, in `/healthz` and in the log."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.records import TreeRecord, start_of, write_record
from tests.support.kept_packages import KeptPackages
from tests.support.plain_http import TRUSTS_NOBODY
from tests.system.dev_server import DevServer, processes_with, shell_suite, until

LEASE_S = 4.0
AGAIN_S = 60.0
RUNNER_GONE_S = 3.0

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]


@contextmanager
def orphans_of_a_former_life(trees: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A small tree of processes, with the record that a runner keeps of each tree it starts."""
    loop = "while :; do sleep 0.2; done"
    main = subprocess.Popen(["sh", "-c", f"sh -c '{loop}' & sh -c '{loop}' & {loop}"], start_new_session=True)
    started = start_of(main.pid)
    record = TreeRecord(
        name="former-run",
        mechanism="process-group",
        boot=procfs.boot_id(),
        keeper=main.pid,
        keeper_started=started,
        main=main.pid,
        main_started=started,
        namespace=None,
        user=None,
        cgroups=(),
    )
    write_record(trees, record)
    try:
        yield main
    finally:
        if main.poll() is None:
            os.killpg(main.pid, 9)
            main.wait(10)


@pytest.fixture
async def dev(tmp_path: Path, kept_packages: KeptPackages) -> AsyncIterator[DevServer]:
    variables = {
        "BELLROCK_LEASE_S": str(LEASE_S),
        "BELLROCK_HEARTBEAT_S": "1",
        "BELLROCK_RUNNER_GONE_AFTER_S": str(RUNNER_GONE_S),
    }
    server = DevServer(tmp_path, variables, packages=kept_packages)
    yield server
    await server.clean_up()


async def read(dev: DevServer) -> dict[str, float]:
    """The sum over all labels of every sample."""
    async with httpx2.AsyncClient(trust_env=False, verify=TRUSTS_NOBODY) as http:
        text = (await http.get(f"{dev.url}/metrics")).text
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


async def test_what_a_starting_runner_sweeps_reaches_the_control_plane(dev: DevServer) -> None:
    with orphans_of_a_former_life(dev.data / "runner" / "trees") as main:
        await dev.start()
        await until(lambda: main.poll() is not None, timeout_s=10, what="the orphans are ended")
        sums = await read(dev)
    assert sums["bellrock_runner_orphans_swept"] >= 3
    assert sums["bellrock_runner_leftover_processes"] == 0
    health = (await dev.call("GET", "/healthz"))["containment"]
    assert [each["orphansSwept"] for each in health] == [sums["bellrock_runner_orphans_swept"]]
    assert '"event": "orphans.swept"' in dev.log


async def test_a_killed_runner_costs_one_lease_and_one_requeue(dev: DevServer) -> None:
    await dev.start()
    suite = shell_suite(2)
    session_id = await dev.start_session(suite)
    await until(lambda: len(processes_with(suite.marker)) >= 2, timeout_s=60, what="the suite runs")
    dev.child("runner").kill()
    await dev.await_final(session_id, timeout_s=AGAIN_S)
    sums = await read(dev)
    assert sums["bellrock_leases_expired_total"] == 1
    assert sums["bellrock_runs_requeued_total"] == 1
    assert sums["bellrock_runs_finished_total"] == 1
    for event in ("run.lease_expired", "run.requeued"):
        assert f'"event": "{event}"' in dev.log
