"""The control plane put together: database, vault, artifacts, bus, services and the web application."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from bellrock.api.app import create_app
from bellrock.api.config import ApiConfig
from bellrock.api.rate_limit import RateLimits
from bellrock.artifacts.store import folder_store
from bellrock.bootstrap.collector import pass_over_what_stays
from bellrock.bootstrap.data_folder import Credentials, DataFolder, read_credentials, write_credentials
from bellrock.bootstrap.errors import CannotStart
from bellrock.bootstrap.http_server import HttpServer, TlsFiles, listen, url_of
from bellrock.domain.errors import BellrockError, Unauthenticated
from bellrock.engine.admission import Admission, AdmissionOptions
from bellrock.engine.nats_bus import NatsBus, NatsOptions
from bellrock.engine.nkeys import open_issuer
from bellrock.engine.port import BusError
from bellrock.services.accounts import ensure_first_account
from bellrock.services.loops import run_loops
from bellrock.services.platform import ControlSettings, Platform, create_platform
from bellrock.services.private_locations import location_of_key
from bellrock.settings import Settings
from bellrock.store.database import Database, open_database
from bellrock.store.vault import open_vault
from bellrock.web.app import create_web
from bellrock.web.options import TraceViewerFinder, WebOptions
from bellrock.wire.messages import Limits

NATS_PORT = 4222
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Where NATS is, and what to show there."""

    url: str
    user: str | None
    token: str | None


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that serves. ``failed`` ends, with the reason, when a part of it does."""

    url: str
    platform: Platform
    credentials: Credentials | None
    failed: asyncio.Task[None]


@asynccontextmanager
async def serving(settings: Settings, data: DataFolder, bus_at: BusAddress) -> AsyncIterator[ControlPlane]:
    """A control plane that serves while the block runs.

    :raises CannotStart: the port, the database, the bus or the data folder cannot be used.
    """
    listener = listen(settings.host, settings.port)
    tls = _tls_files(settings)
    url = url_of(listener, tls=tls is not None)
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        platform = await _open_platform(stack, settings, data=data, bus_at=bus_at, url=url)
        credentials = await _first_account(settings, data, platform)
        await platform.live.start()
        await _admit_runners(stack, platform, data=data, bus_at=bus_at)
        loops = asyncio.create_task(run_loops(platform), name="loops")
        stack.push_async_callback(_end, loops)
        server = HttpServer(_application(settings, data, platform), listener, tls=tls)
        stack.push_async_callback(server.stop)
        http = await server.start()
        # Readers of live events would hold the server open: they end first.
        stack.push_async_callback(platform.live.close)
        failed = asyncio.create_task(_first_failure(loops, http), name="control-plane-parts")
        stack.push_async_callback(_end, failed)
        pass_over_what_stays()
        log.info("control_plane.started", url=url)
        yield ControlPlane(url, platform, credentials, failed)


async def _admit_runners(
    stack: AsyncExitStack, platform: Platform, *, data: DataFolder, bus_at: BusAddress
) -> None:
    """Answer NATS about runners with a location's key, where it knows us as a user and may ask us."""
    if bus_at.user is None or bus_at.token is None:
        return

    async def location_of(key: str) -> str | None:
        try:
            return (await location_of_key(platform, key)).slug
        except Unauthenticated:
            return None

    issuer = open_issuer(data.issuer_seed)
    admission = Admission(AdmissionOptions(bus_at.url, bus_at.user, bus_at.token, issuer), location_of)
    await admission.open()
    stack.push_async_callback(admission.close)
    log.info("admission.open", issuer=issuer.public)


def _tls_files(settings: Settings) -> TlsFiles | None:
    files = (settings.tls_certificate, settings.tls_key)
    if files == (None, None):
        return None
    certificate, key = files
    if certificate is None or key is None:
        raise CannotStart("BELLROCK_TLS_CERTIFICATE and BELLROCK_TLS_KEY are needed both, or none of them")
    for path in (certificate, key):
        if not os.access(path, os.R_OK):
            raise CannotStart(f"{path} cannot be read: it is needed to speak HTTPS")
    return TlsFiles(certificate, key)


async def _open_platform(
    stack: AsyncExitStack, settings: Settings, *, data: DataFolder, bus_at: BusAddress, url: str
) -> Platform:
    database = await _open_database(settings, data)
    stack.push_async_callback(database.close)
    try:
        bus = await NatsBus.connect(
            NatsOptions(
                url=bus_at.url,
                user=bus_at.user,
                token=bus_at.token,
                name="control",
                ping_s=settings.nats_ping_s,
                connect_s=settings.nats_start_s,
                ack_wait_s=settings.offer_ack_wait_s,
            )
        )
    except BusError as error:
        raise CannotStart(str(error)) from error
    stack.push_async_callback(bus.close)
    return create_platform(
        database,
        bus,
        artifacts=folder_store(data.artifacts),
        vault=open_vault(data.secret_key),
        settings=_control_settings(settings, url, bus_at),
    )


async def _open_database(settings: Settings, data: DataFolder) -> Database:
    try:
        return await open_database(settings.database_url or data.database_url)
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise CannotStart(f"the database cannot be used: {error}") from error


async def _first_account(settings: Settings, data: DataFolder, platform: Platform) -> Credentials | None:
    """The first account's credentials: preset, or of an earlier start, or made now and written down."""
    known = read_credentials(data.credentials)
    preset_key = settings.api_key.get_secret_value() if settings.api_key else None
    try:
        first = await ensure_first_account(
            platform,
            account_id=settings.account_id or (known.account_id if known else None),
            api_key=preset_key or (known.api_key if known else None),
        )
    except BellrockError as error:
        raise CannotStart(error.message) from error
    api_key = first.api_key or preset_key or (known.api_key if known else None)
    if api_key is None:
        log.warning("credentials.unknown", account_id=str(first.account_id), hint="preset BELLROCK_API_KEY")
        return None
    credentials = Credentials(first.account_id, api_key)
    if credentials != known:
        write_credentials(data.credentials, credentials)
    return credentials


def _control_settings(settings: Settings, url: str, bus_at: BusAddress) -> ControlSettings:
    nats = urlsplit(bus_at.url)
    is_plain = nats.scheme == "nats" and nats.hostname is not None
    return ControlSettings(
        bus_address=(nats.hostname or "", nats.port or NATS_PORT) if is_plain and bus_at.user else None,
        control_url=settings.control_url or url,
        heartbeat_s=settings.heartbeat_s,
        lease_s=settings.lease_s,
        runner_seen_s=settings.runner_gone_after_s,
        queue_ttl_s=settings.queue_time_s,
        reoffer_after_s=settings.redispatch_after_s,
        late_evidence_s=settings.evidence_grace_s,
        relay_poll_s=settings.outbox_poll_s,
        reaper_interval_s=settings.reaper_interval_s,
        janitor_interval_s=settings.janitor_interval_s,
        artifact_days=min(settings.artifact_days, settings.result_days),
        result_days=settings.result_days,
        heartbeat_event_days=settings.heartbeat_event_days,
        artifact_store_bytes=settings.artifact_store_bytes,
        schedules=settings.schedules,
        scheduler_lease_s=settings.scheduler_lease_s,
        tick_late_s=settings.tick_late_s,
        tick_queue_ttl_s=settings.tick_queue_s,
        location_gone_s=settings.location_gone_after_s,
        signal_timeout_s=settings.cancel_signal_timeout_s,
        max_bundle_bytes=settings.bundle_bytes,
        max_artifact_bytes=settings.artifact_bytes,
        limits=Limits(
            install_s=settings.install_s,
            test_s=settings.test_s,
            memory_bytes=settings.memory_bytes,
            processes=settings.processes,
            disk_bytes=settings.disk_bytes,
            output_bytes=settings.output_bytes,
            artifact_bytes=settings.artifact_bytes,
            cpus=settings.cpus,
        ),
    )


def _application(settings: Settings, data: DataFolder, platform: Platform) -> FastAPI:
    """The API, and below everything it does not answer the pages."""
    config = ApiConfig(
        public_url=settings.public_url,
        rate_limits=RateLimits(requests=settings.rate_limit_requests, window_s=settings.rate_limit_window_s),
        completion_wait_s=settings.completion_max_wait_s,
        public_badges=settings.public_badges,
    )
    app = create_app(platform, config)
    preset = settings.trace_viewer
    viewer = (lambda: preset) if preset else TraceViewerFinder(lambda: _node_modules(data))
    app.mount("/", create_web(platform, WebOptions(content_url=settings.content_url, trace_viewer=viewer)))
    return app


def _node_modules(data: DataFolder) -> Iterator[Path]:
    """Where a Playwright, and so its trace viewer, may be installed: projects nearby, suites run before."""
    for folder in (Path.cwd(), *Path.cwd().glob("examples/*")):
        yield folder / "node_modules"
    for depth in ("", "*/", "*/*/"):  # of the package in its suite; a deeper look would walk the packages
        yield from data.runner.glob(f"cache/dependencies/*/*/tree/{depth}node_modules")


async def _first_failure(*parts: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for part in done:
        error = None if part.cancelled() else part.exception()
        log.error("control_plane.part_ended", part=part.get_name(), error=repr(error))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
