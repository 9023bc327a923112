"""Collects what is kept of a run, whatever became of it, and uploads it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from bellrock.domain.live import Progress, Stage, TestStatus
from bellrock.runner.executors.playwright.artifacts import (
    Candidate,
    Kept,
    keep,
    output_files,
    report_files,
)
from bellrock.runner.executors.playwright.environment import merge_environment
from bellrock.runner.executors.playwright.failures import RunEnded
from bellrock.runner.executors.playwright.folders import RunFolders
from bellrock.runner.executors.playwright.raw_traces import pack_raw_traces
from bellrock.runner.executors.playwright.rebuild import read_stream, write_blob
from bellrock.runner.executors.playwright.reporter_events import SuiteFacts
from bellrock.runner.executors.playwright.sandbox import Machine, process_limits, start
from bellrock.runner.executors.playwright.stages import StageClock
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Mount, OutputLine
from bellrock.runner.transfer import TransferFailed
from bellrock.wire.messages import Artifact

_REBUILD_S = 20.0
_UPLOADS_AT_ONCE = 4
_FROM_BLOB = ("json", "html")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledSuite:
    """The suite as it can be run in a sandbox: Playwright's script, and what must be mounted."""

    folder: Path
    script: Path
    read_only: tuple[Mount, ...]
    private: tuple[Path, ...]


@dataclass(slots=True)
class Evidence:
    """What is known and kept of one run. ``stopped`` says that the suite did not end by itself."""

    machine: Machine
    context: RunContext
    folders: RunFolders
    facts: SuiteFacts = field(default_factory=SuiteFacts)
    installed: InstalledSuite | None = None
    notes: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)

    async def collect(self, killed: frozenset[str], stages: StageClock) -> None:
        """Bring everything together, scrubbed, and upload it.

        :param killed: ids of the tests that were going on when their worker was killed.
        :raises asyncio.CancelledError: the run was taken away; no process of ours is left then.
        """
        stages.enter(Stage.REPORTING)
        outputs = self._outputs()
        raw = self.folders.kept / "raw"
        traces = await asyncio.to_thread(
            pack_raw_traces, (self.folders.rescued, *outputs), raw, wanted=killed
        )
        reports = await self._reports(traces)
        candidates = await asyncio.to_thread(self._candidates, reports, outputs, traces)
        kept, notes = await asyncio.to_thread(
            keep,
            candidates,
            self.folders.kept / "files",
            scrubber=self.context.scrubber,
            limit_bytes=self.context.job.limits.artifact_bytes,
        )
        self.notes += notes
        if self.context.job.record:
            stages.enter(Stage.UPLOADING)
            await self._upload(kept)

    def _outputs(self) -> tuple[Path, ...]:
        """Playwright's output folders: ours, and under a shell those that the suite says it has."""
        inside = self.folders.work.resolve()
        said = (Path(name) for name in self.facts.output_dirs)
        return tuple(dict.fromkeys([self.folders.output, *(one for one in said if _lies_in(one, inside))]))

    def _candidates(
        self, reports: Path | None, outputs: Sequence[Path], traces: dict[str, Path]
    ) -> list[Candidate]:
        candidates: list[Candidate] = []
        if self.folders.log.exists():
            candidates.append(Candidate(self.folders.log, "logs.txt", "log", "text/plain; charset=utf-8"))
        if reports is not None:
            candidates += report_files(reports)
        candidates += output_files(outputs, self.facts.attachments, self.folders.work)
        for test_id, archive in traces.items():
            name = f"traces/{archive.name}"
            candidates.append(Candidate(archive, name, "trace", "application/zip", test_id))
        return candidates

    async def _reports(self, traces: dict[str, Path]) -> Path | None:
        """The folder with report.json and html/: written by Playwright itself, or rebuilt."""
        if all(name in self.facts.reports_written for name in _FROM_BLOB):
            return self.folders.reports
        if not self.facts.began or self.installed is None:
            return None
        try:
            async with asyncio.timeout(_REBUILD_S):
                problem = await self._rebuild(traces, self.installed)
        except TimeoutError:
            problem = f"it took longer than {_REBUILD_S:g} s"
        except RunEnded as ended:
            problem = ended.outcome.message
        if problem is None:
            self.notes.append("Playwright was gone before it wrote its reports: they were rebuilt.")
            return self.folders.rebuilt
        log.warning("reports.not_rebuilt", reason=problem)
        self.notes.append(f"The HTML and JSON reports could not be rebuilt: {problem}.")
        return None

    async def _rebuild(self, traces: dict[str, Path], installed: InstalledSuite) -> str | None:
        """Make the reports out of the stream. Returns why that was not possible, or None."""
        stream = await asyncio.to_thread(read_stream, self.folders.blob)
        if stream is None:
            return "; ".join(self.facts.degraded) or "Playwright wrote no messages for them"
        blob = self.folders.rebuilt / "blob" / "report.zip"
        await asyncio.to_thread(
            write_blob,
            stream,
            blob,
            traces=traces,
            inside=self.folders.work.resolve(),
            ended_at_ms=int(time.time() * 1000),
        )
        printed: list[str] = []
        code = await self._merge(blob.parent, installed, printed)
        return None if code == 0 else f"merge-reports ended with exit code {code}: {' '.join(printed[-5:])}"

    async def _merge(self, blob: Path, installed: InstalledSuite, printed: list[str]) -> int | None:
        async def on_output(lines: Sequence[OutputLine]) -> None:
            printed.extend(line.text for line in lines[-5:])

        machine, job = self.machine, self.context.job
        process = await start(
            machine,
            f"{job.attempt_id}.reports",
            argv=(
                str(machine.node),
                str(installed.script),
                "merge-reports",
                "--reporter=html,json",
                str(blob),
            ),
            cwd=installed.folder,
            environment=merge_environment(
                self.folders, self.folders.rebuilt, search_path=machine.search_path
            ),
            writable=self.folders.work,
            limits=process_limits(job.limits),
            on_output=on_output,
            read_only=installed.read_only,
            private=installed.private,
        )
        try:
            ended = await asyncio.shield(process.wait())
        except asyncio.CancelledError:
            await asyncio.shield(process.cancel(graceful=False))
            raise
        return ended.code

    async def _upload(self, kept: Sequence[Kept]) -> None:
        slots = asyncio.Semaphore(_UPLOADS_AT_ONCE)

        async def upload(one: Kept) -> None:
            async with slots:
                try:
                    await self.context.upload(one.file, one.artifact)
                except TransferFailed as error:
                    self.notes.append(f"{one.artifact.name} was not kept: {error}.")
                    return
                self.artifacts.append(one.artifact)

        async with asyncio.TaskGroup() as uploads:
            for one in kept:
                uploads.create_task(upload(one))
        self.artifacts.sort(key=lambda artifact: artifact.name)


def killed_tests(progress: Progress, facts: SuiteFacts) -> frozenset[str]:
    """Tests that never got to write their trace: to be asked before open ones are noted as interrupted.

    They began and have not ended, or Playwright ended them because their worker was killed.
    """
    traced = {one.test_id for one in facts.attachments if one.name == "trace"}
    return frozenset(
        test_id
        for test_id, test in progress.tests.items()
        if test.status is TestStatus.RUNNING
        or (test.status is TestStatus.INTERRUPTED and test_id not in traced)
    )


def _lies_in(path: Path, folder: Path) -> bool:
    return path.is_absolute() and path.resolve().is_relative_to(folder)
