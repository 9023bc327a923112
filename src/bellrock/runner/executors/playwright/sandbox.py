"""How a process of a run is put together for the supervisor: what it sees, may write and may use."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bellrock.resources import live_reporter
from bellrock.runner.executors.playwright.dependency_store import Lease
from bellrock.runner.executors.playwright.failures import RunEnded, runner_failed
from bellrock.runner.executors.playwright.options import PlaywrightOptions
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
        found = (
            self.options.node or shutil.which("node", path=self.options.search_path) or shutil.which("node")
        )
        if found is None:
            raise RunEnded(runner_failed("NO_NODE", "This runner has no Node.js: install Node 20 or later."))
        return Path(found)

    @property
    def search_path(self) -> str:
        """PATH inside: where the chosen Node lies comes first."""
        return f"{self.node.parent}:{self.options.search_path}"

    def has(self, program: str) -> bool:
        """Whether a program is on the PATH inside."""
        return shutil.which(program, path=self.search_path) is not None

    async def node_version(self) -> str:
        """What `node --version` says. Asked each time: machines are updated under running runners."""
        process = await asyncio.create_subprocess_exec(
            self.node, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _VERSION_S)
        except TimeoutError as error:
            raise RunEnded(runner_failed("NO_NODE", f"{self.node} does not answer.")) from error
        finally:
            # Also where a cancel did not wait for the answer: nothing of a run may outlive it.
            if process.returncode is None:
                process.kill()
                await process.wait()
        return out.decode().strip()

    def program_mounts(self) -> tuple[Mount, ...]:
        """Node, where it is not among the system's programs (nvm, volta, a tarball in /opt)."""
        prefix = self.node.resolve().parent.parent
        return () if prefix.is_relative_to("/usr") else (Mount(prefix), Mount(self.node.parent))


def process_limits(limits: Limits) -> ProcessLimits:
    """A run's limits in the supervisor's words. Times are kept by the executor, which knows stages."""
    return ProcessLimits(
        memory_bytes=limits.memory_bytes,
        processes=limits.processes,
        disk_bytes=limits.disk_bytes,
        output_bytes=limits.output_bytes,
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
    """Start a contained process.

    :raises RunEnded: the sandbox could not be set up (SANDBOX_FAILED, blame runner).
    """
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

    Where the isolation has no mounts of its own, links take their place, package by package.
    """
    mounts: list[Mount] = []
    private: list[Path] = []
    for place in lease.places:
        target = suite_root / place / "node_modules"
        if target.is_symlink():
            target.unlink()
        if isolation.hides_files:
            target.mkdir(parents=True, exist_ok=True)
            mounts.append(Mount(lease.packages(place), target))
            private.append(target / ".cache")
        else:
            shutil.rmtree(target, ignore_errors=True)
            _link_packages(lease.packages(place), target)
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
