"""How long a cancel takes, beside Playwright's own Ctrl+C, in one run on one machine.

    python -m bench.cancel [--rounds 50] [--bare-rounds 20] [--at-once 1] [--seed 1]

Starts its own platform in a temporary folder, deploys ``bench/slow-suite`` and cancels its runs at
random moments, one or several at the same moment. Every process of a run is watched from outside, by
the kernel's own list, so the time of the last one does not rest on Bellrock's word. The baseline is as
many bare ``npx playwright test`` of the same suite on the same machine, ended by SIGINT to their process
groups as a terminal does it.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from bellrock.services.ids import attempt_id
from bench.bellrock_process import BellrockProcess
from bench.figures import HEADER, line
from bench.slow_suite import bare_browsers, start_bare, start_platform, start_session

WATCH_S = 15


@dataclass(frozen=True, slots=True)
class Sample:
    """One cancel. Times in ms from the request; ``tests_begun`` when it was asked."""

    answered_ms: float
    gone_ms: float
    final_ms: float
    stage: str
    tests_begun: bool
    processes_left: int
    survivors: int
    interrupted: int
    has_report: bool
    has_trace: bool


def processes_of_run(parent: int, run_id: str) -> set[psutil.Process]:
    """Every process below ``parent`` that names the run's folder, and all below those."""
    folder = str(attempt_id(UUID(run_id), 1))
    found = set()
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if any(folder in part for part in child.cmdline()):
                found |= {child, *child.children(recursive=True)}
        except psutil.Error:
            continue
    return found


def watched(processes: set[psutil.Process]) -> list[int]:
    """A descriptor for each process that is still there: readable once it has ended."""
    descriptors = []
    for process in processes:
        with suppress(ProcessLookupError):
            descriptors.append(os.pidfd_open(process.pid))
    return descriptors


async def until_gone(descriptors: list[int], since: float) -> tuple[float, int]:
    """Milliseconds from ``since`` until all the processes have ended, and how many outlived `WATCH_S`."""
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in descriptors]
    for descriptor, end in zip(descriptors, ends, strict=True):
        loop.add_reader(descriptor, _note_end, loop, descriptor, end)
    left_s = max(0.0, WATCH_S - (time.monotonic() - since))
    alive = (await asyncio.wait(ends, timeout=left_s))[1] if ends else set()
    gone_ms = (time.monotonic() - since) * 1000
    for descriptor in descriptors:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return gone_ms, len(alive)


def _note_end(loop: asyncio.AbstractEventLoop, descriptor: int, end: "asyncio.Future[None]") -> None:
    loop.remove_reader(descriptor)
    end.set_result(None)


async def when_running(platform: BellrockProcess, session_id: str) -> None:
    """Return when the run has begun, that is, when its runner has it."""
    while True:
        session = (await platform.client.get(f"/v2/check-sessions/{session_id}")).json()
        if all(row["startedAt"] for row in session["results"]):
            return
        await asyncio.sleep(0.05)


async def one_cancel(platform: BellrockProcess, moment_s: float, all_ready: asyncio.Barrier) -> Sample:
    """Start a session, cancel it ``moment_s`` after its run began, when all others are too; watch the end."""
    session_id = await start_session(platform, "cancel")
    await when_running(platform, session_id)
    await asyncio.sleep(moment_s)
    before = (await platform.client.get(f"/v2/check-sessions/{session_id}")).json()
    run_id = before["results"][-1]["sequenceId"]
    processes = await asyncio.to_thread(processes_of_run, platform.process.pid, run_id)
    watching = watched(processes)
    await all_ready.wait()
    asked = time.monotonic()
    answer = await platform.client.post(f"/v1/check-sessions/{session_id}/cancel", json={})
    answered_ms = (time.monotonic() - asked) * 1000
    answer.raise_for_status()
    gone = asyncio.create_task(until_gone(watching, asked))
    completion = await platform.client.get(f"/v2/check-sessions/{session_id}/completion?maxWaitSeconds=20")
    final_ms = (time.monotonic() - asked) * 1000
    gone_ms, survivors = await gone
    survivors += len(await asyncio.to_thread(processes_of_run, platform.process.pid, run_id))
    body = completion.json()
    if body["status"] != "CANCELLED":
        message = f"session {session_id} ended {body['status']}, not CANCELLED"
        raise SystemExit(message)
    sample = await _sample(platform, body["results"][-1], before, answered_ms, gone_ms, final_ms, survivors)
    if sample.tests_begun and not processes:
        raise SystemExit(f"session {session_id} had tests, but no process was seen")
    return sample


async def complete_receipt(platform: BellrockProcess, path: str) -> dict[str, Any]:
    """The receipt of a cancelled run, once its evidence is complete (which may follow the end)."""
    deadline = time.monotonic() + WATCH_S
    while True:
        receipt: dict[str, Any] = (await platform.client.get(path)).json()["receipt"]
        if receipt["evidenceComplete"] or time.monotonic() > deadline:
            return receipt
        await asyncio.sleep(0.1)


async def _sample(
    platform: BellrockProcess,
    row: dict[str, Any],
    before: dict[str, Any],
    answered_ms: float,
    gone_ms: float,
    final_ms: float,
    survivors: int,
) -> Sample:
    path = f"/v1/check-results/{row['checkId']}/{row['checkResultId']}"
    receipt = await complete_receipt(platform, path)
    tests = receipt["tests"] or {}
    begun = sum(tests.get(key, 0) for key in ("passed", "failed", "interrupted")) > 0
    assets = await platform.client.get(f"{path}/assets")
    names = [(asset["type"], asset["name"]) for asset in assets.json()["assets"]]
    has_report = any(name.endswith("report.json") for _, name in names)
    has_trace = any(kind == "trace" for kind, _ in names)
    if begun and not (has_report and has_trace):
        print(f"\nnot all is kept of {path}: {tests} {names} {receipt}", file=sys.stderr)
    return Sample(
        answered_ms=answered_ms,
        gone_ms=gone_ms,
        final_ms=final_ms,
        stage=receipt["stage"] or before["status"],
        tests_begun=begun,
        processes_left=receipt["processesLeft"] or 0,
        survivors=survivors,
        interrupted=tests.get("interrupted", 0),
        has_report=has_report,
        has_trace=has_trace,
    )


async def some_bare(at_once: int, moment_s: float, browsers: dict[str, str]) -> list[float]:
    """So many bare runs of the suite, stopped together after ``moment_s``; ms until each is gone."""
    started = [start_bare(browsers) for _ in range(at_once)]
    await asyncio.sleep(moment_s)
    return await asyncio.gather(*(stop_bare(process) for process in started))


async def stop_bare(process: subprocess.Popen[bytes]) -> float:
    """SIGINT to a process group; ms until all of it is gone."""
    watching = watched({psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)})
    asked = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    waiting = asyncio.get_running_loop().run_in_executor(None, process.wait)
    gone_ms, _ = await until_gone(watching, asked)
    await waiting
    return gone_ms


def report(samples: list[Sample], bare: list[float]) -> None:
    """Print the table and the ratios."""
    print(f"\nms{HEADER[2:]}")
    print(line("request -> 204", [one.answered_ms for one in samples]))
    print(line("request -> last process gone (seen outside)", [one.gone_ms for one in samples]))
    testing = [one for one in samples if one.tests_begun]
    if testing:
        print(line("   of these with a test in progress or done", [one.gone_ms for one in testing]))
    print(line("request -> CANCELLED on v2", [one.final_ms for one in samples]))
    print(line("bare npx playwright test, SIGINT -> gone", bare))
    if testing:
        ratio = statistics.median(one.gone_ms for one in testing) / statistics.median(bare)
        print(f"\nratio to bare Playwright's own exit, medians, a test in progress: {ratio:.2f}")
    print(f"processes left by the receipts: {sum(one.processes_left or 0 for one in samples)}")
    print(f"processes that outlived the cancel, seen outside: {sum(one.survivors for one in samples)}")
    kept = [one for one in testing if one.has_report and one.has_trace]
    marked = [one for one in testing if one.interrupted]
    print(
        f"past the first test: {len(testing)}; report and trace kept: {len(kept)}; "
        f"with interrupted tests: {len(marked)}"
    )


async def measure(arguments: argparse.Namespace) -> int:
    """Run both sides and print; 1 if a process survived or evidence is missing."""
    chooser = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="bellrock-bench-") as folder:
        platform = start_platform(Path(folder) / "data", arguments.at_once)
        try:
            await warm_up(platform)
            browsers = bare_browsers(platform)
            samples: list[Sample] = []
            bare: list[float] = []
            while len(samples) < arguments.rounds:
                moment_s = chooser.uniform(0.0, 8.0)
                ready = asyncio.Barrier(arguments.at_once)
                samples += await asyncio.gather(
                    *(one_cancel(platform, moment_s, ready) for _ in range(arguments.at_once))
                )
                if len(bare) < arguments.bare_rounds:
                    bare += await some_bare(arguments.at_once, chooser.uniform(4.0, 9.0), browsers)
                print(f"\r{len(samples)} of {arguments.rounds}", end="", file=sys.stderr, flush=True)
            report(samples, bare)
        finally:
            await platform.close()
    bad = [one for one in samples if one.survivors or one.processes_left]
    lost = [one for one in samples if one.tests_begun and not (one.has_report and one.has_trace)]
    return 1 if bad or lost else 0


async def warm_up(platform: BellrockProcess) -> None:
    """One run that installs the dependencies, so that rounds meet the suite and not npm."""
    session_id = await start_session(platform, "cancel")
    await when_running(platform, session_id)
    while True:
        await asyncio.sleep(0.5)
        rows = (await platform.client.get(f"/v2/check-sessions/{session_id}")).json()["results"]
        if ((rows[-1].get("progress") or {}).get("tests") or {}).get("running"):
            break
    await platform.client.post(f"/v1/check-sessions/{session_id}/cancel", json={})
    await platform.client.get(f"/v2/check-sessions/{session_id}/completion?maxWaitSeconds=20")


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50, help="cancels to measure")
    parser.add_argument("--bare-rounds", type=int, default=20, help="baseline measurements")
    parser.add_argument("--at-once", type=int, default=1, help="runs cancelled at the same time")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
