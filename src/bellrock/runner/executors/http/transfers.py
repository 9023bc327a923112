"""All transfers of a runner in one thread, by libcurl's multi interface.

A thread of its own keeps the times honest: what the event loop is busy with does not show in them. One
multi handle for all reads the authorities' certificates once, not once per request.
"""

import asyncio
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pycurl
import structlog

log = structlog.get_logger(__name__)

_MS_TO_S = 1_000
_CLOSE_WAIT_S = 5.0
_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
_MOST_IDLE_HANDLES = 64
_TOLD_TOGETHER_S = 0.01  # what ended waits for others so long: a loop that sleeps is woken once for all


@dataclass(slots=True, eq=False)
class _Transfer:
    curl: pycurl.Curl
    done: "asyncio.Future[pycurl.error | None]"
    is_dropped: bool = field(default=False)


class Transfers:
    """Carries out prepared libcurl handles. Belongs to the event loop that it was made in; `close` it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._orders: deque[_Transfer] = deque()
        self._idle: list[pycurl.Curl] = []
        self._closing = False
        self._sleeps = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)
        self._thread.start()

    async def perform(
        self,
        prepare: Callable[[pycurl.Curl], None],
        conclude: Callable[[pycurl.Curl, pycurl.error | None], None],
    ) -> None:
        """One transfer on a handle without any options: ``prepare`` sets them, ``conclude`` reads results.

        It must have a timeout among its options. A caller that is cancelled ends the transfer.
        """
        if self._closing:
            raise RuntimeError("the transfers were closed")
        curl = self._idle.pop() if self._idle else pycurl.Curl()
        prepare(curl)
        transfer = _Transfer(curl, self._loop.create_future())
        self._order(transfer)
        try:
            error = await transfer.done
        except asyncio.CancelledError:
            transfer.is_dropped = True
            self._order(transfer)
            raise
        conclude(curl, error)
        curl.reset()
        if len(self._idle) < _MOST_IDLE_HANDLES:
            self._idle.append(curl)

    def close(self) -> None:
        """End the thread, and with it what is still under way."""
        if self._thread.is_alive() and not self._closing:
            self._closing = True
            os.eventfd_write(self._wake, 1)
        self._thread.join(_CLOSE_WAIT_S)

    def _order(self, transfer: _Transfer) -> None:
        self._orders.append(transfer)
        if self._sleeps:
            self._sleeps = False
            os.eventfd_write(self._wake, 1)

    # --- in the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        work = _Work(self._wake)
        try:
            while not self._closing:
                while self._orders:
                    work.take(self._orders.popleft())
                self._sleeps = True
                # Whoever ordered before this line is seen here, whoever does later writes to `_wake`.
                events = work.wait(at_once=bool(self._orders))
                self._sleeps = False
                work.go_on(events)
                if ended := work.to_tell():
                    self._tell(ended)
        except Exception:
            # A defect must not leave callers waiting: each gets an error, and so will those that come.
            log.exception("transfers.failed")
            self._closing = True
        finally:
            self._sleeps = False
            left = [*work.transfers.values(), *self._orders]
            broken = pycurl.error(pycurl.E_FAILED_INIT, "the transfers were ended")
            self._tell([*work.ended, *((each, broken) for each in left)])
            work.close()
            os.close(self._wake)

    def _tell(self, ended: list[tuple[_Transfer, pycurl.error | None]]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(_deliver, ended)


def _deliver(ended: list[tuple[_Transfer, pycurl.error | None]]) -> None:
    for transfer, error in ended:
        if not transfer.done.done():
            transfer.done.set_result(error)


class _Work:
    """What the thread has: the multi handle, and the sockets and the timer that libcurl wants watched."""

    def __init__(self, wake: int) -> None:
        self.transfers: dict[pycurl.Curl, _Transfer] = {}
        self._wake = wake
        self._poll = select.epoll()
        self._poll.register(wake, select.EPOLLIN)
        self._due: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._watched: set[int] = set()
        self.ended: list[tuple[_Transfer, pycurl.error | None]] = []
        self._tell_by = 0.0

    def take(self, transfer: _Transfer) -> None:
        """Begin the transfer, or end it where nobody waits for it any more."""
        if not transfer.is_dropped:
            self.transfers[transfer.curl] = transfer
            self._multi.add_handle(transfer.curl)
        elif self.transfers.pop(transfer.curl, None):
            self._multi.remove_handle(transfer.curl)
            transfer.curl.close()

    def wait(self, *, at_once: bool) -> list[tuple[int, int]]:
        """Sockets that are ready, after the next thing that happens; at the latest at libcurl's timer."""
        if at_once:
            return self._poll.poll(0)
        moments = [] if self._due is None else [self._due]
        if self.ended:
            moments.append(self._tell_by)
        return self._poll.poll(max(0.0, min(moments) - time.monotonic()) if moments else None)

    def to_tell(self) -> list[tuple[_Transfer, pycurl.error | None]]:
        """The transfers that ended, with their errors: once some wait for a while, or none goes on."""
        if self.ended and (not self.transfers or self._tell_by <= time.monotonic()):
            ended, self.ended = self.ended, []
            return ended
        return []

    def go_on(self, events: list[tuple[int, int]]) -> None:
        """Let libcurl do what it can do now."""
        for number, event in events:
            if number == self._wake:
                os.eventfd_read(number)
                continue
            ready = pycurl.CSELECT_IN if event & _READABLE else 0
            ready |= pycurl.CSELECT_OUT if event & select.EPOLLOUT else 0
            self._multi.socket_action(number, ready)
        if self._due is not None and self._due <= time.monotonic():
            self._due = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._note_ended()

    def close(self) -> None:
        """Give everything back."""
        for curl in self.transfers:
            self._multi.remove_handle(curl)
        self._multi.close()
        self._poll.close()

    def _note_ended(self) -> None:
        more = 1
        while more:
            more, fine, failed = self._multi.info_read()
            results = [(curl, None) for curl in fine]
            errors = [(curl, pycurl.error(number, text)) for curl, number, text in failed]
            for curl, error in (*results, *errors):
                self._multi.remove_handle(curl)
                if not self.ended:
                    self._tell_by = time.monotonic() + _TOLD_TOGETHER_S
                self.ended.append((self.transfers.pop(curl), error))

    def _watch(self, what: int, number: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._watched.discard(number)
            with suppress(OSError):  # closed already: the kernel has forgotten it
                self._poll.unregister(number)
            return
        mask = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (
            select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        )
        if number in self._watched:
            with suppress(FileNotFoundError):
                self._poll.modify(number, mask)
                return
        self._watched.add(number)
        self._poll.register(number, mask)

    def _set_timer(self, wait_ms: int) -> None:
        self._due = None if wait_ms < 0 else time.monotonic() + wait_ms / _MS_TO_S
