"""Runs suites through the executor alone: a real sandbox, real npm, real Chromium; no control plane."""

import asyncio
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import CancelProgress, LiveEvent, Output, StageEntered, TestEnded
from bellrock.domain.specs import PlaywrightSuite, Spec
from bellrock.runner.executors.playwright import PlaywrightExecutor, PlaywrightOptions
from bellrock.runner.recorder import CancelToken, EventRecorder, Executor, RunContext, read_events
from bellrock.runner.scrub import Scrubber
from bellrock.runner.supervisor import Isolation, probe_isolation
from bellrock.wire.messages import Artifact, Evidence, JobSpec, Limits, Report

SUITES = Path(__file__).parent.parent / "suites"
ACCOUNT = UUID("6d9f5c2e-0000-4000-8000-000000000001")
CONFIG = "module.exports = { testDir: '.', timeout: 60000, workers: 1, reporter: 'list' };"
DEADLINE_S = 60.0


def now() -> datetime:
    return datetime.now(UTC)


def pack(files: Mapping[str, str | bytes], base: str | None = "playwright") -> bytes:
    """A bundle of these files, with the package files of a fixture suite."""
    content: dict[str, bytes] = {}
    if base:
        content = {file.name: file.read_bytes() for file in (SUITES / base).iterdir()}
    content |= {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


@dataclass
class Run:
    """A run that goes on, or has ended."""

    context: RunContext
    uploads: Path
    artifacts: dict[str, Artifact]
    task: "asyncio.Task[Report]"
    seen: list[LiveEvent] = field(default_factory=list)

    async def until(self, wanted: Callable[[LiveEvent], bool], deadline_s: float = DEADLINE_S) -> LiveEvent:
        """The first live event that is wanted. The run must still go on."""
        async with asyncio.timeout(deadline_s):
            while True:
                for event in self.context.events.take(most=10_000, most_bytes=100_000_000):
                    self.seen.append(event)
                    if wanted(event):
                        return event
                waiting = asyncio.create_task(self.context.events.wait_pending())
                await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
                if self.task.done() and not waiting.done():
                    waiting.cancel()
                    raise AssertionError(f"the run ended before that: {self.task.result().outcome}")

    def cancel(self) -> None:
        assert self.context.cancelled.ask(at=now(), by="Ada", via="API")

    async def report(self, deadline_s: float = DEADLINE_S) -> Report:
        async with asyncio.timeout(deadline_s):
            return await self.task

    async def evidence(self, deadline_s: float = DEADLINE_S) -> Evidence | None:
        """What comes after the report, if the report said that something will."""
        if self.context.late_evidence is None:
            return None
        async with asyncio.timeout(deadline_s):
            return await self.context.late_evidence()

    @property
    def events(self) -> tuple[LiveEvent, ...]:
        return read_events(self.context.events.path, after=0, most=1_000_000, most_bytes=1_000_000_000)

    @property
    def printed(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Output))

    @property
    def stages(self) -> list[str]:
        return [str(event.stage) for event in self.events if isinstance(event, StageEntered)]

    @property
    def cancel_actions(self) -> list[str]:
        return [event.action for event in self.events if isinstance(event, CancelProgress)]

    def ended(self, title: str) -> list[TestEnded]:
        ids = [
            test_id
            for test_id, test in self.context.events.progress.tests.items()
            if test.ref.title[-1] == title
        ]
        return [event for event in self.events if isinstance(event, TestEnded) and event.test_id in ids]

    def read(self, name: str) -> bytes:
        return (self.uploads / name).read_bytes()

    def json_report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.read("report.json"))
        return report

    def leftovers(self) -> list[str]:
        """Processes of the suite: those with this run's folder in their command line or as directory.

        Reports may be rebuilt after the run's report: that is a process of ours, without the suite's code.
        """
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                text = (process / "cmdline").read_bytes().decode(errors="replace")
                text += str((process / "cwd").readlink())
            except OSError:
                continue
            if str(self.context.folder) in text and "merge-reports" not in text:
                found.append(text)
        return found


class Rig:
    """An executor with its cache, and folders for runs."""

    def __init__(self, folder: Path, cache: Path, options: PlaywrightOptions | None = None) -> None:
        self.folder = folder
        self.isolation: Isolation = probe_isolation()
        self.cache = cache
        self.executor = PlaywrightExecutor(
            options or PlaywrightOptions(), isolation=self.isolation, cache_folder=cache
        )

    def start(
        self,
        files: Mapping[str, str | bytes],
        *,
        base: str | None = "playwright",
        bundle: bytes | None = None,
        environment: tuple[EnvironmentVariable, ...] = (),
        limits: Limits | None = None,
        refresh_cache: bool = False,
        hold_uploads: asyncio.Event | None = None,
        **suite: Any,
    ) -> Run:
        return start_run(
            self.executor,
            PlaywrightSuite(bundle_key="key", **suite),
            folder=self.folder,
            cache=self.cache,
            isolation=self.isolation,
            bundle=pack(files, base) if bundle is None else bundle,
            environment=environment,
            context={"CHECKLY": "1", "CI": "1", "CHECKLY_REGION": "eu-central-1"},
            limits=limits or Limits(),
            refresh_cache=refresh_cache,
            hold_uploads=hold_uploads,
        )


def start_run(
    executor: Executor,
    spec: Spec,
    *,
    folder: Path,
    cache: Path,
    isolation: Isolation,
    bundle: bytes = b"",
    environment: tuple[EnvironmentVariable, ...] = (),
    context: Mapping[str, str],
    limits: Limits,
    refresh_cache: bool = False,
    hold_uploads: asyncio.Event | None = None,
) -> Run:
    """Begin a run of any spec, in a folder of its own."""
    run_id = uuid4()
    folder = folder / run_id.hex[:12]  # short: Chromium makes sockets below it
    uploads = folder / "uploads"
    (folder / "work").mkdir(parents=True)
    uploads.mkdir()
    packed = folder / "bundle.tar.gz"
    packed.write_bytes(bundle)
    job = JobSpec(
        run_id=run_id,
        session_id=uuid4(),
        account_id=ACCOUNT,
        attempt=1,
        attempt_id=uuid4(),
        check_id=None,
        check_name="A suite",
        location="eu-central-1",
        spec=spec,
        environment=environment,
        context=dict(context),
        refresh_cache=refresh_cache,
        limits=limits,
        control_url="http://127.0.0.1:1",
    )
    scrubber = Scrubber(variable.value for variable in environment if variable.secret)
    artifacts: dict[str, Artifact] = {}

    async def upload(path: Path, artifact: Artifact) -> None:
        if hold_uploads:
            await asyncio.wait_for(hold_uploads.wait(), DEADLINE_S)
        target = uploads / artifact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copyfile, path, target)
        artifacts[artifact.name] = artifact

    run_context = RunContext(
        job=job,
        token=uuid4(),
        folder=folder / "work",
        cache_folder=cache,
        events=EventRecorder(folder / "events.ndjson", clock=now, scrubber=scrubber),
        cancelled=CancelToken(),
        bundles=_LocalBundle(packed),
        upload=upload,
        scrubber=scrubber,
        isolation=isolation,
        clock=now,
    )
    task = asyncio.create_task(executor.execute(job, run_context))
    task.add_done_callback(lambda _: run_context.events.close())
    return Run(run_context, uploads, artifacts, task)


@dataclass
class _LocalBundle:
    path: Path

    async def fetch(self, key: str) -> Path:
        return self.path
