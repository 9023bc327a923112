"""Collects what is kept of a run, whatever became of it, and uploads it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bellrock.domain.live import Progress, Stage, TestStatus
from bellrock.runner.playwright.artifacts import (
    Candidate,
    Kept,
    keep,
    output_files,
    report_files,
)
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.raw_traces import pack_raw_traces
from bellrock.runner.playwright.reporter_events import SuiteFacts
from bellrock.runner.playwright.stages import StageClock
from bellrock.runner.playwright.untrusted import lies_in
from bellrock.runner.recorder import RunContext
from bellrock.runner.transfer import TransferFailed
from bellrock.wire.messages import SNAPSHOTS, Artifact

_UPLOADS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class MadeReports:
    """The folder of the reports, or None, and what people should know about how they came to be."""

    folder: Path | None
    note: str | None = None


class Reports(Protocol):
    """Whoever makes the reports of one kind of suite."""

    async def provide(self, facts: SuiteFacts, traces: Mapping[str, Path]) -> MadeReports:
        """Find the reports, or rebuild them.

        :param traces: packed traces of killed tests, by test id.
        """


@dataclass(slots=True)
class Evidence:
    """What is known and kept of one run. ``keeps`` says of a file whether it is worth keeping.

    ``own_files`` are asked for by whoever started the run, who gets them also where nothing else is recorded.
    """

    context: RunContext
    folders: RunFolders
    facts: SuiteFacts = field(default_factory=SuiteFacts)
    reports: Reports | None = None
    notes: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    keeps: Callable[[Candidate], bool] = lambda _: True
    own_files: Callable[[], Iterable[Candidate]] = tuple

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
        if not self.context.job.record:
            kept = [one for one in kept if one.artifact.name.startswith(SNAPSHOTS)]
        if kept or self.context.job.record:
            stages.enter(Stage.UPLOADING)
            await self._upload(kept)

    def _outputs(self) -> tuple[Path, ...]:
        """Playwright's output folders: ours, and under a shell those that the suite says it has."""
        said = (Path(name) for name in self.facts.output_dirs)
        named = [self.folders.output, *(one for one in said if one.is_absolute())]
        return tuple(dict.fromkeys(one for one in named if lies_in(one, self.folders.work)))

    def _candidates(
        self, reports: Path | None, outputs: Sequence[Path], traces: dict[str, Path]
    ) -> list[Candidate]:
        candidates: list[Candidate] = []
        if self.folders.log.exists():
            candidates.append(Candidate(self.folders.log, "logs.txt", "log", "text/plain; charset=utf-8"))
        if reports is not None:
            candidates += report_files(reports, self.folders.work)
        candidates += output_files(outputs, self.facts.attachments, self.folders.work)
        for test_id, archive in traces.items():
            name = f"traces/{archive.name}"
            candidates.append(Candidate(archive, name, "trace", "application/zip", test_id))
        candidates += self.own_files()
        return list(filter(self.keeps, candidates))

    async def _reports(self, traces: Mapping[str, Path]) -> Path | None:
        if self.reports is None:
            return None
        made = await self.reports.provide(self.facts, traces)
        if made.note is not None:
            self.notes.append(made.note)
        return made.folder

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
