"""The cancel ladder: from a polite interrupt to the end of the namespace, in bounded time.

SIGTERM is never sent: Playwright does not handle it and would lose its reports and leave orphans.
Each step exists for something that keeps the step before it from working: a worker that waits for
a blocked page, a main process that waits for a stuck worker, a slow teardown.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from bellrock.domain.receipts import CancelAction, CancelStep
from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.containers import Container
from bellrock.runner.supervisor.pidfds import HeldProcess, signal_each
from bellrock.runner.supervisor.spec import LadderTimes

StepListener = Callable[[CancelStep], None]


class Ladder:
    """One stop of one tree. Climbed once."""

    def __init__(self, main: HeldProcess, container: Container, times: LadderTimes) -> None:
        self.received_at = datetime.now(UTC)
        self.steps: list[CancelStep] = []
        self.listeners: list[StepListener] = []
        self.already_exited = main.has_exited()
        self.killed_main = False
        self._main = main
        self._container = container
        self._times = times
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Skip what is left of the polite steps."""
        self._hurry.set()

    async def climb(self) -> None:
        """Take step after step until the main process is gone; at the latest the namespace is killed."""
        for take, wait_s in (
            (self._interrupt, self._times.interrupt_s),
            (self._kill_browsers, self._times.browsers_s),
            (self._kill_workers, self._times.workers_s),
            (self._interrupt_again, self._times.interrupt_again_s),
        ):
            if self._gone_untouched() or self._hurry.is_set():
                break
            take()
            if await self._main_gone_within(wait_s):
                return
        if not self._gone_untouched():
            members = len(self._container.members())
            self.killed_main = not self._main.has_exited()
            self._container.kill()
            self._note(CancelAction.KILL_NAMESPACE, "SIGKILL", processes=members)

    def note_survivors(self, count: int) -> None:
        """The main process went, others did not, so the namespace is killed for their sake."""
        killed = self.steps and self.steps[-1].action is CancelAction.KILL_NAMESPACE
        if count and self.steps and not killed:
            self._note(CancelAction.KILL_NAMESPACE, "SIGKILL", processes=count)

    def _gone_untouched(self) -> bool:
        """The last look before the first signal: a verdict that was reached before it stands."""
        if not self.steps and self._main.has_exited():
            self.already_exited = True
        return self.already_exited

    def _interrupt(self) -> None:
        members = len(self._container.members())
        if self._gone_untouched() or not self._main.send(signal.SIGINT):
            self.already_exited = True
            return
        self._note(CancelAction.INTERRUPT_MAIN, "SIGINT", processes=members)

    def _kill_browsers(self) -> None:
        members = self._container.members()
        browsers = [process for process in members.values() if procfs.is_browser(process)]
        signal_each((process for process in browsers if process.pid != self._main.pid), signal.SIGKILL)
        self._note(CancelAction.KILL_BROWSERS, "SIGKILL", processes=len(members))

    def _kill_workers(self) -> None:
        members = self._container.members()
        others = [process for pid, process in members.items() if pid != self._main.pid]
        signal_each(others, signal.SIGKILL)
        self._note(CancelAction.KILL_WORKERS, "SIGKILL", processes=len(members))

    def _interrupt_again(self) -> None:
        members = len(self._container.members())
        if self._main.send(signal.SIGINT):
            self._note(CancelAction.INTERRUPT_MAIN_AGAIN, "SIGINT", processes=members)

    async def _main_gone_within(self, wait_s: float) -> bool:
        """Wait for the main process, the next step's time, or somebody in a hurry."""
        left = self._began + self._times.hard_stop_s - self._clock()
        waits = [asyncio.ensure_future(event.wait()) for event in (self._main.exited, self._hurry)]
        try:
            await asyncio.wait(
                waits, timeout=max(0.0, min(wait_s, left)), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait
        return self._main.has_exited()

    def _note(self, action: CancelAction, sent: str, *, processes: int) -> None:
        offset_ms = round((self._clock() - self._began) * 1000)
        step = CancelStep(action, sent, datetime.now(UTC), offset_ms, processes)
        self.steps.append(step)
        for listener in self.listeners:
            listener(step)
