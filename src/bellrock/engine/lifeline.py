"""How a child process is made to die with the process that started it, even by kill -9."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> Callable[[], None]:
    """A ``preexec_fn``: the kernel kills the child when the *thread* that started it ends.

    So children must be started from a thread that lives as long as they shall: the main thread.
    Linux only; elsewhere it does nothing.
    """
    parent = os.getpid()
    prctl = getattr(_LIBC, "prctl", None)

    def prepare() -> None:
        if prctl is None:
            return
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between fork and prctl, so no signal will come
            os._exit(1)

    return prepare


def ignore_terminal_interrupts() -> Callable[[], None]:
    """Like `die_with_parent`, and in a session of its own: Ctrl+C is the parent's to handle."""
    inner = die_with_parent()

    def prepare() -> None:
        os.setsid()
        inner()

    return prepare
