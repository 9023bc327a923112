"""Who is looking: a cookie that holds the API key, encrypted with the vault of this installation.

The key is looked up again with every request, so a revoked key ends its sessions at once, and
nothing about logins is stored.
"""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bellrock.domain.access import Principal
from bellrock.domain.errors import Unauthenticated
from bellrock.services.accounts import authenticate
from bellrock.services.platform import Platform
from bellrock.web.render import THEME_COOKIE, THEMES, page
from bellrock.web.security import local_path

SESSION_COOKIE = "bellrock_session"
SESSION_S = 7 * 86_400
_THEME_S = 365 * 86_400
_PURPOSE = "pages"

log = structlog.get_logger(__name__)
router = APIRouter()


class LoginNeeded(Exception):
    """Nobody is logged in."""


def platform_of(request: Request) -> Platform:
    """The parts this server is made of."""
    platform: Platform = request.app.state.platform
    return platform


async def logged_in(request: Request) -> Principal:
    """Who is logged in. Raises LoginNeeded."""
    principal = await principal_of(platform_of(request), request.cookies.get(SESSION_COOKIE))
    if principal is None:
        raise LoginNeeded
    request.state.principal = principal
    return principal


async def principal_of(platform: Platform, cookie: str | None) -> Principal | None:
    """Who a session cookie stands for, or None: absent, forged, too old, or its key is revoked."""
    if not cookie:
        return None
    try:
        content = platform.vault.open(cookie)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("for") != _PURPOSE:
        return None
    if platform.clock().timestamp() - float(content["at"]) > SESSION_S:
        return None
    try:
        return await authenticate(platform, str(content["key"]), None)
    except Unauthenticated:
        return None


LoggedIn = Annotated[Principal, Depends(logged_in)]
Parts = Annotated[Platform, Depends(platform_of)]


def _set(response: Response, request: Request, *, name: str, value: str, age_s: int) -> None:
    response.set_cookie(
        name, value, max_age=age_s, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


@router.get("/login")
async def login_page(request: Request, platform: Parts, back: str = "") -> Response:
    """The form, or straight on for somebody who is logged in."""
    if await principal_of(platform, request.cookies.get(SESSION_COOKIE)):
        return RedirectResponse(local_path(back), 303)
    return page(request, "login.html", {"problem": None, "back": local_path(back)})


@router.post("/login")
async def log_in(
    request: Request, platform: Parts, key: Annotated[str, Form()] = "", back: Annotated[str, Form()] = ""
) -> Response:
    """Check the key and remember it in the cookie."""
    try:
        principal = await authenticate(platform, key.strip(), None)
    except Unauthenticated as error:
        context: dict[str, Any] = {"problem": error.message, "back": local_path(back)}
        return page(request, "login.html", context, status=401)
    log.info("page.login", account_id=str(principal.account_id), key_id=str(principal.key_id))
    content = {"for": _PURPOSE, "key": key.strip(), "at": platform.clock().timestamp()}
    response = RedirectResponse(local_path(back), 303)
    _set(response, request, name=SESSION_COOKIE, value=platform.vault.seal(content), age_s=SESSION_S)
    return response


@router.post("/logout")
async def log_out() -> Response:
    """Forget who it was."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


@router.post("/theme")
async def set_theme(
    request: Request, theme: Annotated[str, Form()] = "auto", back: Annotated[str, Form()] = ""
) -> Response:
    """Light, dark, or as the system has it."""
    response = RedirectResponse(local_path(back), 303)
    _set(response, request, name=THEME_COOKIE, value=theme if theme in THEMES else "auto", age_s=_THEME_S)
    return response
