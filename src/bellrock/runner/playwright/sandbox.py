"""How a process of a run is put together for the supervisor: what it sees, may write and may use."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bellrock.resources import live_reporter
from bellrock.runner.node import find_node, node_mounts
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, Lease
from bellrock.runner.playwright.failures import RunEnded, runner_failed
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.python import PythonTools, find_python_tools
from bellrock.runner.supervisor import (
    Isolation,
    Mount,
    OutputSink,
    ProcessLimits,
    ProcessSpec,
    SuiteProcess,
    SupervisorError,
    launch,
)
from bellrock.wire.messages import Limits

_VERSION_S = 10.0


@dataclass(frozen=True)
class Machine:
    """The programs of this machine that runs use."""

    options: PlaywrightOptions
    isolation: Isolation

    @cached_property
    def node(self) -> Path:
        """Node.

        :raises RunEnded: this machine has none (NO_NODE, blame runner).
        """
        if self._node is None:
            raise RunEnded(runner_failed("NO_NODE", "This runner has no Node.js: install Node 20 or later."))
        return self._node

    @cached_property
    def _node(self) -> Path | None:
        return find_node(self.options.node, self.options.search_path)

    @cached_property
    def python(self) -> PythonTools:
        """What Python suites need."""
        return find_python_tools(self.options.search_path)

    @property
    def search_path(self) -> str:
        """PATH inside: where the chosen Node lies comes first."""
        return f"{self.node.parent}:{self.options.search_path}"

    def has(self, program: str) -> bool:
        """Whether a program is on the PATH inside."""
        return shutil.which(program, path=self.search_path) is not None

    async def node_version(self) -> str:
        """What `node --version` says. Asked each time: machines are updated under running runners."""
        return await _version_of(self.node, failure_code="NO_NODE")

    async def python_version(self) -> str:
        """What Python says of itself, likewise."""
        return await _version_of(self.python.python, failure_code="NO_PYTHON")

    def program_mounts(self) -> tuple[Mount, ...]:
        """What a sandbox must show of Node."""
        return node_mounts(self._node) if self._node else ()


async def _version_of(program: Path, *, failure_code: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        reason = f"{program} cannot be started: {error.strerror}."
        raise RunEnded(runner_failed(failure_code, reason)) from error
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _VERSION_S)
    except TimeoutError as error:
        raise RunEnded(runner_failed(failure_code, f"{program} does not answer.")) from error
    finally:
        # Also where a cancel did not wait for the answer: nothing of a run may outlive it.
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode(errors="replace").strip()


def process_limits(limits: Limits) -> ProcessLimits:
    """A run's limits in the supervisor's words. Times are kept by the executor, which knows stages."""
    return ProcessLimits(
        memory_bytes=limits.memory_bytes,
        processes=limits.processes,
        disk_bytes=limits.disk_bytes,
        output_bytes=limits.output_bytes,
        cpus=limits.cpus,
    )


async def start(  # noqa: PLR0913 - one process has this many sides
    machine: Machine,
    name: str,
    *,
    argv: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    writable: Path,
    limits: ProcessLimits,
    on_output: OutputSink,
    read_only: tuple[Mount, ...] = (),
    private: tuple[Path, ...] = (),
    understands_sigint: bool = False,
) -> SuiteProcess:
    """Start a contained process. Mounts that are seen elsewhere are left out where nothing can be mounted.

    :raises RunEnded: the sandbox could not be set up (SANDBOX_FAILED, blame runner).
    """
    if not machine.isolation.hides_files:
        # A link would take a mount's place, for the whole machine to see.
        read_only = tuple(mount for mount in read_only if mount.seen_at == mount.source)
    spec = ProcessSpec(
        name=name,
        argv=tuple(argv),
        cwd=cwd,
        environment=environment,
        writable=(writable,),
        read_only=(Mount(live_reporter()), *machine.program_mounts(), *read_only),
        private=private,
        limits=limits,
        ladder=machine.options.ladder,
        on_output=on_output,
        main_understands_sigint=understands_sigint,
    )
    try:
        return await launch(spec, machine.isolation)
    except SupervisorError as error:
        raise RunEnded(runner_failed("SANDBOX_FAILED", f"The sandbox did not start: {error}")) from error


def bind_packages(
    suite_root: Path, lease: Lease, isolation: Isolation
) -> tuple[tuple[Mount, ...], tuple[Path, ...]]:
    """Make installed packages visible in a suite: what to mount read-only, and what to keep private.

    Where the isolation has no mounts of its own, links take their place: of Node's, package by package.
    """
    mounts: list[Mount] = []
    private: list[Path] = []
    for folder in lease.folders:
        source, target = lease.installed(folder), suite_root / folder
        if target.is_symlink():
            target.unlink()
        if isolation.hides_files:
            target.mkdir(parents=True, exist_ok=True)
            mounts.append(Mount(source, target))
            if target.name == NODE_PACKAGES:
                private.append(target / ".cache")
            continue
        shutil.rmtree(target, ignore_errors=True)
        if target.name == NODE_PACKAGES:
            _link_packages(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    return tuple(mounts), tuple(private)


def _link_packages(source: Path, target: Path) -> None:
    """A folder of links. Links of the source (workspace members) are made anew, to stay inside the suite."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        link = target / entry.name
        if entry.is_symlink():
            link.symlink_to(entry.readlink())
        elif entry.name.startswith("@"):
            _link_packages(entry, link)
        elif entry.name != ".cache":
            link.symlink_to(entry)
