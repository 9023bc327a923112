"""The stages in which the suite runs: its sandbox, its process, and the outcome of both."""

from pathlib import Path

from bellrock.domain.checks import PlaywrightSuite
from bellrock.domain.live import Stage
from bellrock.domain.outcomes import CANCELLED, Outcome
from bellrock.domain.receipts import CancelAction, CancelStep
from bellrock.runner.executors.playwright.browsers import Browsers, provide_browsers
from bellrock.runner.executors.playwright.command import TestCommand, playwright_argv, shell_argv
from bellrock.runner.executors.playwright.console import Console
from bellrock.runner.executors.playwright.dependency_store import Lease
from bellrock.runner.executors.playwright.environment import suite_environment
from bellrock.runner.executors.playwright.evidence import Evidence, InstalledSuite
from bellrock.runner.executors.playwright.raw_traces import rescue_raw_traces
from bellrock.runner.executors.playwright.reporting import Reporting
from bellrock.runner.executors.playwright.sandbox import Machine, bind_packages, process_limits, start
from bellrock.runner.executors.playwright.suite import Suite, find_cores, find_playwright
from bellrock.runner.executors.playwright.suite_run import StoppedBy, SuiteEnd, run_to_the_end
from bellrock.runner.executors.playwright.verdict import SuiteStory, timed_out, verdict_of
from bellrock.runner.executors.playwright.watch import Watch
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
        places = {place: lease.packages(place) for place in lease.places}
        script = find_playwright(suite, places)
        ffmpeg = self._machine.options.ffmpeg
        browsers = provide_browsers(find_cores(places), cache, chromium=chromium, ffmpeg=ffmpeg)
        mounts, private = bind_packages(suite.root, lease, self._machine.isolation)
        self._evidence.installed = InstalledSuite(suite.folder, script, mounts, private)
        self._browsers = browsers

    async def run(self, suite: Suite, spec: PlaywrightSuite, command: TestCommand) -> Outcome:
        """Run the suite to its end, or until it is stopped, and say how it ended."""
        self._tell_about(command)
        process = await self._start(suite, spec, command)
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
        return self._outcome(end, command, self._browsers)

    async def _start(self, suite: Suite, spec: PlaywrightSuite, command: TestCommand) -> SuiteProcess:
        installed = self._evidence.installed
        assert installed is not None  # noqa: S101 - `prepare` comes first
        argv = shell_argv(command, spec)
        if command.is_plain:
            node, output = str(self._machine.node), self._folders.output
            argv = playwright_argv(command, spec, node=node, script=installed.script, output=output)
        return await start(
            self._machine,
            str(self._job.attempt_id),
            argv=argv,
            cwd=suite.folder,
            environment=suite_environment(
                self._folders,
                self._job.environment,
                self._job.context,
                search_path=self._machine.search_path,
                browsers=self._browsers.folder,
            ),
            writable=self._folders.work,
            limits=process_limits(self._job.limits),
            on_output=self._console.print,
            read_only=(*installed.read_only, *self._browsers.mounts),
            private=installed.private,
            understands_sigint=command.is_plain,
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

    def _outcome(self, end: SuiteEnd, command: TestCommand, browsers: Browsers) -> Outcome:
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
                is_plain=command.is_plain,
                last_stderr=self._console.last_stderr,
                our_browsers=str(browsers.folder),
            )
        )
