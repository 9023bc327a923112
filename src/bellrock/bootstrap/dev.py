"""`bellrock dev`: everything on one machine, in one process tree that ends as one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from bellrock.bootstrap.control_plane import BusAddress, ControlPlane, serving
from bellrock.bootstrap.data_folder import Credentials, DataFolder, opened
from bellrock.bootstrap.errors import CannotStart
from bellrock.bootstrap.foreground import stop_on_signals
from bellrock.bootstrap.http_server import listen
from bellrock.bootstrap.runner_child import RunnerChild
from bellrock.bootstrap.runner_network import platform_destinations
from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsError, EmbeddedNatsOptions, find_server
from bellrock.engine.nkeys import open_issuer
from bellrock.services.runners import readiness
from bellrock.services.views import Readiness
from bellrock.settings import Settings

log = structlog.get_logger(__name__)

READY_S = 30.0
_POSTGRESQL_PORT = 5432
_RUNNER_MARGIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Started:
    """What a person needs to know of a server that has come up. ``missing``: what does not work yet."""

    url: str
    credentials: Credentials | None
    data_dir: Path
    locations: tuple[str, ...]
    missing: str | None


async def run_dev(settings: Settings, on_started: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT. ``on_started`` is called once, when runs can be started.

    :raises CannotStart: the data folder or the port is in use, or a part does not come up.
    """
    with stop_on_signals() as stop, opened(settings.data_dir) as data:
        listen(settings.host, settings.port).close()  # a busy port, before anything has started
        nats = await _start_nats(settings, data)
        try:
            address = BusAddress(nats.url, nats.user, nats.token)
            async with serving(settings, data, address) as control:
                await _with_runner(
                    settings, data, control=control, bus_at=address, stop=stop, tell=on_started
                )
        finally:
            await nats.stop()
    log.info("dev.stopped")


async def _start_nats(settings: Settings, data: DataFolder) -> EmbeddedNats:
    try:
        nats = EmbeddedNats(
            EmbeddedNatsOptions(
                folder=data.nats,
                program=find_server(settings.nats_server),
                port=settings.nats_port,
                issuer=open_issuer(data.issuer_seed).public,
                start_s=settings.nats_start_s,
            )
        )
        await nats.start()
    except (EmbeddedNatsError, OSError) as error:
        raise CannotStart(str(error)) from error
    return nats


async def _with_runner(
    settings: Settings,
    data: DataFolder,
    *,
    control: ControlPlane,
    bus_at: BusAddress,
    stop: asyncio.Event,
    tell: Callable[[Started], None],
) -> None:
    runner = RunnerChild(_runner_environment(settings, data, bus_at, control.url))
    await runner.start()
    try:
        missing = await _wait_ready(control, stop)
        tell(Started(control.url, control.credentials, data.path, settings.locations, missing))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, control.failed}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if control.failed.done():
            raise CannotStart("a part of the control plane ended: the log says which and why")
    finally:
        log.info("dev.stopping", grace_s=settings.shutdown_grace_s)
        # The runner first: the rest is what it reports to.
        await runner.stop(grace_s=settings.shutdown_s - _RUNNER_MARGIN_S)


async def _wait_ready(control: ControlPlane, stop: asyncio.Event) -> str | None:
    """Wait until everything works. None, or what did not in the time allowed."""
    missing: str | None = "not asked yet"
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_S
    while missing and loop.time() < deadline and not stop.is_set():
        state = await readiness(control.platform)
        missing = None if state.ok else _what_is_missing(state)
        if missing:
            await asyncio.sleep(0.05)
    return missing


def _what_is_missing(state: Readiness) -> str:
    parts = {"the database": state.database, "NATS": state.bus, "a runner": state.runner}
    return " and ".join(name for name, works in parts.items() if not works)


def _runner_environment(
    settings: Settings, data: DataFolder, bus_at: BusAddress, control_url: str
) -> dict[str, str]:
    database = platform_destinations(settings.database_url, default_port=_POSTGRESQL_PORT)
    return {
        "BELLROCK_NATS_URL": bus_at.url,
        "BELLROCK_NATS_USER": bus_at.user or "",
        "BELLROCK_NATS_TOKEN": bus_at.token or "",
        "BELLROCK_CONTROL_URL": control_url,
        "BELLROCK_DATA_DIR": str(data.path),
        "BELLROCK_RUNNER_DIR": str(data.runner),
        "BELLROCK_LOCATIONS": ",".join(settings.locations),
        "BELLROCK_CONCURRENCY": str(settings.concurrency),
        "BELLROCK_LOG_LEVEL": settings.log_level,
        "BELLROCK_LOG_FORMAT": settings.log_format,
        # Of the database the runner is told where it listens, and no more: to keep runs away from it.
        "BELLROCK_PLATFORM_ADDRESSES": ",".join((*settings.platform_addresses, *map(str, database))),
    }
