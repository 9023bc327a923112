"""The supervisor against suites that obey, that misbehave and that attack, on every mechanism here."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from bellrock.domain.receipts import CancelAction, CancelStep
from bellrock.runner.supervisor import (
    ExitCause,
    Isolation,
    IsolationUnavailable,
    LadderTimes,
    LaunchFailed,
    Mechanism,
    Mount,
    OutputLine,
    OutputSink,
    ProcessLimits,
    ProcessSpec,
    launch,
    probe_isolation,
    procfs,
    sweep_orphans,
)
from bellrock.runner.supervisor.cgroups import find_means
from bellrock.runner.supervisor.records import read_records
from tests.system.supervisor_kit import (
    DEADLINE_S,
    ENVIRONMENT,
    RUNNER,
    Tree,
    groups_of,
    living,
    python_suite,
    start,
    wait_until,
)

pytestmark = [pytest.mark.system, pytest.mark.anyio]

MIB = 1024**2
CONTAINING = [Mechanism.BUBBLEWRAP, Mechanism.UNSHARE, Mechanism.CGROUP, Mechanism.SHEPHERD]
only_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs a runner that is root")


@pytest.fixture(params=CONTAINING, ids=str)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    try:
        return probe_isolation(forced=request.param)
    except IsolationUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def strongest() -> Isolation:
    return probe_isolation()


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own: those are closed to the user that a run gets.
    path = Path(tempfile.mkdtemp(prefix="bellrock-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def actions(steps: tuple[CancelStep, ...]) -> list[CancelAction]:
    return [step.action for step in steps]


async def cancel(tree: Tree, *, graceful: bool = True) -> list[CancelAction]:
    """Cancel, check what must hold for every cancel, and tell the steps."""
    trace = await asyncio.wait_for(tree.process.cancel(graceful=graceful), DEADLINE_S)
    end = await tree.process.wait()
    assert (trace.processes_left, end.cause, trace.already_exited) == (0, ExitCause.CANCELLED, False)
    assert trace.last_process_gone_at is not None
    gone_s = (trace.last_process_gone_at - trace.received_at).total_seconds()
    assert gone_s < tree.spec.ladder.hard_stop_s + 2.0  # a busy machine
    assert tree.process.count_processes() == 0
    assert not groups_of(tree.spec.name)
    return actions(trace.steps)


# ------------------------------------------------------------------------------------ stopping


async def test_an_obedient_suite_is_gone_after_one_interrupt(isolation: Isolation, folder: Path) -> None:
    suite = "process.on('SIGINT', () => process.exit(130)); setInterval(() => 0, 1e6); console.log('ready')"
    tree = await start(("node", "-e", suite), isolation=isolation, folder=folder, until="ready")
    assert await cancel(tree) == [CancelAction.INTERRUPT_MAIN]
    assert (await tree.process.wait()).code == 130


async def test_a_suite_that_ignores_interrupts_is_gone_when_the_ladder_ends(
    isolation: Isolation, folder: Path
) -> None:
    suite = python_suite("signal.signal(signal.SIGINT, signal.SIG_IGN); note('ready'); forever()")
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert await cancel(tree) == list(CancelAction)


async def test_a_busy_loop_is_gone_when_the_ladder_ends(isolation: Isolation, folder: Path) -> None:
    suite = "process.on('SIGINT', () => 0); console.log('ready'); setTimeout(() => { for (;;); }, 1)"
    tree = await start(("node", "-e", suite), isolation=isolation, folder=folder, until="ready")
    assert CancelAction.KILL_NAMESPACE in await cancel(tree)


async def test_a_daemon_in_its_own_session_dies_with_its_run(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
        "        note('ready'); os.closerange(0, 64); forever()\n"
        "    os._exit(0)\n"
        "os.wait(); signal.signal(signal.SIGINT, lambda *_: os._exit(130)); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    # The daemon's first parent may still be about to end.
    assert wait_until(lambda: tree.process.count_processes() == 2)
    assert (await cancel(tree))[0] is CancelAction.INTERRUPT_MAIN


async def test_a_suite_hears_interrupts_where_its_runner_was_started_with_them_ignored(
    isolation: Isolation, folder: Path
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        hears = "signal.getsignal(signal.SIGINT) is signal.default_int_handler"
        suite = python_suite(f"note('ready' if {hears} else 'deaf'); forever()")
        tree = await start(suite, isolation=isolation, folder=folder, until="ready")
        assert await cancel(tree) == [CancelAction.INTERRUPT_MAIN]
    finally:
        signal.signal(signal.SIGINT, before)


async def test_processes_that_revive_each_other_die_with_their_run(
    isolation: Isolation, folder: Path
) -> None:
    # Each watches the other by a pipe and starts it anew, in a new session, when it dies.
    (folder / "pair.py").write_text(
        "import os, signal, sys\n"
        "for name in ('SIGINT', 'SIGTERM', 'SIGHUP'): signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
        "while True:\n"
        "    mine, theirs = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        os.setsid(); os.close(mine); continue\n"
        "    os.close(theirs); os.write(1, b'ready\\n'); os.read(mine, 1)\n"
    )
    suite = python_suite(
        "subprocess.Popen(['/usr/bin/python3', 'pair.py'])\n"
        "signal.signal(signal.SIGINT, lambda *_: os._exit(130)); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    await cancel(tree)


async def test_a_slow_exit_handler_is_cut_by_the_second_interrupt(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "def slow(*_):\n"
        "    signal.signal(signal.SIGINT, lambda *_: os._exit(130)); note('tearing down'); forever()\n"
        "signal.signal(signal.SIGINT, slow); note('ready'); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert await cancel(tree) == [
        CancelAction.INTERRUPT_MAIN,
        CancelAction.KILL_BROWSERS,
        CancelAction.KILL_WORKERS,
        CancelAction.INTERRUPT_MAIN_AGAIN,
    ]
    assert (await tree.process.wait()).code == 130
    assert "tearing down" in tree.printed.text()


async def test_killing_the_browser_frees_a_main_process_that_waits_for_it(
    isolation: Isolation, folder: Path
) -> None:
    shutil.copy("/bin/sleep", folder / "chrome")
    suite = python_suite(
        "browser = subprocess.Popen(['./chrome', '600'], start_new_session=True)\n"
        "signal.signal(signal.SIGINT, lambda *_: (browser.wait(), note('report written'), os._exit(130)))\n"
        "note('ready'); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert await cancel(tree) == [CancelAction.INTERRUPT_MAIN, CancelAction.KILL_BROWSERS]
    assert "report written" in tree.printed.text()


async def test_killing_a_stuck_worker_frees_the_main_process(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "worker = subprocess.Popen(['/usr/bin/python3', '-c', 'while True: pass'], start_new_session=True)\n"
        "signal.signal(signal.SIGINT, lambda *_: (worker.wait(), note('report written'), os._exit(130)))\n"
        "note('ready'); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert (await cancel(tree))[-1] is CancelAction.KILL_WORKERS
    assert "report written" in tree.printed.text()


async def test_a_stop_that_is_not_graceful_kills_at_once(isolation: Isolation, folder: Path) -> None:
    suite = python_suite("note('ready'); forever()")
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert await cancel(tree, graceful=False) == [CancelAction.KILL_NAMESPACE]


async def test_a_main_process_that_knows_no_interrupt_is_killed_at_once(
    isolation: Isolation, folder: Path
) -> None:
    tree = await start(
        ("sh", "-c", "echo ready; sleep 600; echo never"),
        isolation=isolation,
        folder=folder,
        until="ready",
        main_understands_sigint=False,
    )
    assert await cancel(tree) == [CancelAction.KILL_NAMESPACE]


async def test_concurrent_and_repeated_cancels_are_one_cancel(isolation: Isolation, folder: Path) -> None:
    suite = python_suite("signal.signal(signal.SIGINT, lambda *_: os._exit(130)); note('ready'); forever()")
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    heard: list[CancelStep] = []
    first, second = await asyncio.gather(
        tree.process.cancel(on_step=heard.append), tree.process.cancel(on_step=heard.append)
    )
    third = await tree.process.cancel()
    assert first == second == third
    assert actions(first.steps) == [CancelAction.INTERRUPT_MAIN]
    assert heard == [first.steps[0], first.steps[0]]


async def test_a_second_cancel_in_a_hurry_cuts_the_ladder_short(strongest: Isolation, folder: Path) -> None:
    suite = python_suite("signal.signal(signal.SIGINT, lambda *_: note('no')); note('ready'); forever()")
    patient = LadderTimes(interrupt_s=60, hard_stop_s=60)
    tree = await start(suite, isolation=strongest, folder=folder, until="ready", ladder=patient)
    polite = asyncio.create_task(tree.process.cancel())
    await tree.printed.wait_for("no")
    trace = await asyncio.wait_for(tree.process.cancel(graceful=False), DEADLINE_S)
    assert actions(trace.steps) == [CancelAction.INTERRUPT_MAIN, CancelAction.KILL_NAMESPACE]
    assert await polite == trace


async def test_a_caller_that_gives_up_does_not_stop_the_cancel(strongest: Isolation, folder: Path) -> None:
    suite = python_suite("signal.signal(signal.SIGINT, signal.SIG_IGN); note('ready'); forever()")
    tree = await start(suite, isolation=strongest, folder=folder, until="ready")
    caller = asyncio.create_task(tree.process.cancel())
    await asyncio.sleep(0)
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller
    assert (await asyncio.wait_for(tree.process.wait(), DEADLINE_S)).cause is ExitCause.CANCELLED


# -------------------------------------------------------------------------- ends without a cancel


async def test_a_verdict_reached_before_the_signal_stands(isolation: Isolation, folder: Path) -> None:
    tree = await start(("sh", "-c", "exit 3"), isolation=isolation, folder=folder)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    trace = await tree.process.cancel()
    assert trace.already_exited
    assert trace.steps == ()
    assert (end.code, end.cause, (await tree.process.wait()).cause) == (
        3, ExitCause.FINISHED, ExitCause.FINISHED,
    )  # fmt: skip


async def test_a_cancel_that_races_with_the_exit_is_either_a_cancel_or_a_verdict(
    isolation: Isolation, folder: Path
) -> None:
    chance = random.Random(7)
    suite = python_suite(
        "import select; signal.signal(signal.SIGINT, lambda *_: os._exit(130))\n"
        "note('ready'); select.select([], [], [], 0.03); os._exit(0)\n"
    )
    for _ in range(12):
        tree = await start(suite, isolation=isolation, folder=folder, until="ready")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(tree.process.wait(), chance.uniform(0.0, 0.06))
        trace = await asyncio.wait_for(tree.process.cancel(), DEADLINE_S)
        end = await tree.process.wait()
        if trace.already_exited:
            assert (end.cause, end.code, trace.steps) == (ExitCause.FINISHED, 0, ())
        else:
            assert (end.cause, len(trace.steps)) == (ExitCause.CANCELLED, 1)
        assert end.processes_left == 0


async def test_children_that_outlive_the_main_process_are_killed(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid(); signal.signal(signal.SIGINT, signal.SIG_IGN); note('ready'); forever()\n"
        "import select; select.select([], [], [], 0.1); os._exit(4)\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.code, end.cause, end.processes_left) == (4, ExitCause.FINISHED, 0)
    assert end.last_process_gone_at is not None
    assert tree.process.count_processes() == 0


async def test_a_child_that_closed_its_pipes_does_not_hide(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "if os.fork() == 0:\n    os.closerange(0, 64); forever()\nnote('ready'); forever()\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    assert wait_until(lambda: tree.process.count_processes() == 2)
    await cancel(tree)


async def test_a_program_that_does_not_exist_ends_as_in_a_shell(isolation: Isolation, folder: Path) -> None:
    tree = await start(("no-such-program",), isolation=isolation, folder=folder)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert end.code == 127
    assert "no-such-program" in tree.printed.text("stderr")


async def test_death_by_a_signal_is_told_by_the_code(isolation: Isolation, folder: Path) -> None:
    suite = python_suite("os.kill(os.getpid(), signal.SIGKILL)")
    tree = await start(suite, isolation=isolation, folder=folder)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.code, end.cause) == (137, ExitCause.FINISHED)


async def test_many_trees_at_once_keep_apart(isolation: Isolation, folder: Path) -> None:
    suite = python_suite("signal.signal(signal.SIGINT, lambda *_: os._exit(130)); note('ready'); forever()")
    folders = [folder / name for name in "abcd"]
    for path in folders:
        path.mkdir()
    trees = [await start(suite, isolation=isolation, folder=path, until="ready") for path in folders]
    await cancel(trees[0])
    assert [tree.process.count_processes() for tree in trees] == [0, 1, 1, 1]
    await asyncio.gather(*(cancel(tree) for tree in trees[1:]))


# ------------------------------------------------------------------------------ what is reachable


async def test_the_environment_is_what_was_given_and_nothing_else(
    isolation: Isolation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLROCK_SECRET_OF_THE_RUNNER", "nobody may see this")
    given = {**ENVIRONMENT, "QUOTED": 'it\'s "so" $HOME `id` \\', "LINES": "one\n two\n", "EMPTY": ""}
    tree = await start(("env", "-0"), isolation=isolation, folder=folder, environment=given)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    pairs = tree.printed.text().split("\0")
    found = dict(pair.split("=", 1) for pair in pairs if pair)
    # A shell that is not dash adds its own.
    assert {key: value for key, value in found.items() if key not in {"_", "SHLVL", "PWD"}} == given


async def test_no_secret_shows_in_the_process_table(isolation: Isolation, folder: Path) -> None:
    secret = "s3cret-of-the-check"
    tree = await start(
        python_suite("note('ready'); forever()"),
        isolation=isolation,
        folder=folder,
        until="ready",
        environment={**ENVIRONMENT, "PASSWORD": secret},
    )
    shown = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    assert not any(secret.encode() in line for line in shown)
    assert secret not in repr(tree.spec)
    await cancel(tree, graceful=False)


@only_as_root
async def test_a_suite_is_not_root_and_has_no_rights(isolation: Isolation, folder: Path) -> None:
    suite = ("sh", "-c", "id -u; id -G; grep -E 'CapEff|CapPrm|CapBnd|NoNewPrivs' /proc/self/status")
    tree = await start(suite, isolation=isolation, folder=folder)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    uid, groups, *rights = tree.printed.text().split("\n")
    assert int(uid) >= 20_001
    assert groups == uid
    assert [line.split()[1] for line in rights] == ["0" * 16, "0" * 16, "0" * 16, "1"]


@only_as_root
async def test_the_data_folder_and_the_home_of_root_cannot_be_read(
    isolation: Isolation, folder: Path
) -> None:
    data = Path(tempfile.mkdtemp(prefix="bellrock-data-"))
    try:
        (data / "bellrock.db").write_text("the truth")
        suite = ("sh", "-c", f"cat {data}/bellrock.db; ls {data} /root; cat /etc/shadow; echo done")
        tree = await start(suite, isolation=isolation, folder=folder)
        await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
        assert tree.printed.text() == "done"
    finally:
        shutil.rmtree(data)


async def test_only_the_given_folders_exist(strongest: Isolation, folder: Path) -> None:
    if not strongest.hides_files:
        pytest.skip("this machine's isolation hides no files")
    neighbour = Path(tempfile.mkdtemp(prefix="bellrock-test-"))
    neighbour.chmod(0o777)
    try:
        suite = (
            "sh",
            "-c",
            f"ls -A / /tmp {neighbour} /root /home /run /sys /var; touch /x /usr/x /dev/x; ls /",
        )
        tree = await start(suite, isolation=strongest, folder=folder)
        await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
        printed = tree.printed.text()
        assert neighbour.name not in printed
        assert {"root", "home", "run", "sys", "var", "x"}.isdisjoint(printed.split("\n"))
        assert folder.name in printed
    finally:
        neighbour.rmdir()


async def test_proc_shows_only_the_run_itself(isolation: Isolation, folder: Path) -> None:
    if isolation.mechanism not in (Mechanism.BUBBLEWRAP, Mechanism.UNSHARE):
        pytest.skip("has no PID namespace")
    suite = ("sh", "-c", "for folder in /proc/[0-9]*; do cat $folder/comm; done")
    tree = await start(suite, isolation=isolation, folder=folder)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert set(tree.printed.text().split("\n")) <= {"bwrap", "sh", "cat"}


async def test_read_only_and_private_folders_are_what_they_say(isolation: Isolation, folder: Path) -> None:
    store = Path(tempfile.mkdtemp(prefix="bellrock-store-"))
    store.chmod(0o755)
    try:
        (store / "package.json").write_text("{}")
        (store / ".cache").mkdir()
        modules = folder / "node_modules"
        suite = (
            "sh",
            "-c",
            "cat node_modules/*.json; echo; touch node_modules/x || echo kept; touch scratch/x && echo free",
        )
        tree = await start(
            suite,
            isolation=isolation,
            folder=folder,
            read_only=(Mount(store, modules),),
            private=(folder / "scratch",),
        )
        await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
        expected = ["{}", "kept", "free"]
        if os.geteuid() != 0 and not isolation.hides_files:
            expected.remove("kept")  # the same user, and no mount namespace
        assert tree.printed.text().split("\n") == expected
    finally:
        shutil.rmtree(store)


async def test_no_descriptor_of_the_runner_is_inherited(isolation: Isolation, folder: Path) -> None:
    suite = python_suite("note(' '.join(sorted(os.listdir('/proc/self/fd'))))")
    tree = await start(suite, isolation=isolation, folder=folder)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert tree.printed.text() == "0 1 2 3"  # 3 is the listing's own


# --------------------------------------------------------------------------------------- limits


@pytest.fixture(params=[True, False], ids=["by the kernel", "by eye"])
def limiting(request: pytest.FixtureRequest, isolation: Isolation) -> Isolation:
    return probe_isolation(forced=isolation.mechanism, control_groups=request.param)


async def test_a_fork_bomb_is_stopped_and_named(limiting: Isolation, folder: Path) -> None:
    suite = python_suite("while True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n")
    tree = await start(suite, isolation=limiting, folder=folder, limits=ProcessLimits(processes=60))
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.cause, end.processes_left) == (ExitCause.TOO_MANY_PROCESSES, 0)
    assert end.detail is not None
    assert "60 processes" in end.detail


async def test_a_memory_hog_is_stopped_and_named(limiting: Isolation, folder: Path) -> None:
    suite = python_suite(
        "import select; held = []\n"
        "while True:\n    held.append(bytearray(8 * 2**20)); select.select([], [], [], 0.02)\n"
    )
    limits = ProcessLimits(memory_bytes=100 * MIB)
    tree = await start(suite, isolation=limiting, folder=folder, limits=limits)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.cause, end.processes_left) == (ExitCause.OUT_OF_MEMORY, 0)
    assert end.detail is not None
    assert "100 MiB" in end.detail
    assert end.peak_memory_bytes is not None
    assert end.peak_memory_bytes > 90 * MIB


async def test_a_suite_gets_no_more_processors_than_its_limit(isolation: Isolation, folder: Path) -> None:
    if not find_means().limits_cpu:
        pytest.skip("no control group of this machine limits the processor")
    suite = python_suite(
        "import time\n"
        "until = time.monotonic() + 1\n"
        "while time.monotonic() < until: pass\n"
        "note('%.2f' % time.process_time())\n"
    )
    tree = await start(suite, isolation=isolation, folder=folder, limits=ProcessLimits(cpus=0.25))
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert float(tree.printed.text()) < 0.5


async def test_a_suite_comes_after_the_platform_when_the_machine_is_busy(
    limiting: Isolation, folder: Path
) -> None:
    suite = python_suite("note(str(os.nice(0))); note('ready'); forever()")
    tree = await start(suite, isolation=limiting, folder=folder, until="ready")
    shares = [int((group / "cpu.shares").read_text()) for group in _groups_with(tree, "cpu.shares")]
    weights = [int((group / "cpu.weight").read_text()) for group in _groups_with(tree, "cpu.weight")]
    nice = int(tree.printed.text().split("\n")[0])
    await tree.process.cancel()
    behind = [*(share < 1024 for share in shares), *(weight < 100 for weight in weights)]
    assert behind == [True] if limiting.control_groups and find_means().limits_cpu else nice > os.nice(0)


def _groups_with(tree: Tree, setting: str) -> list[Path]:
    return [group for group in groups_of(tree.spec.name) if (group / setting).exists()]


@pytest.mark.parametrize("files", [1, 1000], ids=["one file", "many files"])
async def test_a_suite_that_fills_the_disk_is_stopped_and_named(
    isolation: Isolation, folder: Path, files: int
) -> None:
    suite = python_suite(
        "import select\n"
        f"for number in range(1000):\n"
        f"    name = str(number % {files})\n"
        "    try:\n        open(name, 'ab').write(bytes(2**20))\n"
        "    except OSError:\n        note('refused'); forever()\n"
        "    select.select([], [], [], 0.001)\n"
        "forever()\n"
    )
    limits = ProcessLimits(disk_bytes=30 * MIB)
    tree = await start(suite, isolation=isolation, folder=folder, limits=limits)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.cause, end.processes_left) == (ExitCause.DISK_FULL, 0)
    assert end.detail is not None
    assert "30 MiB" in end.detail


async def test_folders_in_memory_are_bounded(strongest: Isolation, folder: Path) -> None:
    if not strongest.private_tmp:
        pytest.skip("this machine's isolation has no private /tmp")
    suite = (
        "sh",
        "-c",
        "for to in /tmp /dev/shm; do head -c 20000000 /dev/zero > $to/x || wc -c < $to/x; done",
    )
    limits = ProcessLimits(disk_bytes=4 * MIB)
    tree = await start(suite, isolation=strongest, folder=folder, limits=limits)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert tree.printed.text().split() == [str(4 * MIB)] * 2


async def test_too_much_output_stops_the_suite_and_keeps_what_came_first(
    isolation: Isolation, folder: Path
) -> None:
    suite = python_suite(
        "signal.signal(signal.SIGINT, lambda *_: os._exit(130))\n"
        "number = 0\n"
        "while True:\n"
        "    os.write(1, b''.join(b'%09d\\n' % n for n in range(number, number + 1000))); number += 1000\n"
    )
    limits = ProcessLimits(output_bytes=MIB)
    tree = await start(suite, isolation=isolation, folder=folder, limits=limits)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert end.cause is ExitCause.OUTPUT_LIMIT
    assert end.output_bytes > MIB
    lines = tree.printed.text().split("\n")
    assert lines[:2] == ["000000000", "000000001"]
    assert sum(len(line) + 1 for line in lines) in range(MIB, MIB + 2)


async def test_time_runs_out_politely(isolation: Isolation, folder: Path) -> None:
    suite = python_suite(
        "signal.signal(signal.SIGINT, lambda *_: (note('report written'), os._exit(130))); forever()"
    )
    limits = ProcessLimits(timeout_s=0.5)
    tree = await start(suite, isolation=isolation, folder=folder, limits=limits)
    end = await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert (end.cause, end.code, tree.printed.text()) == (ExitCause.TIMED_OUT, 130, "report written")


async def test_open_files_are_bounded_and_nothing_dumps_core(isolation: Isolation, folder: Path) -> None:
    suite = ("sh", "-c", "ulimit -n; ulimit -c")
    limits = ProcessLimits(open_files=300)
    tree = await start(suite, isolation=isolation, folder=folder, limits=limits)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert tree.printed.text() == "300\n0"


# --------------------------------------------------------------------------------------- output


async def test_200_mb_of_output_pass_without_harm(strongest: Isolation, folder: Path) -> None:
    size, seen = 200 * 1000**2, 0

    async def count(lines: Sequence[OutputLine]) -> None:
        nonlocal seen
        seen += sum(len(line.text) + 1 for line in lines)

    line = "a line of a suite that talks a lot, and mostly about itself: " * 4
    command = ("sh", "-c", f"yes '{line}' | head -c {size}")
    process = await launch(output_spec(command, folder, count), strongest)
    end = await asyncio.wait_for(process.wait(), 60)
    assert (end.code, end.output_bytes, end.cause) == (0, size, ExitCause.FINISHED)
    assert size <= seen <= size + 1


async def test_a_sink_that_never_answers_does_not_hold_the_suite(strongest: Isolation, folder: Path) -> None:
    async def stuck(_: object) -> None:
        await asyncio.Event().wait()

    process = await launch(
        output_spec(("sh", "-c", "yes | head -c 30000000; exit 5"), folder, stuck), strongest
    )
    end = await asyncio.wait_for(process.wait(), DEADLINE_S)
    assert (end.code, end.output_bytes) == (5, 30_000_000)


def output_spec(argv: tuple[str, ...], folder: Path, sink: OutputSink) -> ProcessSpec:
    return ProcessSpec(
        name=f"test-{uuid4()}",
        argv=argv,
        cwd=folder,
        environment=ENVIRONMENT,
        writable=(folder,),
        limits=ProcessLimits(output_bytes=None),
        on_output=sink,
    )


async def test_invalid_text_is_replaced_and_the_last_line_needs_no_end(
    isolation: Isolation, folder: Path
) -> None:
    suite = python_suite(
        r"os.write(1, b'a\xff\xfeb\xe2\x82'); os.write(1, b'\xac\r\nlast'); os.write(2, b'e')"
    )
    tree = await start(suite, isolation=isolation, folder=folder)
    await asyncio.wait_for(tree.process.wait(), DEADLINE_S)
    assert tree.printed.text() == "a\ufffd\ufffdb\u20ac\nlast"
    assert tree.printed.text("stderr") == "e"


# ------------------------------------------------------------------------- when the runner dies


def run_a_runner(
    mechanism: Mechanism, folder: Path, state: Path, suite: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], dict[int, int], int]:
    runner = subprocess.Popen(
        [*RUNNER, mechanism, str(folder), str(state), *suite], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert runner.stdout is not None
    told = json.loads(runner.stdout.readline())
    runner.stdout.close()
    return runner, {int(pid): started for pid, started in told["members"].items()}, told["keeper"]


DAEMON_AND_MAIN = python_suite(
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork():\n        os._exit(0)\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN); note('ready'); forever()\n"
    "os.wait(); forever()\n"
)


async def test_nothing_survives_the_sudden_death_of_the_runner(isolation: Isolation, folder: Path) -> None:
    runner, members, keeper = run_a_runner(isolation.mechanism, folder, folder / "state", DAEMON_AND_MAIN)
    assert wait_until(lambda: len(living(members)) == 2)  # who forked the daemon may not be gone yet
    ((_, record),) = read_records(folder / "state")
    assert record is not None
    runner.kill()
    runner.wait(DEADLINE_S)
    dying = (keeper, record.keeper, record.main)
    assert wait_until(lambda: not living(members) and not any(map(procfs.read_process, dying)), 5.0)
    report = await sweep_orphans(folder / "state")
    assert (report.trees, report.left) == ((), 0)
    assert not groups_of(f"test-{folder.name}")


@only_as_root
async def test_a_restarted_runner_sweeps_what_its_former_life_left(folder: Path) -> None:
    isolation = probe_isolation(forced=Mechanism.SHEPHERD)
    runner, members, shepherd = run_a_runner(isolation.mechanism, folder, folder / "state", DAEMON_AND_MAIN)
    assert wait_until(lambda: len(living(members)) == 2)
    # Both at once, as only a machine in trouble would: stopped first, so that neither can react.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        os.kill(shepherd, number)
        os.kill(runner.pid, number)
    runner.wait(DEADLINE_S)
    assert len(living(members)) == 2
    report = await sweep_orphans(folder / "state")
    assert not living(members)
    assert (len(report.trees), report.killed, report.left) == (1, 2, 0)
    assert not list((folder / "state").iterdir())
    assert not groups_of(f"test-{folder.name}")


async def test_a_tree_has_a_record_while_it_lives_and_none_afterwards(
    strongest: Isolation, folder: Path
) -> None:
    isolation = probe_isolation(state_folder=folder / "state")
    tree = await start(
        python_suite("note('ready'); forever()"), isolation=isolation, folder=folder, until="ready"
    )
    assert [path.name for path in (folder / "state").iterdir()] == [f"{tree.spec.name}.tree.json"]
    await cancel(tree, graceful=False)
    assert not list((folder / "state").iterdir())


# -------------------------------------------------------------------------------- what is refused


async def test_a_sandbox_that_cannot_be_set_up_says_why(strongest: Isolation, folder: Path) -> None:
    missing = Mount(folder / "nowhere", Path("/nowhere"))
    with pytest.raises(LaunchFailed, match="nowhere"):
        await start(("true",), isolation=strongest, folder=folder, read_only=(missing,))


async def test_trees_are_started_from_the_main_thread_only(strongest: Isolation, folder: Path) -> None:
    refused: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(start(("true",), isolation=strongest, folder=folder))
        except LaunchFailed as error:
            refused.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join, DEADLINE_S)
    assert [str(error) for error in refused] == ["process trees can be started from the main thread only"]


async def test_a_process_group_is_used_only_by_force_and_proves_nothing(folder: Path) -> None:
    isolation = probe_isolation(forced=Mechanism.PROCESS_GROUP)
    suite = python_suite("signal.signal(signal.SIGINT, lambda *_: os._exit(130)); note('ready'); forever()")
    tree = await start(suite, isolation=isolation, folder=folder, until="ready")
    trace = await asyncio.wait_for(tree.process.cancel(), DEADLINE_S)
    assert trace.proof.startswith("Not proven")


async def test_a_cancelled_launch_leaves_nothing(strongest: Isolation, folder: Path) -> None:
    before = {path.name for path in Path("/proc").glob("[0-9]*")}
    task = asyncio.create_task(start(("sleep", "600"), isolation=strongest, folder=folder))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    def started_since() -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if path.parent.name not in before and str(folder).encode() in path.read_bytes():
                    found.append(path.parent.name)
        return found

    assert wait_until(lambda: not started_since(), 5.0)


# ------------------------------------------------------------------------------- without root


@only_as_root
@pytest.mark.parametrize("mechanism", CONTAINING, ids=str)
def test_the_same_holds_for_a_runner_that_is_not_root(mechanism: Mechanism) -> None:
    """The tests above once more, as nobody, in a Python that nobody may start."""
    of_interest = ("obedient", "daemon", "survives", "environment", "descriptor", "hog", "outlive", "refused")
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    tests = Path(__file__).resolve()
    command = [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        str(python), "-B", "-m", "pytest", str(tests), "-q", "-x", "-p", "no:cacheprovider",
        "-k", f"{mechanism} and ({' or '.join(of_interest)})",
    ]  # fmt: skip
    search = os.pathsep.join([str(tests.parents[2]), str(tests.parents[2] / "src"), packages])
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": search, "HOME": "/tmp"}
    can = subprocess.run(
        [*command[:4], str(python), "-c", "import pytest, structlog, bellrock.runner.supervisor"],
        env=environment,
        capture_output=True,
        check=False,
        timeout=DEADLINE_S,
    )
    if can.returncode != 0:
        pytest.skip("nobody cannot reach this Python's packages")
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=110)
    assert done.returncode in (0, 5), done.stdout.decode()[-4_000:]
