"""Every fault at every part in every stage, and a cancel in the middle of it. See docs/reliability.md.

Afterwards: the session is final, the run has one terminal state, an accepted cancel is honoured, no
process of the run and nothing else of it is left, and the same installation carries out the next run.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from typing import Any

import psutil
import pytest

from tests.system.dev_server import LOCATION, processes_with, until
from tests.system.matrix.cells import CLOCKS, Cell, Fault, Part, cells, spanning
from tests.system.matrix.clock import COMPILER
from tests.system.matrix.faults import struck
from tests.system.matrix.installation import LEASE_S, Installation, eventually
from tests.system.matrix.stages import HeldRun, bring_to
from tests.system.matrix.suites import Waits, check_of, waiting_suite

FINAL_S = LEASE_S + 8
"""The lease, and time for a busy machine."""
TIDY_S = 15.0
ACCEPTED_S = 40.0
CELL_S = 120.0

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

Installations = Callable[[bool], Awaitable[Installation]]


@pytest.fixture(scope="module")
async def installations(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installations]:
    """Installations by whether they have clocks of their own; a new one where a cell spoiled the last."""
    running: dict[bool, Installation] = {}

    async def get(has_clocks: bool) -> Installation:
        found = running.get(has_clocks)
        if found is not None and not found.is_usable:
            await running.pop(has_clocks).stop()
            found = None
        if found is None:
            found = Installation(tmp_path_factory.mktemp("matrix"), has_clocks)
            running[has_clocks] = found
            await found.start()
        return found

    yield get
    for installation in running.values():
        await installation.stop()


def _chosen() -> tuple[Cell, ...]:
    return cells() if os.environ.get("MATRIX") == "whole" else spanning()


@pytest.mark.parametrize("cell", _chosen(), ids=lambda cell: cell.id)
async def test_cell(cell: Cell, installations: Installations) -> None:
    if cell.fault is Fault.DISK_FULL and os.geteuid() != 0:
        pytest.skip("a small file system is mounted for it, which only root may")
    if cell.fault in CLOCKS and COMPILER is None:
        pytest.skip("the library that moves a clock is compiled for it, and there is no cc")
    installation = await installations(cell.fault in CLOCKS and cell.part is not Part.SUITE)
    installation.is_usable = False
    async with asyncio.timeout(CELL_S):
        await carry_out(installation, cell)
    installation.is_usable = True


async def carry_out(installation: Installation, cell: Cell) -> None:
    """One cell, from a healthy installation to a healthy installation."""
    held = await bring_to(installation, cell.stage, fault=cell.fault, part=cell.part)
    try:
        async with asyncio.timeout(ACCEPTED_S):
            async with struck(held, cell):
                cancelling = asyncio.create_task(_cancel(installation, held.session_id))
            await cancelling
        session = await _final(held)
        if held.blocker:
            await _cancel(installation, held.blocker.session_id)
            await _final(held.blocker)
    finally:
        held.release()
    _assert_honoured(cell, session)
    await _assert_one_terminal_state(installation, session)
    await _assert_nothing_left(held)
    await _assert_works_on(installation)


async def _cancel(installation: Installation, session_id: str) -> None:
    """Ask until it is accepted."""

    async def accepted() -> bool:
        try:
            async with installation.client() as client:
                path = f"/v1/check-sessions/{session_id}/cancel"
                return (await client.post(path, json={}, timeout=15)).status_code == 204
        except Exception:  # noqa: BLE001 - not reached, not answered: ask again
            return False

    await eventually(accepted, timeout_s=ACCEPTED_S, what="the cancel is accepted", log=installation)


async def _final(held: HeldRun) -> Any:
    installation = held.installation
    return await installation.await_final(held.session_id, timeout_s=FINAL_S)


def _assert_honoured(cell: Cell, session: Any) -> None:
    (row,) = session["results"]
    if cell.may_end_by_itself and not row["isCancelled"]:
        assert session["status"] in {"PASSED", "FAILED"}
    else:
        assert (session["status"], row["isCancelled"]) == ("CANCELLED", True)


async def _assert_one_terminal_state(installation: Installation, session: Any) -> None:
    (row,) = session["results"]
    assert row["resultType"] == "FINAL"
    entries = (await installation.call("GET", f"/v2/check-results/{session['checkId']}"))["entries"]
    finals = [entry["id"] for entry in entries if entry["resultType"] == "FINAL"]
    assert finals == [row["checkResultId"]]


async def _assert_nothing_left(held: HeldRun) -> None:
    installation = held.installation
    words = (*held.markers, str(installation.runs), str(installation.dependencies))

    async def no_process() -> bool:
        return not _left(words)

    try:
        await eventually(no_process, timeout_s=TIDY_S, what="no process of the run is left", log=installation)
    except AssertionError as error:
        raise AssertionError(f"{_left(words)}\n{error}") from error
    await until(
        lambda: not [*installation.runs.iterdir(), *installation.dependencies.glob(".scratch-*")],
        timeout_s=TIDY_S,
        what="no folder of the run is left",
    )


def _left(words: tuple[str, ...]) -> list[list[str]]:
    """The command lines of living processes that have one of the words in them."""
    found = []
    for process in (process for word in words for process in processes_with(word)):
        with suppress(psutil.NoSuchProcess):
            found.append(process.cmdline())
    return found


async def _assert_works_on(installation: Installation) -> None:
    """Healthy, with nothing in the queues, and its slot free: the next run goes through."""
    await eventually(installation.is_healthy, timeout_s=TIDY_S, what="it is healthy", log=installation)
    suite = waiting_suite(Waits.NOWHERE)
    session_id = await installation.start_session(suite, **check_of(Waits.NOWHERE, suite))
    session = await installation.await_final(session_id, timeout_s=FINAL_S)
    assert session["status"] == "PASSED", session["results"]
    bus = await installation.bus()
    try:

        async def nothing_waits() -> bool:
            return await bus.pending_offers(LOCATION) == 0 and _orders(installation) == 0

        await eventually(
            nothing_waits, timeout_s=TIDY_S, what="no offer and no order waits", log=installation
        )
    finally:
        await bus.close()


def _orders(installation: Installation) -> int:
    with closing(sqlite3.connect(f"file:{installation.database}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM outbox").fetchone()[0])
