"""A suite of pytest, as the executor runs it."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import Program, TestCommand
from bellrock.runner.executors.playwright.python_suites.install_plan import install_argv, install_key
from bellrock.runner.executors.playwright.python_suites.junit import JUnitReports
from bellrock.runner.executors.playwright.python_suites.suite import (
    PythonFiles,
    find_cores,
    find_environment,
    find_files,
)
from bellrock.runner.executors.playwright.suite_kind import Bound, InstallPlan, TestProcess
from bellrock.runner.playwright.dependency_store import VIRTUAL_ENVIRONMENT, Lease
from bellrock.runner.playwright.environment import pytest_environment
from bellrock.runner.playwright.evidence import Reports
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.playwright.tools import Tool, ToolKit
from bellrock.runner.recorder import RunContext


@dataclass(frozen=True, slots=True)
class PythonSuite:
    """See `suite_kind.Suite`, whose methods these are."""

    machine: Machine
    files: PythonFiles
    spec: PlaywrightSuite
    command: TestCommand
    program: Program = Program.PYTEST

    @classmethod
    def find(cls, root: Path, spec: PlaywrightSuite, command: TestCommand, machine: Machine) -> "PythonSuite":
        """The suite in an unpacked bundle. Blocking. Raises RunEnded for what it lacks."""
        return cls(machine, find_files(root, spec), spec, command)

    @property
    def root(self) -> Path:
        """The bundle's root."""
        return self.files.root

    @property
    def folder(self) -> Path:
        """Where commands run."""
        return self.files.folder

    async def needs(self) -> Sequence[Tool]:
        """Nothing: uv comes with the runner."""
        return ()

    def equipped(self, kit: ToolKit) -> "PythonSuite":
        """The same."""
        del kit
        return self

    def install_plan(self) -> InstallPlan:
        """A virtual environment, filled by uv, or the check's own command."""
        tools = self.machine.python
        argv = install_argv(self.files, self.spec.install_command, uv=tools.uv)
        return InstallPlan(argv, tools.search_path, VIRTUAL_ENVIRONMENT, tools.mounts)

    async def install_key(self, plan: InstallPlan, account_id: UUID) -> str:
        """Manifests, the version of Python, and code of the bundle where that is installed, decide."""
        return await asyncio.to_thread(
            install_key,
            self.files,
            self.spec,
            account_id=account_id,
            python_version=await self.machine.python_version(),
            uv_version=self.machine.python.uv_version,
            argv=plan.argv,
        )

    def require_program(self, lease: Lease) -> None:
        """Both pytest and Playwright have to be there."""
        find_environment(self.files, lease)

    def cores(self, lease: Lease) -> Sequence[Path]:
        """The driver of Playwright for Python."""
        return find_cores(lease)

    def test_process(
        self, lease: Lease, folders: RunFolders, variables: Sequence[EnvironmentVariable]
    ) -> TestProcess:
        """The environment's Python with pytest, or a shell that finds both first."""
        environment = self.root / find_environment(self.files, lease)
        programs = environment / "bin"
        argv: tuple[str, ...] = ("/bin/sh", "-c", self.command.text)
        if self.command.arguments is not None:
            argv = (str(programs / "python"), "-m", "pytest", *self.command.arguments)
        told = pytest_environment(
            folders, variables, tags=self.spec.pw_tags, source_path=os.pathsep.join(self._source_folders())
        )
        tools = self.machine.python
        search_path = f"{programs}:{tools.search_path}"
        return TestProcess(argv, told | {"VIRTUAL_ENV": str(environment)}, search_path, tools.mounts)

    def reports(self, lease: Lease, bound: Bound, context: RunContext, folders: RunFolders) -> Reports:
        """A JUnit report, made from what was seen of the run."""
        del lease, bound
        return JUnitReports(context.events.progress, folders.rebuilt)

    def _source_folders(self) -> list[str]:
        """Where a suite that is laid out as a package has its modules: it is not installed."""
        places = dict.fromkeys((self.folder, self.files.manifest.parent))
        return [str(place / "src") for place in places if (place / "src").is_dir()]
