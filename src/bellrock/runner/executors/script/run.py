"""One run of a script, stage by stage: its files, Playwright, the process, then what there is to report.

Nobody can cancel it: a person's request finds no one who listens. That the run was taken away, or that the
runner shuts down, ends it like any other.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bellrock.domain.live import Stage
from bellrock.domain.outcomes import Outcome
from bellrock.domain.specs import BrowserCheck, MultistepCheck
from bellrock.runner.executors.script.details import result_details
from bellrock.runner.executors.script.environment import findings_file, secrets_file
from bellrock.runner.executors.script.files import ScriptSpec, write_files
from bellrock.runner.executors.script.findings import Findings, read_findings
from bellrock.runner.executors.script.process import ScriptProcess, provide
from bellrock.runner.executors.script.retention import Retention
from bellrock.runner.executors.script.secrets import LearnedSecrets
from bellrock.runner.executors.script.snapshots import new_snapshots, put_snapshots
from bellrock.runner.executors.script.verdict import script_timed_out, script_verdict
from bellrock.runner.playwright.console import Console
from bellrock.runner.playwright.dependency_store import Lease
from bellrock.runner.playwright.evidence import Evidence
from bellrock.runner.playwright.failures import RunEnded, runner_failed
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.html_reports import WrittenReports
from bellrock.runner.playwright.reporting import Reporting
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.playwright.suite_run import SuiteEnd, run_to_the_end
from bellrock.runner.playwright.toolkit import Toolkit
from bellrock.runner.playwright.verdict import SuiteStory
from bellrock.runner.playwright.watch import Watch
from bellrock.runner.recorder import CancelToken, RunContext
from bellrock.runner.supervisor import OutputLine
from bellrock.wire.messages import JobSpec, Report


class ScriptRun:
    """One attempt of one run. Made for one `carry_out`."""

    def __init__(
        self,
        job: JobSpec,
        context: RunContext,
        *,
        machine: Machine,
        toolkit: Toolkit,
        cache_folder: Path,
        cap_s: float,
    ) -> None:
        self._job = job
        self._context = replace(context, cancelled=CancelToken())
        self._machine = machine
        self._toolkit = toolkit
        self._cache_folder = cache_folder
        self._cap_s = cap_s
        self._retention = Retention.of(job.context.get("CHECKLY_RUN_SOURCE"))
        self._started_at = context.clock()
        self._folders = RunFolders(context.folder, machine.isolation.private_tmp)
        self._folders.create()
        self._console = Console(self._folders.log, context.events, context.scrubber)
        self._evidence = Evidence(self._context, self._folders, reports=WrittenReports(self._folders))
        self._reporting = Reporting(job, self._context, self._evidence)
        self._secrets = LearnedSecrets(secrets_file(self._folders), context.scrubber, job.environment)
        self._findings = Findings()
        self._timed_out = False
        self._lease: Lease | None = None

    async def carry_out(self) -> Report:
        """The whole run. What goes wrong is an outcome; only cancellation of the task is let through."""
        try:
            outcome = await self._outcome()
            progress = self._context.events.progress
            progress.interrupt_open_tests()
            self._reporting.details = result_details(
                self._job.spec.type,
                self._findings,
                progress,
                self._context.scrubber.text,
                started_at=self._started_at,
                stopped_at=self._context.clock(),
            )
            self._evidence.keeps = lambda candidate: self._retention.keeps(candidate, outcome)
            return await self._reporting.report(outcome, self._collect(), options=self._machine.options)
        finally:
            self._console.close()
            if self._lease is not None:
                self._lease.release()

    async def _collect(self) -> None:
        if not self._timed_out:
            await self._evidence.collect(frozenset(), self._reporting.stages)

    async def _outcome(self) -> Outcome:
        try:
            return await self._stages()
        except RunEnded as ended:
            if ended.outcome.message:
                self._console.say(ended.outcome.message)
            return ended.outcome
        finally:
            self._console.close()

    async def _stages(self) -> Outcome:
        spec = self._job.spec
        if not isinstance(spec, BrowserCheck | MultistepCheck):
            message = f"The job is a {spec.type} check, and this is no executor for it."
            raise RunEnded(runner_failed("BAD_JOB", message))
        self._reporting.stages.enter(Stage.PREPARING)
        script = await asyncio.to_thread(self._write_files, spec)
        await put_snapshots(spec, self._check_folder, self._context.bundles)
        if isinstance(spec, BrowserCheck) and spec.update_snapshots:
            self._evidence.own_files = lambda: new_snapshots(script, self._check_folder)
        self._reporting.stages.enter(Stage.INSTALLING)
        self._lease = await self._toolkit.lease(self._job.attempt_id, self._job.limits, self._console.say)
        self._reporting.stages.enter(Stage.STARTING)
        process = await asyncio.to_thread(
            provide,
            self._job,
            self._folders,
            script,
            lease=self._lease,
            machine=self._machine,
            cache=self._cache_folder,
        )
        return await self._run(process)

    def _write_files(self, spec: ScriptSpec) -> Path:
        self._check_folder.mkdir()
        return write_files(spec, self._job.check_name, self._check_folder)

    @property
    def _check_folder(self) -> Path:
        return self._folders.suite / "check"

    async def _run(self, script: ScriptProcess) -> Outcome:
        process = await script.start(self._job, self._folders, self._machine, self._print)
        watch = Watch(
            self._folders.events,
            self._context.events,
            self._context.scrubber,
            on_first_test=lambda: self._reporting.stages.enter(Stage.TESTING),
            facts=self._evidence.facts,
            on_read=self._secrets.catch_up,
        )
        end = await run_to_the_end(
            process,
            watch,
            self._context.cancelled,
            timeout_s=self._cap_s,
            on_stop=lambda _: None,
            on_step=lambda _: None,
        )
        self._reporting.suite_ended(end)
        self._secrets.catch_up()
        self._findings = await asyncio.to_thread(read_findings, findings_file(self._folders))
        return self._judge(end, script)

    async def _print(self, lines: Sequence[OutputLine]) -> None:
        self._secrets.catch_up()
        await self._console.print(lines)

    def _judge(self, end: SuiteEnd, script: ScriptProcess) -> Outcome:
        if end.stopped_by is not None:
            self._timed_out = True
            return script_timed_out(self._cap_s)
        story = SuiteStory(
            facts=self._evidence.facts,
            progress=self._context.events.progress,
            exit=end.exit,
            is_plain=True,
            last_stderr=self._console.last_stderr,
            our_browsers=str(script.browsers),
            what="script",
        )
        return script_verdict(story, self._findings)
