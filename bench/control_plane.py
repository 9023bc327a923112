"""The control plane under load: a nats-server, `bellrock server`, a fake runner, and a check to trigger."""

import asyncio
import io
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bench.bellrock_process import BellrockProcess
from bench.fake_runner import FakeRunner

LOCATION = "eu-central-1"
_NO_RATE_LIMIT = {"BELLROCK_RATE_LIMIT_REQUESTS": "1000000", "BELLROCK_RATE_LIMIT_WINDOW_S": "1"}


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """What a load is put on."""

    server: BellrockProcess
    runner: FakeRunner
    bundle_key: str
    check_id: str

    @property
    def memory_bytes(self) -> int:
        """The server's resident memory, now."""
        return int(psutil.Process(self.server.process.pid).memory_info().rss)

    @property
    def cpu_s(self) -> float:
        """The processor time that the server has used."""
        times = psutil.Process(self.server.process.pid).cpu_times()
        return float(times.user + times.system)

    async def start_session(self) -> UUID:
        """Trigger the check: one session of one run."""
        body = await self.post("/v2/check-sessions/trigger", {"target": {"checkId": [self.check_id]}})
        return UUID(body["sessions"][0]["checkSessionId"])

    async def start_test_session(self, runs: int) -> UUID:
        """Start one session of that many runs."""
        jobs = [
            {
                "logicalId": f"suite-{number}",
                "checkType": "PLAYWRIGHT",
                "name": f"Suite {number}",
                "codeBundlePath": self.bundle_key,
            }
            for number in range(runs)
        ]
        location = {"type": "PUBLIC", "region": LOCATION}
        body = await self.post(
            "/v1/test-sessions/run", {"name": "load", "runLocation": location, "checkRunJobs": jobs}
        )
        return UUID(body["testSessionId"])

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON that the API answers."""
        answer = await self.server.client.post(path, json=body)
        answer.raise_for_status()
        shown: dict[str, Any] = answer.json() if answer.content else {}
        return shown


@asynccontextmanager
async def control_plane(database_url: str | None) -> AsyncIterator[ControlPlane]:
    """A fresh one for the length of the block, on an empty PostgreSQL or else on SQLite in a file."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellrock-bench-")))
        nats = EmbeddedNats(EmbeddedNatsOptions(folder=folder / "nats", program=find_server()))
        await nats.start()
        stack.push_async_callback(nats.stop)
        options = ["--nats-url", nats.url]
        options += ["--database-url", database_url] if database_url else []
        settings = {**_NO_RATE_LIMIT, "BELLROCK_NATS_USER": nats.user, "BELLROCK_NATS_TOKEN": nats.token}
        server = await asyncio.to_thread(
            BellrockProcess,
            "server",
            options,
            folder=folder / "data",
            settings=settings,
            has_runner=False,
        )
        stack.push_async_callback(server.close)
        runner = FakeRunner(await NatsBus.connect(NatsOptions(nats.url, nats.user, nats.token)), LOCATION)
        stack.push_async_callback(runner.stop)
        await runner.start()
        yield await _with_a_check(server, runner)


async def _with_a_check(server: BellrockProcess, runner: FakeRunner) -> ControlPlane:
    answer = await server.client.post("/next/checkly-storage/upload-code-bundle", content=_small_bundle())
    answer.raise_for_status()
    bundle_key = str(answer.json()["key"])
    check = {"name": "Fake suite", "codeBundlePath": bundle_key, "locations": [LOCATION]}
    answer = await server.client.post("/v1/checks/playwright", json=check)
    answer.raise_for_status()
    return ControlPlane(server, runner, bundle_key, str(answer.json()["id"]))


def _small_bundle() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package.json"))
    return packed.getvalue()
