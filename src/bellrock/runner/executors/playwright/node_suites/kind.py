"""A suite of Playwright Test, as the executor runs it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import Program, TestCommand
from bellrock.runner.executors.playwright.node_suites.command import playwright_argv, shell_argv
from bellrock.runner.executors.playwright.node_suites.install_plan import install_argv, install_key
from bellrock.runner.executors.playwright.node_suites.suite import (
    NodeFiles,
    find_cores,
    find_files,
    find_playwright,
)
from bellrock.runner.executors.playwright.suite_kind import Bound, InstallPlan, TestProcess
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, Lease
from bellrock.runner.playwright.environment import playwright_test_environment
from bellrock.runner.playwright.evidence import Reports
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.html_reports import HtmlReports
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.recorder import RunContext


@dataclass(frozen=True, slots=True)
class NodeSuite:
    """See `suite_kind.Suite`, whose methods these are."""

    machine: Machine
    files: NodeFiles
    spec: PlaywrightSuite
    command: TestCommand
    program: Program = Program.PLAYWRIGHT

    @classmethod
    def find(cls, root: Path, spec: PlaywrightSuite, command: TestCommand, machine: Machine) -> "NodeSuite":
        """The suite in an unpacked bundle. Blocking. Raises RunEnded for what it lacks."""
        return cls(machine, find_files(root, spec, command), spec, command)

    @property
    def root(self) -> Path:
        """The bundle's root."""
        return self.files.root

    @property
    def folder(self) -> Path:
        """Where commands run."""
        return self.files.folder

    def install_plan(self) -> InstallPlan:
        """The lock file's package manager, or the check's own command."""
        has_program = self.machine.has(self.files.package_manager)
        argv = install_argv(self.files, self.spec.install_command, has_program=has_program)
        return InstallPlan(argv, self.machine.search_path, NODE_PACKAGES)

    async def install_key(self, plan: InstallPlan, account_id: UUID) -> str:
        """Lock files, manifests, and the version of Node decide."""
        version = await self.machine.node_version()
        return await asyncio.to_thread(
            install_key, self.files, self.spec, account_id=account_id, node_version=version, argv=plan.argv
        )

    def require_program(self, lease: Lease) -> None:
        """@playwright/test has to be there."""
        find_playwright(self.files, lease)

    def cores(self, lease: Lease) -> Sequence[Path]:
        """All playwright-core packages."""
        return find_cores(lease)

    def test_process(
        self, lease: Lease, folders: RunFolders, variables: Sequence[EnvironmentVariable]
    ) -> TestProcess:
        """Node with Playwright's command line, or a shell."""
        del variables  # Playwright Test is told by none that a check may have too
        argv = shell_argv(self.command, self.spec)
        if self.command.is_plain:
            script = find_playwright(self.files, lease)
            node = str(self.machine.node)
            argv = playwright_argv(self.command, self.spec, node=node, script=script, output=folders.output)
        return TestProcess(argv, playwright_test_environment(folders), self.machine.search_path)

    def reports(self, lease: Lease, bound: Bound, context: RunContext, folders: RunFolders) -> Reports:
        """Playwright's own HTML and JSON reports."""
        script = find_playwright(self.files, lease)
        return HtmlReports(
            self.machine, context, folders, script, self.folder, bound.read_only, bound.private
        )
