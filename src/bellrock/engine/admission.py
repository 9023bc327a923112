"""Who may connect to NATS with a location's key, and what for: the control plane's answer (auth callout).

A runner of a private location has no secret but its location's key. With it, it may take the offers of that
location, ask the control plane on its behalf, hear its cancels and publish its live events; nothing else.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from bellrock.engine.nkeys import Issuer, read_claims
from bellrock.engine.port import BusError
from bellrock.wire import subjects

log = structlog.get_logger(__name__)

_REQUESTS = "$SYS.REQ.USER.AUTH"
_QUEUE = "admission"
_ACCOUNT = "$G"
_ANSWER_TTL_NS = 30_000_000_000

LocationOfKey = Callable[[str], Awaitable[str | None]]
"""The location that a key is for; None for a key that is wrong, or no longer valid."""


@dataclass(frozen=True, slots=True)
class AdmissionOptions:
    """How the control plane itself connects, which is not asked here, and how it signs."""

    url: str
    user: str
    password: str
    issuer: Issuer


class Admission:
    """Answers nats-server for as long as it is open. Several control planes share the work."""

    def __init__(self, options: AdmissionOptions, location_of_key: LocationOfKey) -> None:
        self._options = options
        self._location_of_key = location_of_key
        self._client = Client()

    async def open(self) -> None:
        """Connect and answer from now on. Raises BusError."""
        options = self._options
        try:
            await self._client.connect(
                servers=options.url,
                user=options.user,
                password=options.password,
                name="admission",
                max_reconnect_attempts=-1,
                error_cb=_noted,
            )
            await self._client.subscribe(_REQUESTS, queue=_QUEUE, cb=self._answer)
            await self._client.flush()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            await self._client.close()
            raise BusError(f"cannot answer NATS about who may connect: {error}") from error

    async def close(self) -> None:
        """Answer no more."""
        await self._client.close()

    async def _answer(self, message: Msg) -> None:
        try:
            asked = read_claims(message.data.decode())["nats"]
            user, server = str(asked["user_nkey"]), str(asked["server_id"]["id"])
            key = str(asked.get("connect_opts", {}).get("pass", ""))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("admission.not_understood", error=repr(error))
            return
        location = await self._location_of_key(key) if key else None
        log.info("admission.decided", location=location, admitted=location is not None)
        said: dict[str, Any] = {"type": "authorization_response", "version": 2}
        if location is None:
            said["error"] = "the key is not valid"
        else:
            said["jwt"] = self._word(user, permissions_of(location), audience=_ACCOUNT, name=location)
        await message.respond(self._word(user, said, audience=server).encode())

    def _word(self, subject: str, content: dict[str, Any], *, audience: str, name: str = "") -> str:
        issued_at = int(time.time())
        claims: dict[str, Any] = {"aud": audience, "sub": subject, "iat": issued_at, "nats": content}
        claims["jti"] = f"{subject}-{issued_at}"
        return self._options.issuer.sign({**claims, "name": name} if name else claims)


def permissions_of(location: str) -> dict[str, Any]:
    """What a runner of a location may publish and hear, as NATS' user claims say it."""
    consumer = subjects.consumer(location)
    publish = [
        f"$JS.API.CONSUMER.MSG.NEXT.{subjects.STREAM}.{consumer}",
        f"$JS.ACK.{subjects.STREAM}.{consumer}.>",
        subjects.rpc("*", location),
        subjects.live_of(location),
    ]
    hear = [f"{subjects.inbox(location)}.>", subjects.cancel(location, "*"), subjects.replay(location, "*")]
    return {
        "type": "user",
        "version": 2,
        "pub": {"allow": publish},
        "sub": {"allow": hear},
        "resp": {"max": 1, "ttl": _ANSWER_TTL_NS},
        "subs": -1,
        "data": -1,
        "payload": -1,
    }


async def _noted(error: Exception) -> None:
    log.debug("admission.error", error=repr(error))
