"""From a specification to a main process that stands at the gate, contained and limited."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import RunCgroup
from bellrock.runner.supervisor.containers import Container, PidNamespace, ProcessGroup, Shepherded
from bellrock.runner.supervisor.errors import LaunchFailed
from bellrock.runner.supervisor.gate import gate_command, gate_input, new_token
from bellrock.runner.supervisor.isolation import Mechanism
from bellrock.runner.supervisor.pidfds import HeldProcess
from bellrock.runner.supervisor.plans import Plan, make_plan
from bellrock.runner.supervisor.spec import ProcessSpec
from bellrock.runner.supervisor.tools import HELPER_ENVIRONMENT, limits_prefix

_READY_TIMEOUT_S = 15.0
_PIPE_BYTES = 1024**2
_READER_LIMIT_BYTES = 64 * 1024
# The kernel, when short of memory, takes a suite rather than the runner or its neighbours.
_OUT_OF_MEMORY_SCORE = "500"
_ROOM_FOR_OTHER_RUNS = 4
# Where no control group can say so: when the machine is busy, what stops a run goes before the run.
_NICE = 5


@dataclass(slots=True)
class Started:
    """A tree whose main process waits at the gate."""

    outer: subprocess.Popen[bytes]
    outer_held: HeldProcess
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    token: str
    transports: list[asyncio.BaseTransport] = field(default_factory=list)
    container: Container | None = None
    main: HeldProcess | None = None

    async def open_gate(self, spec: ProcessSpec) -> None:
        """Send the environment: from here on the suite runs."""
        self.stdin.write(gate_input(self.token, spec.environment))
        with contextlib.suppress(ConnectionError):  # killed this very moment: its end tells
            await self.stdin.drain()
        self.stdin.close()

    def close(self) -> None:
        """Release every descriptor."""
        self.stdin.close()
        for transport in self.transports:
            transport.close()
        self.outer_held.close()
        if self.main is not None:
            self.main.close()
        if self.container is not None:
            self.container.keeper.close()


def _have_children_hear_interrupts() -> None:
    """Undo for our children what they would inherit where we were started with SIGINT ignored (nohup, `&`).

    Node sets a handler of its own in any case, Python does not where the signal is ignored, and a shell
    cannot. A handler that does nothing ignores it here just the same, and is gone with `exec`.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)


async def start_to_gate(spec: ProcessSpec, mechanism: Mechanism, *, user: int, cgroup: RunCgroup) -> Started:
    """Start the container and wait until the main process stands at the gate.

    Raises LaunchFailed with what the helpers wrote; then nothing is left running.
    """
    _have_children_hear_interrupts()
    token = new_token()
    most = None if cgroup.limits_processes else _tasks_of_user(spec, mechanism, user=user)
    inner = [*limits_prefix(spec.limits, tasks_of_user=most), *gate_command(token, spec.argv)]
    plan = make_plan(mechanism, spec, inner, user=user, cgroup=cgroup)
    try:
        started = await _spawn(plan, token)
    except OSError as error:
        plan.close()
        raise LaunchFailed(f"{plan.command[0]} could not be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            started.main = await _identify(started, plan, mechanism, cgroup=cgroup)
        cgroup.add(started.main.pid)  # it stands still at the gate, so nobody escapes
        with contextlib.suppress(OSError):
            Path(f"/proc/{started.main.pid}/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE)
        if not cgroup.limits_cpu:
            _step_back(started.main.pid)
    except BaseException as error:
        said = await _abandon(started)
        plan.close()
        if isinstance(error, TimeoutError | LaunchFailed | OSError | ValueError):
            raise LaunchFailed(f"the {mechanism} sandbox could not be set up: {said or error}") from error
        raise
    return started


def _step_back(pid: int) -> None:
    """Lower a process's priority, and that of its session, which the kernel may weigh as one (autogroup)."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))


def _tasks_of_user(spec: ProcessSpec, mechanism: Mechanism, *, user: int) -> int | None:
    """The kernel's bound on a fork bomb where no control group can be written.

    It counts all tasks of a user. A user of the run's own has no others. Else the bound only keeps
    the machine usable until the watch sees that the run is above its own limit: the kernel counts
    each user namespace apart, but a shepherd has none, and then other runs count as well.
    """
    limit = spec.limits.processes
    if limit is None or user != os.geteuid():
        return limit
    present = sum(it.threads for it in procfs.snapshot().values() if procfs.user_of(it.pid) == user)
    apart = mechanism in (Mechanism.BUBBLEWRAP, Mechanism.UNSHARE)
    return present + limit * (1 if apart else _ROOM_FOR_OTHER_RUNS)


async def _spawn(plan: Plan, token: str) -> Started:
    stdin, stdin_end = os.pipe()
    stdout_end, stdout = os.pipe()
    stderr_end, stderr = os.pipe()
    plan.theirs += [stdin, stdout, stderr]
    for descriptor in (stdout, stderr):
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    try:
        # Its own session: Ctrl+C in the runner's terminal must not reach it.
        outer = subprocess.Popen(  # noqa: ASYNC220 - the parent death signal belongs to this very thread
            plan.command,
            cwd=plan.cwd,
            env=HELPER_ENVIRONMENT,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[descriptor for descriptor in plan.theirs if descriptor not in (stdin, stdout, stderr)],
            start_new_session=True,
        )
    except OSError:
        for descriptor in (stdin_end, stdout_end, stderr_end):
            os.close(descriptor)
        raise
    plan.close_theirs()
    held = HeldProcess(outer.pid)
    ends = [stdin_end, stdout_end, stderr_end]
    opened: list[asyncio.BaseTransport] = []
    try:
        writer = await _writer(ends.pop(0))
        opened.append(writer.transport)
        out, transport = await _reader(ends.pop(0))
        opened.append(transport)
        err, transport = await _reader(ends.pop(0))
        opened.append(transport)
    except BaseException:
        # Cancelled between the start and the first word: nobody else knows this process yet.
        for descriptor in ends:
            os.close(descriptor)
        for transport in opened:
            transport.close()
        held.send(signal.SIGKILL)
        await asyncio.shield(held.wait(_READY_TIMEOUT_S))
        outer.poll()
        held.close()
        raise
    return Started(outer, held, writer, out, err, token, transports=opened[1:])


async def _identify(started: Started, plan: Plan, mechanism: Mechanism, *, cgroup: RunCgroup) -> HeldProcess:
    """Find the container's first process and the main one; hold both."""
    root = started.outer.pid
    if mechanism is Mechanism.BUBBLEWRAP:
        root = await _init_pid(plan)
        started.container = PidNamespace(root, _namespace_of(root))
    line = await started.stdout.readline()
    if line.decode(errors="replace").strip() != started.token:
        raise LaunchFailed("it ended before the suite could start")
    if mechanism is Mechanism.UNSHARE:
        root = _only_child(root)
        started.container = PidNamespace(root, _namespace_of(root))
    elif mechanism in (Mechanism.SHEPHERD, Mechanism.CGROUP):
        killer = cgroup if mechanism is Mechanism.CGROUP else None
        started.container = Shepherded(root, control=plan.control, status=plan.status, cgroup=killer)
        plan.control = plan.status = -1  # the container's now
    elif mechanism is Mechanism.PROCESS_GROUP:
        started.container = ProcessGroup(root)
        return HeldProcess(root)
    return HeldProcess(_only_child(root))


async def _init_pid(plan: Plan) -> int:
    """Bubblewrap writes this in pieces, so it is read to its end."""
    reader, transport = await _reader(plan.info)
    plan.info = -1
    try:
        told = await reader.read()
    finally:
        transport.close()
    if not told:
        raise LaunchFailed("it ended before its namespace was made")
    return int(json.loads(told)["child-pid"])


def _only_child(parent: int) -> int:
    children = [process.pid for process in procfs.snapshot().values() if process.parent == parent]
    if len(children) != 1:
        raise LaunchFailed(f"expected one process below its first one, found {len(children)}")
    return children[0]


def _namespace_of(pid: int) -> int:
    namespace = procfs.pid_namespace(pid)
    if namespace is None or namespace == procfs.pid_namespace("self"):
        raise LaunchFailed("it has no PID namespace of its own")
    return namespace


async def _abandon(started: Started) -> str:
    """Kill what was begun; what the helpers wrote on stderr, for the message."""
    if started.container is not None:
        started.container.kill()
    started.outer_held.send(signal.SIGKILL)
    started.stdin.close()
    await started.outer_held.wait(_READY_TIMEOUT_S)
    started.outer.poll()
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            said = await started.stderr.read(4_096)
    started.close()
    return said.decode(errors="replace").strip()


async def _reader(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader(limit=_READER_LIMIT_BYTES)
    pipe: BinaryIO = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    return reader, transport


async def _writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    pipe: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop=loop), pipe
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)
