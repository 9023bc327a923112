"""A suite of Playwright Test, as the executor runs it."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import Program, TestCommand
from bellrock.resources import registry_installer
from bellrock.runner.executors.playwright.node_suites.command import playwright_argv, shell_argv
from bellrock.runner.executors.playwright.node_suites.install_plan import (
    install_argv,
    install_key,
    manager_environment,
    names_registries,
)
from bellrock.runner.executors.playwright.node_suites.needed_tools import tools_of
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
from bellrock.runner.playwright.tools import Tool, ToolKit
from bellrock.runner.recorder import RunContext


@dataclass(frozen=True, slots=True)
class NodeSuite:
    """See `suite_kind.Suite`, whose methods these are."""

    machine: Machine
    files: NodeFiles
    spec: PlaywrightSuite
    command: TestCommand
    kit: ToolKit = field(default_factory=ToolKit)
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

    @property
    def _node(self) -> Path:
        return self.kit.find("node") or self.machine.node

    @property
    def _engine(self) -> Path:
        """What runs Playwright."""
        bun = self.kit.find("bun") if self.spec.engine == "bun" else None
        return bun or self._node

    @property
    def _search_path(self) -> str:
        return self.kit.search_path(self.machine.search_path)

    async def needs(self) -> Sequence[Tool]:
        """Its engine and its package manager, where the machine has others."""
        version = await self.machine.node_version()
        has_program = self.machine.has(self.files.package_manager)
        return list(tools_of(self.files, self.spec, node_version=version, has_program=has_program))

    def equipped(self, kit: ToolKit) -> "NodeSuite":
        """The suite with these tools."""
        return replace(self, kit=kit)

    def install_plan(self) -> InstallPlan:
        """The lock file's package manager, or the check's own command."""
        argv = install_argv(self.files, self.spec.install_command)
        if names_registries(self.root):
            there = os.path.relpath(self.root, self.folder)
            argv = (str(self._node), str(registry_installer()), there, *argv)
        return InstallPlan(
            argv, self._search_path, NODE_PACKAGES, self.kit.mounts, manager_environment(self.files)
        )

    async def install_key(self, plan: InstallPlan, account_id: UUID) -> str:
        """Lock files, manifests, and the version of Node decide."""
        inputs = (*plan.argv, *(folder.name for folder in self.kit.folders))
        version = await self.machine.node_version()
        return await asyncio.to_thread(
            install_key, self.files, self.spec, account_id=account_id, node_version=version, inputs=inputs
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
        """The engine with Playwright's command line, or a shell."""
        del variables  # Playwright Test is told by none that a check may have too
        argv = shell_argv(self.command, self.spec)
        if self.command.is_plain:
            script = find_playwright(self.files, lease)
            node = str(self._engine)
            argv = playwright_argv(self.command, self.spec, node=node, script=script, output=folders.output)
        environment = {**manager_environment(self.files), **playwright_test_environment(folders)}
        return TestProcess(argv, environment, self._search_path, self.kit.mounts)

    def reports(self, lease: Lease, bound: Bound, context: RunContext, folders: RunFolders) -> Reports:
        """Playwright's own HTML and JSON reports."""
        script = find_playwright(self.files, lease)
        return HtmlReports(
            self.machine, context, folders, script, self.folder, bound.read_only, bound.private
        )
