"""The HTML and JSON reports of a Playwright Test suite: its own, or rebuilt where it was killed first."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from bellrock.runner.playwright.environment import merge_environment
from bellrock.runner.playwright.evidence import MadeReports
from bellrock.runner.playwright.failures import RunEnded
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.rebuild import read_stream, write_blob
from bellrock.runner.playwright.reporter_events import SuiteFacts
from bellrock.runner.playwright.sandbox import Machine, process_limits, start
from bellrock.runner.playwright.untrusted import made_anew
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Mount, OutputLine

_REBUILD_S = 20.0
_FROM_BLOB = ("json", "html")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """Reports that Playwright has written itself; none where it was gone before."""

    folders: RunFolders

    async def provide(self, facts: SuiteFacts, traces: Mapping[str, Path]) -> MadeReports:
        """The folder with report.json and html/. See `Reports`."""
        del traces  # they are in the reports
        is_written = all(name in facts.reports_written for name in _FROM_BLOB)
        return MadeReports(self.folders.reports if is_written else None)


@dataclass(frozen=True, slots=True)
class HtmlReports:
    """How the suite's own Playwright is run again: its script, where, and what must be mounted."""

    machine: Machine
    context: RunContext
    folders: RunFolders
    script: Path
    suite_folder: Path
    read_only: tuple[Mount, ...]
    private: tuple[Path, ...]

    async def provide(self, facts: SuiteFacts, traces: Mapping[str, Path]) -> MadeReports:
        """The folder with report.json and html/: written by Playwright itself, or rebuilt. See `Reports`."""
        written = await WrittenReports(self.folders).provide(facts, traces)
        if written.folder is not None or not facts.began:
            return written
        try:
            async with asyncio.timeout(_REBUILD_S):
                problem = await self._rebuild(facts, traces)
        except TimeoutError:
            problem = f"it took longer than {_REBUILD_S:g} s"
        except RunEnded as ended:
            problem = ended.outcome.message
        if problem is None:
            note = "Playwright was gone before it wrote its reports: they were rebuilt."
            return MadeReports(self.folders.rebuilt, note)
        log.warning("reports.not_rebuilt", reason=problem)
        return MadeReports(None, f"The HTML and JSON reports could not be rebuilt: {problem}.")

    async def _rebuild(self, facts: SuiteFacts, traces: Mapping[str, Path]) -> str | None:
        """Make the reports out of the stream. Returns why that was not possible, or None."""
        stream = await asyncio.to_thread(read_stream, self.folders.blob)
        if stream is None:
            return "; ".join(facts.degraded) or "Playwright wrote no messages for them"
        rebuilt = await asyncio.to_thread(made_anew, self.folders.rebuilt)
        blob = made_anew(rebuilt / "blob") / "report.zip"
        await asyncio.to_thread(
            write_blob,
            stream,
            blob,
            traces=traces,
            inside=self.folders.work.resolve(),
            ended_at_ms=int(time.time() * 1000),
        )
        printed: list[str] = []
        code = await self._merge(blob.parent, printed)
        return None if code == 0 else f"merge-reports ended with exit code {code}: {' '.join(printed[-5:])}"

    async def _merge(self, blob: Path, printed: list[str]) -> int | None:
        async def on_output(lines: Sequence[OutputLine]) -> None:
            printed.extend(line.text for line in lines[-5:])

        machine, job = self.machine, self.context.job
        process = await start(
            machine,
            f"{job.attempt_id}.reports",
            argv=(str(machine.node), str(self.script), "merge-reports", "--reporter=html,json", str(blob)),
            cwd=self.suite_folder,
            environment=merge_environment(
                self.folders, self.folders.rebuilt, search_path=machine.search_path
            ),
            writable=self.folders.work,
            limits=process_limits(job.limits),
            on_output=on_output,
            read_only=self.read_only,
            private=self.private,
        )
        try:
            ended = await asyncio.shield(process.wait())
        except asyncio.CancelledError:
            await asyncio.shield(process.cancel(graceful=False))
            raise
        return ended.code
