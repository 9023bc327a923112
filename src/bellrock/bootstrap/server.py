"""`bellrock server`: the control plane alone, with a NATS server and a database of the operator's."""

import asyncio
from collections.abc import Callable

import structlog

from bellrock.bootstrap.control_plane import BusAddress, serving
from bellrock.bootstrap.data_folder import opened
from bellrock.bootstrap.dev import Started
from bellrock.bootstrap.errors import CannotStart
from bellrock.bootstrap.foreground import stop_on_signals
from bellrock.settings import Settings

log = structlog.get_logger(__name__)


async def run_server(settings: Settings, on_started: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    :raises CannotStart: a part of it cannot be used; the message names the setting.
    """
    if not settings.nats_url:
        raise CannotStart("a server needs to know where NATS is: --nats-url or BELLROCK_NATS_URL")
    token = settings.nats_token.get_secret_value() if settings.nats_token else None
    with stop_on_signals() as stop, opened(settings.data_dir) as data:
        async with serving(
            settings, data, BusAddress(settings.nats_url, settings.nats_user, token)
        ) as control:
            on_started(Started(control.url, control.credentials, data.path, settings.locations, None))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping, control.failed}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if control.failed.done():
                raise CannotStart("a part of the control plane ended: the log says which and why")
    log.info("server.stopped")
