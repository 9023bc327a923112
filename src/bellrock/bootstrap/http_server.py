"""How the control plane listens: on a port that is taken first, so that a busy one is found at once."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from bellrock.bootstrap.errors import CannotStart

GRACE_S = 2
_START_S = 20.0


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 means a free one.

    :raises CannotStart: the port is in use, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} of {host} is in use: stop what uses it, or choose another with --port"
        else:
            message = f"cannot listen on {host} port {port}: {error.strerror or error}"
        raise CannotStart(message) from error
    # asyncio sets this on sockets it made itself: without it an answer's body waits 40 ms for its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificate chain and private key, as PEM."""

    certificate: Path
    key: Path


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """How this machine reaches the socket over HTTP."""
    scheme = "https" if tls else "http"
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the whole process decides when to end, not this part."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """The application on a socket."""

    def __init__(self, app: FastAPI, listener: socket.socket, *, tls: TlsFiles | None = None) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=30,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> "asyncio.Task[None]":
        """Serve. The task returned ends only when the server does.

        :raises CannotStart: the application does not start.
        """
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="http")
        async with asyncio.timeout(_START_S):
            while not (self._server.started or self._task.done()):  # noqa: ASYNC110 - uvicorn has no event
                await asyncio.sleep(0.01)
        if self._task.done():
            raise CannotStart("the web application did not start: its log says why")
        return self._task

    async def stop(self) -> None:
        """Finish requests in flight for a short time, then end."""
        if self._task and not self._task.done():
            self._server.should_exit = True
            await asyncio.wait({self._task}, timeout=GRACE_S + 1)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._listener.close()
