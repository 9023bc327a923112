"""One process held by a file descriptor: no reused pid can be hit, and its end wakes the loop."""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Iterable
from datetime import UTC, datetime

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.procfs import ProcessInfo


class HeldProcess:
    """A process, its end and a safe way to signal it. Must be made inside a running event loop."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.exited = asyncio.Event()
        self.exited_at: datetime | None = None
        self._descriptor = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._note_exit)

    def has_exited(self) -> bool:
        """Whether it is dead (reaped or not). Asks the kernel, not the event loop."""
        if self.exited_at is None and self._is_readable():
            self._note_exit()
        return self.exited_at is not None

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; False where the process was dead before."""
        if self.has_exited():
            return False
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            return False
        return True

    async def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False when the time is over first."""
        if not self.has_exited():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.exited.wait(), timeout_s)
        return self.has_exited()

    def close(self) -> None:
        """Let go. The object keeps what it knows."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_readable(self) -> bool:
        if self._descriptor < 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def _note_exit(self) -> None:
        if self.exited_at is None:
            self.exited_at = datetime.now(UTC)
            self._loop.remove_reader(self._descriptor)
            self.exited.set()


def signal_each(processes: Iterable[ProcessInfo], number: signal.Signals) -> int:
    """Signal processes that were seen before; one whose pid was reused since is left alone."""
    reached = 0
    for process in processes:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
            try:
                now = procfs.read_process(process.pid)
                if now is not None and now.started == process.started:
                    signal.pidfd_send_signal(descriptor, number)
                    reached += 1
            finally:
                os.close(descriptor)
    return reached
