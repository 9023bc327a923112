"""Ctrl+C as a person means it: the first asks, the second leaves.

Terminals, npx and shells may deliver one Ctrl+C twice: signals closer than 100 ms are one.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SAME_PRESS_S = 0.1


class Interrupts:
    """Counts presses. ``first`` and ``second`` can be awaited."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._clock = clock
        self._last_s: float | None = None

    def press(self) -> None:
        """One SIGINT arrived."""
        now_s = self._clock()
        is_echo = self._last_s is not None and now_s - self._last_s < SAME_PRESS_S
        self._last_s = now_s
        if is_echo:
            return
        if self.first.is_set():
            self.second.set()
        self.first.set()


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Take SIGINT over for the block; Python's own way of handling it comes back afterwards."""
    loop = asyncio.get_running_loop()
    presses = Interrupts(loop.time)
    loop.add_signal_handler(signal.SIGINT, presses.press)
    try:
        yield presses
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        # The loop leaves SIG_DFL behind; without this a late Ctrl+C would kill without a traceback
        # handler, and `finally` blocks would not run.
        signal.signal(signal.SIGINT, signal.default_int_handler)
