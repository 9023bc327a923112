"""What strikes, and what heals it again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.system.dev_server import processes_with
from tests.system.matrix import clock
from tests.system.matrix.cells import Cell, Fault, Part
from tests.system.matrix.installation import LEASE_S, Installation
from tests.system.matrix.proxy import Line
from tests.system.matrix.stages import HeldRun, suite_folders

LASTS_S = LEASE_S + 1.5
"""Longer than a lease: what is struck is given up by the rest."""
HOUR_S = 3600
_FILLED_AT_ONCE_BYTES = 256 * 1024
_LOCKER = """\
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
while True:
    database.execute('BEGIN IMMEDIATE')
    print('locked', flush=True)
    time.sleep(2.5)
    database.execute('ROLLBACK')
    time.sleep(0.2)
"""


@asynccontextmanager
async def struck(held: HeldRun, cell: Cell) -> AsyncIterator[None]:
    """The fault is there when the block begins; when the block has ended, it lasts its time and is healed.

    A killed process is the fault's whole length: who watches it starts it again.
    """
    installation = held.installation
    match cell.fault:
        case Fault.KILL:
            _signal(held, cell, signal.SIGKILL)
            yield
            return
        case Fault.SLOW_DATABASE:
            async with _locked(installation.database):
                yield
                await asyncio.sleep(LASTS_S)
            return
        case _:
            heal = _strike(held, cell)
    try:
        yield
        await asyncio.sleep(LASTS_S)
    finally:
        heal()


def _strike(held: HeldRun, cell: Cell) -> Callable[[], None]:
    """Strike; returns what heals."""
    match cell.fault:
        case Fault.STOP:
            pids = _signal(held, cell, signal.SIGSTOP)
            return lambda: _signal_all(pids, signal.SIGCONT)
        case Fault.CUT | Fault.HTTP_CUT:
            return _on_lines(held.installation, cell, Line.cut)
        case Fault.SILENCE | Fault.HTTP_SILENCE:
            return _on_lines(held.installation, cell, Line.silence)
        case Fault.DISK_FULL:
            fillers = [_fill(place) for place in _places(held, cell.part)]
            return lambda: _remove(fillers)
        case Fault.CLOCK_FORWARD:
            return _set_clock(held, cell.part, HOUR_S)
        case Fault.CLOCK_BACK:
            return _set_clock(held, cell.part, -HOUR_S)
        case _:
            raise AssertionError(cell.fault)


def _signal(held: HeldRun, cell: Cell, number: signal.Signals) -> list[int]:
    if cell.part is Part.SUITE:
        pids = [process.pid for process in processes_with(held.suite.marker)]
        pids += [p.pid for p in processes_with(str(held.installation.runs)) if p.name().startswith("node")]
    else:
        pids = [held.installation.pid(cell.part)]
    assert pids
    _signal_all(pids, number)
    return pids


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _on_lines(installation: Installation, cell: Cell, what: Callable[[Line], None]) -> Callable[[], None]:
    if cell.fault in (Fault.HTTP_CUT, Fault.HTTP_SILENCE):
        lines = [installation.runner_to_control]
    elif cell.part is Part.NATS:
        lines = [installation.control_to_nats, installation.runner_to_nats]
    elif cell.part is Part.CONTROL:
        lines = [installation.control_to_nats]
    else:
        lines = [installation.runner_to_nats]
    for line in lines:
        what(line)

    def mend() -> None:
        for line in lines:
            line.mend()

    return mend


def _places(held: HeldRun, part: Part) -> list[Path]:
    return suite_folders(held.installation) if part is Part.SUITE else [held.installation.place(part)]


def _fill(place: Path) -> Path:
    """Write a file until nothing more fits."""
    filler = place / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(_FILLED_AT_ONCE_BYTES)):
            pass
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(b"\0"):
            pass
    return filler


def _remove(fillers: list[Path]) -> None:
    for filler in fillers:
        filler.unlink(missing_ok=True)


def _set_clock(held: HeldRun, part: Part, offset_s: int) -> Callable[[], None]:
    own = [folder / clock.OFFSET_NAME for folder in suite_folders(held.installation)]
    files = own if part is Part.SUITE else [held.installation.clock(part)]

    def move(by_s: int) -> None:
        for file in files:
            with suppress(FileNotFoundError):  # the suite's folder goes away with its run
                clock.set_offset(file, by_s)

    move(offset_s)
    return lambda: move(0)


@asynccontextmanager
async def _locked(database: Path) -> AsyncIterator[None]:
    """Another process has the write lock, again and again."""
    locker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LOCKER, str(database), stdout=asyncio.subprocess.PIPE
    )
    assert locker.stdout
    try:
        assert await asyncio.wait_for(locker.stdout.readline(), 30) == b"locked\n"
        yield
    finally:
        locker.kill()
        await locker.wait()
