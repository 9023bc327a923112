"""What an executor asks of a suite, whatever language it is written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.test_commands import Program, TestCommand
from bellrock.runner.playwright.dependency_store import Lease
from bellrock.runner.playwright.evidence import Reports
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.tools import Tool, ToolKit
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Mount


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """How a suite's packages are installed: the process, what it sees besides, and the folder it makes.

    ``environment`` is what its program is told by.
    """

    argv: tuple[str, ...]
    search_path: str
    makes: str
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TestProcess:
    """The process that runs the tests. ``environment`` is what its program is told by."""

    __test__ = False

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    search_path: str
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """Installed packages as the suite sees them: mounted read-only, with private folders over some."""

    read_only: tuple[Mount, ...]
    private: tuple[Path, ...]


class Suite(Protocol):
    """An unpacked suite of one kind. Its commands run in ``folder``, which lies in ``root``, the bundle's."""

    @property
    def root(self) -> Path:
        """The bundle's root."""

    @property
    def folder(self) -> Path:
        """Where commands run."""

    @property
    def command(self) -> TestCommand:
        """The test command."""

    @property
    def program(self) -> Program:
        """What runs the tests, under a shell too."""

    async def needs(self) -> Sequence[Tool]:
        """Programs that are to be fetched for it.

        :raises RunEnded: this machine lacks what cannot be fetched.
        """

    def equipped(self, kit: ToolKit) -> "Suite":
        """The suite with the tools that it needs."""

    def install_plan(self) -> InstallPlan:
        """How its packages are installed."""

    async def install_key(self, plan: InstallPlan, account_id: UUID) -> str:
        """The name of the install's result. Equal inputs, equal name.

        The account is part of it: an install may run code of the bundle, so one account must not be able
        to prepare packages for another one.
        """

    def require_program(self, lease: Lease) -> None:
        """Look for what runs the tests among the installed packages. Blocking.

        :raises RunEnded: it is not there; the outcome says what to add where.
        """

    def cores(self, lease: Lease) -> Sequence[Path]:
        """Every playwright-core among the installed packages: each may want another browser revision."""

    def test_process(
        self, lease: Lease, folders: RunFolders, variables: Sequence[EnvironmentVariable]
    ) -> TestProcess:
        """The process that runs the tests."""

    def reports(self, lease: Lease, bound: Bound, context: RunContext, folders: RunFolders) -> Reports:
        """Whoever makes its reports."""
