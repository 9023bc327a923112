"""One running process tree: its end, its cancel, and the proof that nobody is left."""

import asyncio
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import CgroupMeans, RunCgroup, find_means
from bellrock.runner.supervisor.containers import Container, PidNamespace
from bellrock.runner.supervisor.errors import LaunchFailed
from bellrock.runner.supervisor.isolation import Isolation, Mechanism
from bellrock.runner.supervisor.ladder import Ladder, StepListener
from bellrock.runner.supervisor.outcome import CancelTrace, Exit, ExitCause
from bellrock.runner.supervisor.output import OutputPump
from bellrock.runner.supervisor.ownership import hand_over, lock_up
from bellrock.runner.supervisor.pidfds import HeldProcess
from bellrock.runner.supervisor.records import TreeRecord, start_of, write_record
from bellrock.runner.supervisor.spec import ProcessSpec
from bellrock.runner.supervisor.starting import Started, start_to_gate
from bellrock.runner.supervisor.users import RunUser, lease_user
from bellrock.runner.supervisor.watch import UsageWatch

# The helper that saw the main process end needs a moment to pass its exit code on.
_EXIT_CODE_WAIT_S = 0.5
_EMPTY_WAIT_S = 10.0
_LAST_OUTPUT_WAIT_S = 5.0

# What harms the machine is killed at once; otherwise the suite may still write its reports.
_POLITE_CAUSES = frozenset({ExitCause.CANCELLED, ExitCause.TIMED_OUT, ExitCause.OUTPUT_LIMIT})

log = structlog.get_logger(__name__)


class SuiteProcess:
    """A process tree in its own container. Made by ``launch``."""

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        started: Started,
        main: HeldProcess,
        container: Container,
        cgroup: RunCgroup,
        user: RunUser,
        isolation: Isolation,
    ) -> None:
        self._spec = spec
        self._started = started
        self._main = main
        self._container = container
        self._cgroup = cgroup
        self._user = user
        self._isolation = isolation
        self._record = self._write_record()
        self._stopped_for: tuple[ExitCause, str | None] = (ExitCause.CANCELLED, None)
        self._ladder: Ladder | None = None
        self._climb: asyncio.Task[None] | None = None
        self._pump = OutputPump(
            spec.on_output, limit_bytes=spec.limits.output_bytes, on_limit=self._too_much_output
        )
        self._watch = UsageWatch(spec.limits, cgroup, container=container, folders=spec.writable)
        self._end = asyncio.create_task(self._follow())

    @property
    def main_pid(self) -> int:
        """The main process, as the host numbers it."""
        return self._main.pid

    def count_processes(self) -> int:
        """How many processes the tree has now (0 when it is gone)."""
        return 0 if self._end.done() else len(self._container.members())

    async def wait(self) -> Exit:
        """The end of the whole tree. May be awaited any number of times, by anyone."""
        return await asyncio.shield(self._end)

    async def cancel(self, *, graceful: bool = True, on_step: StepListener | None = None) -> CancelTrace:
        """Stop the tree; returns when it is gone. All callers share one attempt.

        ``graceful=False`` kills the namespace at once, also when a ladder is under way.
        ``on_step`` is told each step when it is taken; it must not block. A caller that is itself
        cancelled does not stop the attempt.
        """
        ladder = self._stop(ExitCause.CANCELLED, None, graceful=graceful, on_step=on_step)
        end = await self.wait()
        return CancelTrace(
            received_at=ladder.received_at,
            steps=tuple(ladder.steps),
            main_gone_at=end.at,
            last_process_gone_at=end.last_process_gone_at,
            processes_left=end.processes_left,
            proof=end.proof,
            already_exited=ladder.already_exited,
        )

    def _stop(
        self, cause: ExitCause, detail: str | None, *, graceful: bool, on_step: StepListener | None = None
    ) -> Ladder:
        """Begin to stop the tree, or join the stop that is under way. The first cause stands."""
        graceful = graceful and self._spec.main_understands_sigint
        ladder = self._ladder
        if ladder is None:
            ladder = self._ladder = Ladder(self._main, self._container, self._spec.ladder)
            if on_step is not None:
                ladder.listeners.append(on_step)
            self._stopped_for = (cause, detail)
            log.info("tree.stopping", tree=self._spec.name, cause=cause, graceful=graceful)
            self._climb = asyncio.create_task(ladder.climb())
        elif on_step is not None:
            ladder.listeners.append(on_step)
        if not graceful:
            ladder.hurry()
        return ladder

    def _too_much_output(self) -> None:
        limit = self._spec.limits.output_bytes
        self._breached(ExitCause.OUTPUT_LIMIT, f"The run may print {limit} bytes and printed more.")

    def _breached(self, cause: ExitCause, detail: str) -> None:
        self._stop(cause, detail, graceful=cause in _POLITE_CAUSES)

    def _time_is_up(self) -> None:
        limit = self._spec.limits.timeout_s
        self._breached(ExitCause.TIMED_OUT, f"The run may take {limit:g} s and was not finished by then.")

    async def _follow(self) -> Exit:
        """From the opened gate to the proof that nobody is left."""
        try:
            await self._run()
            return await self._empty()
        finally:
            # Also where this task is cancelled with the event loop, or fails: nobody may stay.
            self._container.kill()

    async def _run(self) -> None:
        """Until the main process is gone."""
        self._pump.start(self._started.stdout, self._started.stderr)
        await self._started.open_gate(self._spec)
        loop = asyncio.get_running_loop()
        limits = self._spec.limits
        timer = loop.call_later(limits.timeout_s, self._time_is_up) if limits.timeout_s else None
        watch = asyncio.create_task(self._watch.run(self._breached))
        try:
            # Has no deadline of its own: `timeout_s` and the ladder end it.
            await self._main.exited.wait()
        finally:
            if timer is not None:
                timer.cancel()
            watch.cancel()

    async def _empty(self) -> Exit:
        """Kill who outlived the main process, and establish that nobody is left."""
        survivors = len(self._container.members())
        if self._climb is not None and self._ladder is not None:
            await self._climb
            self._ladder.note_survivors(survivors)
        await self._started.outer_held.wait(_EXIT_CODE_WAIT_S)
        self._container.kill()
        emptied = await self._container.emptied(_EMPTY_WAIT_S)
        gone_at = datetime.now(UTC)
        await self._started.outer_held.wait(_EXIT_CODE_WAIT_S)
        self._started.outer.poll()
        await self._pump.finish(_LAST_OUTPUT_WAIT_S)
        return await self._conclude(gone_at if emptied else None, survivors=survivors)

    async def _conclude(self, gone_at: datetime | None, *, survivors: int) -> Exit:
        cause, detail = self._why()
        left, proof = self._container.proof()
        code, signal_number = self._container.exit_of_main(self._started.outer)
        if self._ladder is not None and self._ladder.killed_main:
            code, signal_number = 128 + signal.SIGKILL, int(signal.SIGKILL)
        end = Exit(
            code=code,
            signal=signal_number,
            cause=cause,
            at=self._main.exited_at or datetime.now(UTC),
            last_process_gone_at=gone_at if left == 0 else None,
            processes_left=left,
            processes_after_main=survivors,
            proof=proof,
            peak_memory_bytes=self._watch.peak_memory_bytes,
            output_bytes=self._pump.bytes_read,
            detail=detail,
        )
        await self._release(end)
        return end

    def _write_record(self) -> Path | None:
        """Before the gate opens: no process of the suite exists without a record."""
        if self._isolation.state_folder is None:
            return None
        keeper, main = self._container.keeper.pid, self._main.pid
        record = TreeRecord(
            name=self._spec.name,
            mechanism=self._isolation.name,
            boot=procfs.boot_id(),
            keeper=keeper,
            keeper_started=start_of(keeper),
            main=main,
            main_started=start_of(main),
            namespace=self._container.namespace if isinstance(self._container, PidNamespace) else None,
            user=self._user.number if self._user.lock is not None else None,
            cgroups=tuple(str(folder) for folder in self._cgroup.folders),
        )
        return write_record(self._isolation.state_folder, record)

    def _why(self) -> tuple[ExitCause, str | None]:
        if self._ladder is not None and not self._ladder.already_exited:
            return self._stopped_for
        return self._watch.ask_kernel() or (ExitCause.FINISHED, None)

    async def _release(self, end: Exit) -> None:
        self._started.close()
        await self._cgroup.remove()
        if self._user.lock is not None and not self._isolation.hides_files:
            for folder in self._spec.writable:
                lock_up(folder)
        self._user.release()
        if self._record is not None and end.processes_left == 0:
            self._record.unlink(missing_ok=True)
        log.info("tree.ended", tree=self._spec.name, cause=end.cause, code=end.code, left=end.processes_left)


async def launch(spec: ProcessSpec, isolation: Isolation) -> SuiteProcess:
    """Start a tree. Must run in the main thread: a parent's death is told per thread.

    Raises InvalidSpec or LaunchFailed (the sandbox could not be set up; the message has why). A
    program that is not found is not an error here: the tree ends with code 127, as in a shell.
    """
    if threading.current_thread() is not threading.main_thread():
        raise LaunchFailed("process trees can be started from the main thread only")
    user = lease_user()
    means = find_means()
    if not isolation.control_groups:
        kills = isolation.mechanism is Mechanism.CGROUP
        means = CgroupMeans(unified=means.unified if kills else None)
    cgroup = RunCgroup(spec.name, means, spec.limits)
    try:
        if user.lock is not None:
            for folder in spec.writable:
                await asyncio.to_thread(hand_over, folder, user.number)
        cgroup.create()
        started = await start_to_gate(spec, isolation.mechanism, user=user.number, cgroup=cgroup)
    except BaseException as error:
        user.release()
        await cgroup.remove()
        if isinstance(error, OSError):
            raise LaunchFailed(f"the run's folders or groups could not be prepared: {error}") from error
        raise
    main, container = started.main, started.container
    assert main is not None  # noqa: S101 - start_to_gate ends with both or raises
    assert container is not None  # noqa: S101
    return SuiteProcess(
        spec, started=started, main=main, container=container, cgroup=cgroup, user=user, isolation=isolation
    )
