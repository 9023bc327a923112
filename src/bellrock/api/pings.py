"""Pings of heartbeat monitors: in front of the application, for they are many and need nothing of it.

    GET | POST | HEAD  /ping/<token>              the address that a monitor shows
    GET | POST | HEAD  /heartbeats/ping/<token>   the contract's older form

The token is the key. A ping is answered once it is on the disk; its body is not read.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bellrock.api.errors import error_response
from bellrock.services.pings import Pings, Reception

log = structlog.get_logger(__name__)

_PATH = re.compile(r"(?:/heartbeats)?/ping/([^/]*)/?")
_TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PINGS = ("GET", "POST", "HEAD")
_METHODS = "GET, POST, HEAD, OPTIONS"
# Chats and crawlers look at every address they see, also at that of a monitor: no sign of life of a job.
_LOOKERS = re.compile(
    r"(?:Twitter|Slack|Google|Discord|Telegram|LinkedIn)Bot|Slack-ImgProxy|Facebot|WhatsApp", re.IGNORECASE
)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST_SOURCE = 200
_LONGEST_USER_AGENT = 500
_LONGEST_ERROR = 300
# A page may ping from anywhere: a ping tells it nothing. Nobody on the way may answer in our place.
_ALWAYS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


class PingFront:
    """Middleware: answers pings itself, hands on everything else."""

    def __init__(self, app: ASGIApp, *, pings: Pings) -> None:
        self._app = app
        self._pings = pings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(found[1].lower(), scope)
        await answer(scope, receive, send)

    async def _answer(self, token: str, scope: Scope) -> ASGIApp:
        if scope["method"] == "OPTIONS":
            return _PREFLIGHT
        if scope["method"] not in _PINGS:
            said = f"{scope['method']} is not allowed here. Allowed: {_METHODS}."
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, said, headers={"Allow": _METHODS})
        source, user_agent = _who(scope)
        if user_agent and _LOOKERS.search(user_agent):
            return _OF_A_LOOKER
        if not _TOKEN.fullmatch(token):
            return _ANSWERS[Reception.UNKNOWN]
        try:
            return _ANSWERS[await self._pings.take(token, source=source, user_agent=user_agent)]
        except Exception as error:  # noqa: BLE001 - whatever it was: the ping's sender has to know
            log.warning("ping.not_recorded", error=repr(error)[:_LONGEST_ERROR])
            return _NOT_RECORDED


def _who(scope: Scope) -> tuple[str | None, str | None]:
    """Where a ping comes from, as its headers say: `origin`, else `referer`; and its user agent."""
    origin = referer = user_agent = b""
    for name, value in scope["headers"]:
        if name == b"user-agent":
            user_agent = value
        elif name == b"origin":
            origin = value
        elif name == b"referer":
            referer = value
    return _text(origin or referer, _LONGEST_SOURCE), _text(user_agent, _LONGEST_USER_AGENT)


def _text(value: bytes, longest: int) -> str | None:
    text = _CONTROL_CHARACTERS.sub(" ", value[:longest].decode("utf-8", "replace"))
    return text.strip() or None


class _Prepared:
    """An answer that is always the same, made once."""

    def __init__(self, response: Response) -> None:
        self._start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
        self._body = bytes(response.body)

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Send it; to a HEAD without its body."""
        body = b"" if scope["method"] == "HEAD" else self._body
        await send({**self._start})
        await send({"type": "http.response.body", "body": body})


def _taken(message: str) -> _Prepared:
    return _Prepared(JSONResponse({"message": message}, headers=_ALWAYS))


def _refusal(
    status: HTTPStatus, said: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> _Prepared:
    return _Prepared(error_response(status, said, code=code, headers={**_ALWAYS, **(headers or {})}))


_ANSWERS = {
    Reception.RECORDED: _taken("The ping is recorded."),
    Reception.DEACTIVATED: _taken("The heartbeat monitor is deactivated: the ping is not recorded."),
    Reception.UNKNOWN: _refusal(HTTPStatus.NOT_FOUND, "There is no heartbeat monitor with this ping token."),
}
_OF_A_LOOKER = _refusal(
    HTTPStatus.FORBIDDEN,
    "Link previews and crawlers are no sign of life: this ping does not count.",
    code="PING_OF_A_BOT",
)
_NOT_RECORDED = _refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The ping could not be recorded. Send it again.",
    headers={"Retry-After": "1"},
)
_PREFLIGHT = _Prepared(
    Response(
        status_code=HTTPStatus.NO_CONTENT,
        headers={
            **_ALWAYS,
            "Allow": _METHODS,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "*",
            "Access-Control-Max-Age": "86400",
        },
    )
)
