"""One run, stage by stage: prepare, install, start, test, then report what there is.

A stage that cannot be done ends the run with an outcome; a person's cancel ends whichever stage
goes on. Whatever happened, the evidence there is by then is collected and reported.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bellrock.domain.errors import BellrockError
from bellrock.domain.live import Stage
from bellrock.domain.outcomes import CANCELLED, Outcome, Verdict
from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.find import find_suite
from bellrock.runner.executors.playwright.snapshots import made_anew, snapshots_before
from bellrock.runner.executors.playwright.suite_kind import Suite
from bellrock.runner.executors.playwright.testing import TestStage
from bellrock.runner.playwright.browsers import find_chromium
from bellrock.runner.playwright.console import Console
from bellrock.runner.playwright.dependency_store import Lease
from bellrock.runner.playwright.evidence import Evidence, killed_tests
from bellrock.runner.playwright.failures import RunEnded, check_failed, runner_failed
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.install import Installer, InstallRequest
from bellrock.runner.playwright.reporting import Reporting
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.playwright.tools import ToolCache
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import OutputLine
from bellrock.runner.transfer import TransferFailed
from bellrock.wire.bundles import unpack_bundle
from bellrock.wire.messages import JobSpec, Report

T = TypeVar("T")


class PlaywrightRun:
    """One attempt of one run. Made for one `carry_out`."""

    def __init__(
        self,
        job: JobSpec,
        context: RunContext,
        *,
        machine: Machine,
        installer: Installer,
        tools: ToolCache,
        cache_folder: Path,
    ) -> None:
        self._job = job
        self._context = context
        self._machine = machine
        self._installer = installer
        self._tools = tools
        self._cache_folder = cache_folder
        self._folders = RunFolders(context.folder, machine.isolation.private_tmp)
        self._folders.create()
        self._console = Console(self._folders.log, context.events, context.scrubber)
        self._evidence = Evidence(context, self._folders)
        self._reporting = Reporting(job, context, self._evidence)
        self._lease: Lease | None = None

    async def carry_out(self) -> Report:
        """The whole run. What goes wrong is an outcome; only cancellation of the task is let through."""
        try:
            outcome = await self._outcome()
            progress = self._context.events.progress
            killed = killed_tests(progress, self._evidence.facts)
            progress.interrupt_open_tests()
            # The packages are needed until reports are rebuilt, which may be after the report.
            lease, self._lease = self._lease, None
            return await self._reporting.report(
                outcome, self._collect(killed, lease), options=self._machine.options
            )
        finally:
            self._console.close()
            if self._lease is not None:
                self._lease.release()

    async def _collect(self, killed: frozenset[str], lease: Lease | None) -> None:
        try:
            await self._evidence.collect(killed, self._reporting.stages)
        finally:
            if lease is not None:
                lease.release()

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
        if not isinstance(spec, PlaywrightSuite):
            raise RunEnded(runner_failed("BAD_JOB", "The job has no suite."))
        self._reporting.stages.enter(Stage.PREPARING)
        chromium = find_chromium(self._machine.options.chromium)
        bundle, suite = await self._unless_cancelled(self._prepare(spec))
        if spec.update_snapshots:
            before = await asyncio.to_thread(snapshots_before, suite.folder)
            self._evidence.own_files = partial(made_anew, suite.folder, suite.root, before)
        self._reporting.stages.enter(Stage.INSTALLING)
        suite = await self._unless_cancelled(self._equip(suite))
        self._lease = await self._install(bundle, suite)
        self._refuse_if_cancelled()
        self._reporting.stages.enter(Stage.STARTING)
        stage = TestStage(
            self._job,
            self._context,
            machine=self._machine,
            console=self._console,
            evidence=self._evidence,
            reporting=self._reporting,
        )
        await asyncio.to_thread(
            stage.prepare, suite, self._lease, chromium=chromium, cache=self._cache_folder
        )
        self._refuse_if_cancelled()
        return await stage.run(suite)

    # --- preparing ----------------------------------------------------------------------------

    async def _prepare(self, spec: PlaywrightSuite) -> tuple[Path, Suite]:
        try:
            bundle = await self._context.bundles.fetch(spec.bundle_key)
        except TransferFailed as error:
            message = f"The code bundle could not be fetched: {error}"
            raise RunEnded(Outcome(Verdict.ERRORED, error.blame, "BUNDLE_NOT_FETCHED", message)) from error
        try:
            await asyncio.to_thread(_unpack, bundle, self._folders.suite)
        except BellrockError as error:
            raise RunEnded(check_failed(error.code or "NOT_A_BUNDLE", error.message)) from error
        except OSError as error:
            message = f"The bundle could not be unpacked: {error.strerror}."
            raise RunEnded(runner_failed("UNPACK_FAILED", message)) from error
        return bundle, await asyncio.to_thread(find_suite, self._folders.suite, spec, self._machine)

    # --- installing ---------------------------------------------------------------------------

    async def _equip(self, suite: Suite) -> Suite:
        tools = await suite.needs()
        for tool in tools:
            self._console.say(f"Using {tool.spec}.")
        return suite.equipped(await self._tools.provide(tools, limits=self._job.limits))

    async def _install(self, bundle: Path, suite: Suite) -> Lease:
        job = self._job
        plan = await asyncio.to_thread(suite.install_plan)
        request = InstallRequest(
            attempt_id=job.attempt_id,
            fill=partial(_unpack, bundle),
            argv=plan.argv,
            place=suite.folder.relative_to(suite.root),
            variables=job.environment,
            limits=job.limits,
            search_path=plan.search_path,
            makes=plan.makes,
            mounts=plan.mounts,
            environment=plan.environment,
        )
        key = await self._unless_cancelled(suite.install_key(plan, job.account_id))
        lease = None if job.refresh_cache else await self._installer.find(key)
        if lease is not None:
            self._console.say("Packages restored from the cache.")
            return lease
        await self._take_part_in_install(key, request)
        lease = await self._installer.find(key)
        if lease is None:
            raise RunEnded(runner_failed("CACHE_FAILED", "The installed packages are gone from the cache."))
        return lease

    async def _take_part_in_install(self, key: str, request: InstallRequest) -> None:
        async def print_lines(lines: Sequence[OutputLine]) -> None:
            await self._console.print(lines)

        shared, joined = self._installer.join(key, request, print_lines)
        self._console.say(
            "Waiting for the same install of another run." if joined else "Installing packages."
        )
        try:
            await self._unless_cancelled(shared.ended())
        finally:
            # Also where this task is cancelled: nobody may be left then.
            trace = await asyncio.shield(self._installer.leave(shared, print_lines))
            if trace is not None:
                self._reporting.stopped(trace)

    # --- cancelling ---------------------------------------------------------------------------

    async def _unless_cancelled(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; or, if a person asks first, the end of the run."""
        task = asyncio.create_task(work)
        asked = asyncio.create_task(self._context.cancelled.wait())
        try:
            await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return task.result()
            self._refuse_if_cancelled()
            return await task
        finally:
            for one in (task, asked):
                one.cancel()
            await asyncio.wait({task, asked})

    def _refuse_if_cancelled(self) -> None:
        if self._context.cancelled.is_set:
            self._reporting.stopping()
            raise RunEnded(CANCELLED)


def _unpack(bundle: Path, target: Path) -> None:
    with bundle.open("rb") as packed:
        unpack_bundle(packed, target)
