"""The stages in which the suite runs: its sandbox, its process, and the outcome of both."""

from pathlib import Path

from bellrock.domain.live import Stage
from bellrock.domain.outcomes import CANCELLED, Outcome
from bellrock.domain.receipts import CancelAction, CancelStep
from bellrock.domain.test_commands import TestCommand
from bellrock.runner.executors.playwright.suite_kind import Bound, Suite, TestProcess
from bellrock.runner.playwright.browsers import provide_browsers
from bellrock.runner.playwright.console import Console
from bellrock.runner.playwright.dependency_store import Lease
from bellrock.runner.playwright.environment import suite_environment
from bellrock.runner.playwright.evidence import Evidence
from bellrock.runner.playwright.raw_traces import rescue_raw_traces
from bellrock.runner.playwright.reporting import Reporting
from bellrock.runner.playwright.sandbox import Machine, bind_packages, process_limits, start
from bellrock.runner.playwright.suite_run import StoppedBy, SuiteEnd, run_to_the_end
from bellrock.runner.playwright.verdict import SuiteStory, timed_out, verdict_of
from bellrock.runner.playwright.watch import Watch
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import SuiteProcess
from bellrock.wire.messages import JobSpec


class TestStage:
    """Prepares and runs one suite. `prepare` first, then `run`."""

    __test__ = False

    def __init__(
        self,
        job: JobSpec,
        context: RunContext,
        *,
        machine: Machine,
        console: Console,
        evidence: Evidence,
        reporting: Reporting,
    ) -> None:
        self._job = job
        self._context = context
        self._machine = machine
        self._console = console
        self._evidence = evidence
        self._reporting = reporting
        self._folders = evidence.folders

    def prepare(self, suite: Suite, lease: Lease, *, chromium: Path, cache: Path) -> None:
        """Put together what the suite will see. Blocking.

        :raises RunEnded: the packages lack Playwright, or the browsers cannot be provided.
        """
        suite.require_program(lease)
        self._browsers = provide_browsers(
            suite.cores(lease), cache, chromium=chromium, ffmpeg=self._machine.options.ffmpeg
        )
        self._bound = Bound(*bind_packages(suite.root, lease, self._machine.isolation))
        self._process = suite.test_process(lease, self._folders, self._job.environment)
        self._evidence.reports = suite.reports(lease, self._bound, self._context, self._folders)

    async def run(self, suite: Suite) -> Outcome:
        """Run the suite to its end, or until it is stopped, and say how it ended."""
        self._tell_about(suite.command)
        process = await self._start(suite, self._process)
        watch = Watch(
            self._folders.events,
            self._context.events,
            self._context.scrubber,
            on_first_test=lambda: self._reporting.stages.enter(Stage.TESTING),
            facts=self._evidence.facts,
        )
        end = await run_to_the_end(
            process,
            watch,
            self._context.cancelled,
            timeout_s=self._job.limits.test_s,
            on_stop=self._on_stop,
            on_step=self._on_step,
        )
        self._reporting.suite_ended(end)
        return self._outcome(end, suite)

    async def _start(self, suite: Suite, process: TestProcess) -> SuiteProcess:
        return await start(
            self._machine,
            str(self._job.attempt_id),
            argv=process.argv,
            cwd=suite.folder,
            environment={
                **suite_environment(
                    self._folders,
                    self._job.environment,
                    self._job.context,
                    search_path=process.search_path,
                    browsers=self._browsers.folder,
                ),
                **process.environment,
            },
            writable=self._folders.work,
            limits=process_limits(self._job.limits),
            on_output=self._console.print,
            read_only=(*self._bound.read_only, *self._browsers.mounts, *process.mounts),
            private=self._bound.private,
            understands_sigint=suite.command.is_plain,
        )

    def _tell_about(self, command: TestCommand) -> None:
        if not command.is_plain:
            note = "The test command runs under a shell: a cancel kills it, without asking it to stop first."
            self._evidence.notes.append(note)
            self._console.say(note)
        elif command.left_out:
            words = " ".join(command.left_out)
            self._console.say(f"Left out of the test command, since the runner decides them: {words}")

    def _on_stop(self, stopped_by: StoppedBy) -> None:
        if stopped_by is StoppedBy.PERSON:
            self._reporting.stopping()

    def _on_step(self, step: CancelStep) -> None:
        if step.action in (CancelAction.KILL_BROWSERS, CancelAction.KILL_WORKERS):
            # The main process may outlive its workers, and then tidies up behind them.
            rescue_raw_traces(self._folders.output, self._folders.rescued)
        self._reporting.on_step(step)

    def _outcome(self, end: SuiteEnd, suite: Suite) -> Outcome:
        if end.stopped_by is StoppedBy.PERSON:
            return CANCELLED
        progress = self._context.events.progress
        if end.stopped_by is StoppedBy.TIME_CAP:
            return timed_out(self._job.limits.test_s, progress)
        return verdict_of(
            SuiteStory(
                facts=self._evidence.facts,
                progress=progress,
                exit=end.exit,
                is_plain=suite.command.is_plain,
                last_stderr=self._console.last_stderr,
                our_browsers=str(self._browsers.folder),
                program=suite.program,
            )
        )
