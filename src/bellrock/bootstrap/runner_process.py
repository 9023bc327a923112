"""`bellrock runner`: isolation, executors, bus and agent put together into one process."""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import structlog

from bellrock import __version__
from bellrock.bootstrap.data_folder import opened
from bellrock.bootstrap.errors import CannotStart
from bellrock.bootstrap.executors import make_executors, told_of_pings
from bellrock.bootstrap.foreground import stop_on_signals
from bellrock.bootstrap.joining import find_place, refuse_no_way
from bellrock.bootstrap.runner_network import network_kept
from bellrock.domain.specs import CheckType
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bellrock.engine.port import BusError
from bellrock.runner.agent import Agent, AgentOptions
from bellrock.runner.control_link import LinkTimes
from bellrock.runner.executors.playwright import leftovers
from bellrock.runner.folders import remove_folder
from bellrock.runner.janitor import Cache, keep_tidy
from bellrock.runner.live_publisher import LiveTimes
from bellrock.runner.recorder import Executor
from bellrock.runner.rounds import AT_ONCE
from bellrock.runner.supervisor import (
    Isolation,
    IsolationUnavailable,
    Mechanism,
    SweepReport,
    probe_isolation,
    sweep_orphans,
)
from bellrock.runner.transfer import Transfer, TransferOptions, prune_bundles, unfinished_downloads
from bellrock.runner.work import Workshop
from bellrock.settings import Settings

log = structlog.get_logger(__name__)

_RECONNECT_WAIT_S = 1.0
_STOP_MARGIN_S = 2.0


async def run_runner(settings: Settings) -> None:
    """Serve the locations until SIGTERM or SIGINT, then end in good order.

    :raises CannotStart: no way to the bus, no isolation works, or the runner's folder is in use.
    """
    refuse_no_way(settings)
    with stop_on_signals() as stop, opened(settings.runner_dir or settings.data_dir / "runner") as data:
        isolation = find_isolation(settings, data.path)
        swept = await _clean_up_former_life(data.path, isolation)
        with network_kept(settings) as network:
            told = replace(isolation, guarantees=f"{isolation.guarantees} {network} {told_of_pings()}")
            await _serve(settings, data.path, isolation=told, swept=swept, stop=stop)


def find_isolation(settings: Settings, folder: Path) -> Isolation:
    """The isolation of this machine, as found by trying.

    :raises CannotStart: none works, or not the one asked for.
    """
    forced = None if settings.isolation == "auto" else Mechanism(settings.isolation)
    try:
        return probe_isolation(forced=forced, state_folder=folder / "trees")
    except IsolationUnavailable as error:
        raise CannotStart(f"this runner cannot contain what it runs: {error}") from error


async def _clean_up_former_life(folder: Path, isolation: Isolation) -> SweepReport:
    swept = await sweep_orphans(isolation.state_folder) if isolation.state_folder else SweepReport()
    folders = [*(folder / "runs").glob("*"), *leftovers(folder / "cache")]
    for leftover in folders:
        await asyncio.to_thread(remove_folder, leftover)
    downloads = unfinished_downloads(folder / "bundles")
    for part in downloads:
        part.unlink()
    tell = log.warning if swept.killed or swept.left else log.info
    tell(
        "orphans.swept",
        trees=swept.trees,
        killed=swept.killed,
        left=swept.left,
        folders=len(folders),
        downloads=len(downloads),
    )
    return swept


async def _serve(
    settings: Settings, folder: Path, *, isolation: Isolation, swept: SweepReport, stop: asyncio.Event
) -> None:
    runner_id = f"{socket.gethostname().split('.')[0]}-{uuid4().hex[:8]}"
    # Probes wait for their targets in threads; by default there are too few to wait for many targets.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(AT_ONCE, "runner"))
    async with AsyncExitStack() as stack:
        place = await find_place(settings, runner_id, stop)
        bus = await _connect(place.bus, stop) if place else None
        if place is None or bus is None:
            return
        stack.push_async_callback(bus.close)
        files = TransferOptions(
            bundle_folder=folder / "bundles",
            control_url=settings.control_url,
            timeout_s=settings.transfer_timeout_s,
            cache_bytes=settings.bundle_cache_bytes,
        )
        transfer = Transfer(files)
        stack.push_async_callback(transfer.close)
        executors = make_executors(settings, isolation=isolation, cache_folder=folder / "cache")
        stack.callback(executors.close)
        shop = _workshop(
            settings, folder, bus=bus, transfer=transfer, executors=executors.by_type, isolation=isolation
        )
        options = _agent_options(settings, runner_id, swept, locations=place.locations)
        agent = Agent(bus=bus, options=options, workshop=shop, clock=utc_now)
        caches = (*executors.caches, Cache("bundles", partial(prune_bundles, files)))
        tidying = asyncio.create_task(keep_tidy(caches, every_s=settings.cache_prune_interval_s))
        stack.callback(tidying.cancel)
        await agent.serve(stop)


async def _connect(options: NatsOptions, stop: asyncio.Event) -> NatsBus | None:
    """The bus, however long it takes to appear. None where the process shall end before that."""
    while not stop.is_set():
        try:
            return await NatsBus.connect(options)
        except BusError as error:
            log.warning("runner.not_connected", reason=str(error), retry_in_s=_RECONNECT_WAIT_S)
        try:
            await asyncio.wait_for(stop.wait(), _RECONNECT_WAIT_S)
        except TimeoutError:
            continue
    return None


def _agent_options(
    settings: Settings, runner_id: str, swept: SweepReport, *, locations: tuple[str, ...]
) -> AgentOptions:
    return AgentOptions(
        runner_id=runner_id,
        version=__version__,
        locations=locations,
        slots=settings.concurrency,
        heartbeat_s=settings.heartbeat_s,
        grace_s=settings.shutdown_grace_s,
        stop_s=max(settings.shutdown_s - settings.shutdown_grace_s - _STOP_MARGIN_S, 1.0),
        orphans_swept=swept.killed,
        orphans_left=swept.left,
        link=LinkTimes(answer_s=settings.rpc_timeout_s, report_s=6 * settings.lease_s),
    )


def _workshop(
    settings: Settings,
    folder: Path,
    *,
    bus: NatsBus,
    transfer: Transfer,
    executors: Mapping[CheckType, Executor],
    isolation: Isolation,
) -> Workshop:
    runs, cache = folder / "runs", folder / "cache"
    for path in (runs, cache):
        path.mkdir(parents=True, exist_ok=True)
    return Workshop(
        bus=bus,
        executors=executors,
        transfer=transfer,
        isolation=isolation,
        folder=runs,
        cache_folder=cache,
        clock=utc_now,
        live=LiveTimes(
            interval_s=settings.live_interval_s,
            batch_events=settings.live_batch_events,
            batch_bytes=settings.live_batch_bytes,
        ),
        pending_events=settings.live_pending_events,
        evidence_s=settings.evidence_s,
    )


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)
