"""A runner in a network of its own, from where only the control plane's HTTPS port can be reached."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import make_pair
from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import BELLROCK, DevServer, processes_with, shell_suite, until

pytestmark = [
    pytest.mark.system,
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make networks"),
]

CUT_S = 60.0
SLUG = "cellar"
RAN = "FAILED"  # to its own end: a shell suite reports no test, which is a failure


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass(frozen=True)
class Network:
    """A namespace with one line to this machine. ``near`` is this machine's end of it, ``far`` the other."""

    name: str
    near: str
    far: str

    def cut(self) -> None:
        ip("link", "set", self.name, "down")

    def mend(self) -> None:
        ip("link", "set", self.name, "up")


@pytest.fixture
def network() -> Iterator[Network]:
    number = os.getpid() % 200
    network = Network(f"brtest{number}", f"10.231.{number}.1", f"10.231.{number}.2")
    try:
        ip("netns", "add", network.name)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody make networks")
    try:
        ip("link", "add", network.name, "type", "veth", "peer", "name", "eth0", "netns", network.name)
        ip("addr", "add", f"{network.near}/30", "dev", network.name)
        ip("link", "set", network.name, "up")
        ip("-n", network.name, "addr", "add", f"{network.far}/30", "dev", "eth0")
        ip("-n", network.name, "link", "set", "eth0", "up")
        ip("-n", network.name, "link", "set", "lo", "up")
        yield network
    finally:
        with suppress(subprocess.CalledProcessError):
            ip("link", "del", network.name)
        ip("netns", "del", network.name)


@pytest.fixture
async def dev(network: Network, tmp_path: Path, kept_packages: KeptPackages) -> AsyncIterator[DevServer]:
    pair = make_pair("control", address=network.near)
    for name, text in (("cert.pem", pair.certificate), ("key.pem", pair.key)):
        (tmp_path / name).write_text(text)
    certificate = str(tmp_path / "cert.pem")
    variables = {
        "BELLROCK_HOST": network.near,
        "BELLROCK_TLS_CERTIFICATE": certificate,
        "BELLROCK_TLS_KEY": str(tmp_path / "key.pem"),
        "SSL_CERT_FILE": certificate,
    }
    trusted = ssl.create_default_context(cafile=certificate)
    dev = DevServer(tmp_path, variables, trusted=trusted, packages=kept_packages)
    await dev.start()
    yield dev
    await dev.clean_up()


async def start_runner(network: Network, dev: DevServer, key: str) -> "asyncio.subprocess.Process":
    """A runner inside, which knows the key and the control plane's address."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("BELLROCK_")}
    with (dev.folder / "runner.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", network.name, str(BELLROCK), "runner"),
            env={
                **variables,
                "BELLROCK_LOCATION_KEY": key,
                "BELLROCK_CONTROL_URL": dev.url,
                "BELLROCK_RUNNER_DIR": str(dev.folder / "inside"),
                "BELLROCK_LOG_FORMAT": "json",
                "SSL_CERT_FILE": str(dev.folder / "cert.pem"),
            },
            stdout=log,
            stderr=log,
        )


async def test_a_runner_behind_one_https_line_runs_cancels_survives_a_cut_and_drains(
    network: Network, dev: DevServer
) -> None:
    # What the suite depends on cannot be fetched from inside: it is brought along.
    warm = await dev.start_session(shell_suite(0))
    assert (await dev.await_final(warm, timeout_s=90))["status"] == RAN
    shutil.copytree(dev.cache, dev.folder / "inside" / "cache", symlinks=True)

    location = await dev.call("POST", "/v1/private-locations", json={"name": "Cellar", "slugName": SLUG})
    runner = await start_runner(network, dev, location["keys"][0]["rawKey"])
    log = dev.folder / "runner.log"
    await until(lambda: "runner.connected" in log.read_text(), timeout_s=60, what="the runner is connected")
    inside = {"locations": [], "privateLocations": [SLUG]}

    session = await dev.start_session(shell_suite(0), **inside)
    done = await dev.await_final(session, timeout_s=60)
    assert (done["status"], done["runLocations"]) == (RAN, [SLUG])

    endless = shell_suite(3_600)
    session = await dev.start_session(endless, **inside)
    await until(lambda: len(processes_with(endless.marker)) >= 2, timeout_s=60, what="the suite runs inside")
    await dev.cancel(session)
    assert (await dev.await_final(session, timeout_s=10))["status"] == "CANCELLED"
    assert processes_with(endless.marker) == []

    network.cut()
    await asyncio.sleep(CUT_S)  # how long the fault lasts
    network.mend()
    session = await dev.start_session(shell_suite(0), **inside)
    assert (await dev.await_final(session, timeout_s=90))["status"] == RAN

    last = shell_suite(3)
    session = await dev.start_session(last, **inside)
    await until(lambda: len(processes_with(last.marker)) >= 2, timeout_s=60, what="the last suite runs")
    runner.terminate()
    assert (await dev.await_final(session, timeout_s=30))["status"] == RAN
    assert await asyncio.wait_for(runner.wait(), 30) == 0


async def test_a_revoked_key_is_cut_off_and_a_strangers_never_let_in(
    network: Network, dev: DevServer
) -> None:
    location = await dev.call("POST", "/v1/private-locations", json={"name": "Cellar", "slugName": SLUG})
    key = location["keys"][0]
    runner = await start_runner(network, dev, key["rawKey"])
    log = dev.folder / "runner.log"
    await until(lambda: "runner.connected" in log.read_text(), timeout_s=60, what="the runner is connected")
    await dev.call("DELETE", f"/v1/private-locations/{location['id']}/keys/{key['id']}")
    await until(lambda: "runner_bus.closed" in dev.log, timeout_s=20, what="its line is cut")
    connected = log.read_text().count("runner.connected")
    runner.terminate()
    await asyncio.wait_for(runner.wait(), 30)
    assert log.read_text().count("runner.connected") == connected

    stranger = await start_runner(network, dev, "pl_nobody_ever_made_this")
    assert await asyncio.wait_for(stranger.wait(), 60) != 0
    assert "does not know this key" in log.read_text()
