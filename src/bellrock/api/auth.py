"""Who asks: checked before anything of the request is read, and counted.

Paths of the contract that need no key are named here; everything else below the API's prefixes
needs one, also paths that do not exist.
"""

import re
from ipaddress import IPv6Address, ip_address
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bellrock.api.config import ApiConfig
from bellrock.api.errors import response_to
from bellrock.api.rate_limit import RateLimiter
from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import BellrockError, Invalid, Unauthenticated
from bellrock.services import accounts
from bellrock.services.platform import Platform

_PROTECTED = re.compile(r"/(v[123]|next|next-v2)(/|$)")
_OPEN = re.compile(r"/v1/(locations|runtimes(/[^/]*)?|static-ip[^/]*)$")
_BADGES = re.compile(r"/v1/badges/")
_METRICS = "/metrics"
_FORWARDED = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")
_FILE_OF_A_LINK = re.compile(r"/v1/artifacts/")


class Authentication:
    """Middleware: puts the `Principal` of a good key into the request's state, or answers 401/429."""

    def __init__(
        self, app: ASGIApp, *, platform: Platform, limiter: RateLimiter, public_badges: bool = False
    ) -> None:
        self._app = app
        self._public_badges = public_badges
        self._platform = platform
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, with a principal where its path needs one."""
        if scope["type"] == "http" and self._needs_key(scope):
            try:
                principal = await self._authenticate(scope)
                await self._limiter.count_request(principal.account_id)
            except BellrockError as error:
                await response_to(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal:
        address = (scope.get("client") or ("unknown", 0))[0]
        headers = Headers(scope=scope)
        try:
            return await accounts.authenticate(self._platform, _key(headers), _account(headers))
        except Unauthenticated:
            await self._limiter.count_bad_key(address)
            raise

    def _needs_key(self, scope: Scope) -> bool:
        if self._public_badges and scope["method"] == "GET" and _BADGES.match(scope["path"]):
            return False
        return _needs_key(scope)


def _needs_key(scope: Scope) -> bool:
    path = scope["path"]
    if path == _METRICS:
        return not is_from_this_machine(scope)
    if not _PROTECTED.match(path) or (scope["method"] == "GET" and _OPEN.match(path)):
        return False
    by_link = _FILE_OF_A_LINK.match(path) and b"signature=" in scope["query_string"]
    return not by_link


def is_from_this_machine(scope: Scope) -> bool:
    """Whether a request comes over loopback, from whoever asks and not from a proxy on this machine."""
    if any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        address = ip_address((scope.get("client") or ("", 0))[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


def _key(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("An API key is needed, in the header 'Authorization: Bearer <key>'.")
    return key.strip()


def _account(headers: Headers) -> UUID | None:
    account = headers.get("x-checkly-account", "").strip()
    if not account:
        return None
    try:
        return UUID(account)
    except ValueError:
        raise Invalid("X-Checkly-Account (header) is not right: it has to be a UUID.") from None


def principal_of(request: Request) -> Principal:
    """Who asks. Raises Unauthenticated on a path that needs no key and got none."""
    principal = request.scope.get("state", {}).get("principal")
    if not isinstance(principal, Principal):
        raise Unauthenticated("An API key is needed, in the header 'Authorization: Bearer <key>'.")
    return principal


# Dependencies are coroutines: FastAPI would take a thread for each that is not.
async def _caller(request: Request) -> Principal:
    return principal_of(request)


async def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


def config_of(request: Request) -> ApiConfig:
    """The configuration of the application that answers this request."""
    config: ApiConfig = request.app.state.api_config
    return config


Caller = Annotated[Principal, Depends(_caller)]
PlatformOf = Annotated[Platform, Depends(_platform)]


async def _runner(principal: Caller) -> Principal:
    principal.must(Right.RUN)
    return principal


async def _editor(principal: Caller) -> Principal:
    principal.must(Right.EDIT)
    return principal


async def _administrator(principal: Caller) -> Principal:
    principal.must(Right.ADMINISTER)
    return principal


# Services check rights too. Checked here as well, a role that is too low is told so before it is
# told what is wrong with its request.
RunCaller = Annotated[Principal, Depends(_runner)]
EditCaller = Annotated[Principal, Depends(_editor)]
AdminCaller = Annotated[Principal, Depends(_administrator)]
