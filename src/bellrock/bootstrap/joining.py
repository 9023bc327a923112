"""How a runner gets to the bus: by NATS' own address and user, or with nothing but its location's key."""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx2
import structlog

from bellrock.bootstrap.errors import CannotStart
from bellrock.engine.nats_bus import NatsOptions
from bellrock.settings import Settings
from bellrock.wire import subjects

log = structlog.get_logger(__name__)

_ASK_TIMEOUT_S = 10.0
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a runner belongs: the locations that it serves, and how it reaches the bus."""

    locations: tuple[str, ...]
    bus: NatsOptions


def refuse_no_way(settings: Settings) -> None:
    """Raise CannotStart unless the settings name a way to the bus."""
    if settings.location_key is None and not settings.nats_url:
        raise CannotStart(
            "a runner needs a way to the control plane: the key of its private location"
            " (BELLROCK_LOCATION_KEY, with BELLROCK_CONTROL_URL), or NATS (--nats-url or BELLROCK_NATS_URL)"
        )
    if settings.location_key is not None and not settings.control_url:
        raise CannotStart("with a location's key a runner needs the control plane: BELLROCK_CONTROL_URL")


async def find_place(settings: Settings, runner_id: str, stop: asyncio.Event) -> Place | None:
    """The place that the settings name. None where the process shall end before it is known.

    :raises CannotStart: the key is not valid.
    """
    if settings.location_key is None:
        return Place(settings.locations, _direct(settings, runner_id))
    key = settings.location_key.get_secret_value()
    location = await _location_of(settings.control_url or "", key, stop)
    if location is None:
        return None
    return Place((location,), _through_the_control_plane(settings, runner_id, location, key=key))


async def _location_of(control_url: str, key: str, stop: asyncio.Event) -> str | None:
    """Ask until there is an answer."""
    headers = {"Authorization": f"Bearer {key}"}
    trusted = ssl.create_default_context()  # what the machine trusts, or SSL_CERT_FILE
    async with httpx2.AsyncClient(timeout=_ASK_TIMEOUT_S, headers=headers, verify=trusted) as client:
        while not stop.is_set():
            try:
                answer = await client.get(f"{control_url.rstrip('/')}/runner/v1/location")
                if answer.status_code == httpx2.codes.UNAUTHORIZED:
                    raise CannotStart("BELLROCK_LOCATION_KEY: the control plane does not know this key")
                answer.raise_for_status()
                return str(answer.json()["location"])
            except (httpx2.HTTPError, ValueError, KeyError) as error:
                log.warning("runner.no_control_plane", reason=repr(error), retry_in_s=_RETRY_S)
            try:
                await asyncio.wait_for(stop.wait(), _RETRY_S)
            except TimeoutError:
                continue
    return None


def _direct(settings: Settings, runner_id: str) -> NatsOptions:
    return NatsOptions(
        url=settings.nats_url or "",
        user=settings.nats_user,
        token=settings.nats_token.get_secret_value() if settings.nats_token else None,
        name=f"runner {runner_id}",
        inbox_prefix=f"_INBOX_{runner_id.replace('.', '_')}",
        ping_s=settings.nats_ping_s,
        connect_s=settings.nats_start_s,
        ack_wait_s=settings.offer_ack_wait_s,
    )


def _through_the_control_plane(settings: Settings, runner_id: str, location: str, *, key: str) -> NatsOptions:
    scheme, host, path, *_ = urlsplit(settings.control_url or "")
    socket_scheme = {"http": "ws", "https": "wss"}.get(scheme)
    if socket_scheme is None:
        raise CannotStart("BELLROCK_CONTROL_URL: use an http:// or https:// address")
    return NatsOptions(
        url=urlunsplit((socket_scheme, host, f"{path.rstrip('/')}/runner/v1/bus", "", "")),
        user=location,
        token=key,
        name=f"runner {runner_id}",
        inbox_prefix=subjects.inbox(location),
        ping_s=settings.nats_ping_s,
        connect_s=settings.nats_start_s,
        ack_wait_s=settings.offer_ack_wait_s,
        makes_queues=False,
        headers=(("Authorization", f"Bearer {key}"),),
    )
