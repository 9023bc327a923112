"""Real process trees for the supervisor's tests: suites as small scripts, and waiting without sleeping."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from bellrock.runner.supervisor import (
    Isolation,
    LadderTimes,
    Mount,
    OutputLine,
    ProcessLimits,
    ProcessSpec,
    SuiteProcess,
    launch,
    procfs,
)

DEADLINE_S = 20.0
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}
UNCHANGED = ProcessLimits()
FAST = LadderTimes(interrupt_s=0.3, browsers_s=0.3, workers_s=0.3, interrupt_again_s=0.3, hard_stop_s=1.6)

# Prefix of suites in Python. `note` prints at once; `forever` blocks without using the CPU.
PYTHON = """
import os, signal, subprocess, sys, time
def note(text):
    os.write(1, (text + "\\n").encode())
def forever():
    while True:
        signal.pause()
"""


def python_suite(body: str) -> tuple[str, ...]:
    """A suite's command line, run by the system's own Python."""
    return ("/usr/bin/python3", "-I", "-S", "-c", PYTHON + body)


@dataclass(slots=True)
class Printed:
    """What a tree printed so far."""

    lines: list[OutputLine] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, lines: Sequence[OutputLine]) -> None:
        self.lines += lines
        self.changed.set()

    def text(self, stream: str = "stdout") -> str:
        return "\n".join(line.text for line in self.lines if line.stream == stream)

    async def wait_for(self, text: str) -> None:
        """Wait until a line of standard output is ``text``."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(line.text == text for line in self.lines):
                self.changed.clear()
                await self.changed.wait()


@dataclass(slots=True)
class Tree:
    process: SuiteProcess
    printed: Printed
    spec: ProcessSpec


async def start(
    argv: Sequence[str],
    *,
    isolation: Isolation,
    folder: Path,
    until: str | None = None,
    environment: Mapping[str, str] = ENVIRONMENT,
    limits: ProcessLimits = UNCHANGED,
    ladder: LadderTimes = FAST,
    read_only: tuple[Mount, ...] = (),
    private: tuple[Path, ...] = (),
    main_understands_sigint: bool = True,
) -> Tree:
    """Launch a tree and wait until it printed the line ``until``."""
    printed = Printed()
    spec = ProcessSpec(
        name=f"test-{uuid4()}",
        argv=tuple(argv),
        cwd=folder,
        environment=environment,
        writable=(folder,),
        read_only=read_only,
        private=private,
        limits=limits,
        ladder=ladder,
        on_output=printed.take,
        main_understands_sigint=main_understands_sigint,
    )
    process = await launch(spec, isolation)
    if until is not None:
        await printed.wait_for(until)
    return Tree(process, printed, spec)


def living(processes: Mapping[int, int]) -> dict[int, int]:
    """Those of pid -> start time that still live."""
    found = {pid: procfs.read_process(pid) for pid in processes}
    return {pid: processes[pid] for pid, it in found.items() if it and it.started == processes[pid]}


def wait_until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    """Look again and again until a condition holds; False when the time is over first."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # between two looks
    return True


def groups_of(name: str) -> list[Path]:
    """Control groups that carry a run's name."""
    # Not by `rglob`: it fails where a group of another test goes while it looks.
    return [
        Path(folder, found)
        for folder, below, _ in os.walk("/sys/fs/cgroup")
        for found in below
        if found == f"bellrock-{name}"
    ]


# A runner of its own: starts one tree, tells what it is made of, and waits to be killed.
RUNNER = (
    sys.executable,
    "-c",
    """
import asyncio, json, sys
from pathlib import Path
from bellrock.runner.supervisor import Mechanism, ProcessSpec, launch, probe_isolation
mechanism, folder, state, *argv = sys.argv[1:]
async def main():
    ready = asyncio.Event()
    async def sink(lines):
        if any(line.text == "ready" for line in lines):
            ready.set()
    isolation = probe_isolation(forced=Mechanism(mechanism), state_folder=Path(state))
    spec = ProcessSpec(name=f"test-{Path(folder).name}", argv=tuple(argv), cwd=Path(folder),
        environment={"PATH": "/usr/bin:/bin"}, writable=(Path(folder),), on_output=sink)
    process = await launch(spec, isolation)
    await asyncio.wait_for(ready.wait(), 20)
    container = process._container
    members = {pid: it.started for pid, it in container.members().items()}
    print(json.dumps({"members": members, "keeper": container.keeper.pid}), flush=True)
    await process.wait()
asyncio.run(main())
""",
)
