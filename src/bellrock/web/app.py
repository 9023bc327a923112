"""The pages as one ASGI application, which bootstrap mounts below everything the API does not answer."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bellrock.domain.errors import (
    BellrockError,
    Conflict,
    Forbidden,
    Invalid,
    NotBuilt,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from bellrock.services.platform import Platform
from bellrock.web import content, login
from bellrock.web.login import LoginNeeded
from bellrock.web.options import WebOptions, app_base, is_content_host
from bellrock.web.render import STATIC, asset_version, page
from bellrock.web.routes import checks, live, runners, runs, sessions
from bellrock.web.security import PAGE_POLICY, headers_for, is_own_form

_STATUS: dict[type[BellrockError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooManyRequests: 429,
    NotBuilt: 501,
}
_HEADINGS = {
    400: "That request makes no sense",
    403: "You may look, but not touch",
    404: "No such page on this rock",
    405: "This cannot be done here",
    409: "Not in this state",
    500: "Something broke on our side",
    501: "Not part of this version",
}
_KEPT_S = 31_536_000
_CONTENT_PATH = "/content/"


class _KeptStatic(StaticFiles):
    """Static files whose address holds their digest, so they never change."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = f"public, max-age={_KEPT_S}, immutable"
        return response

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            return PlainTextResponse("no such file", error.status_code)


def create_web(platform: Platform, options: WebOptions | None = None) -> FastAPI:
    """The pages over these parts. Mount it at "/" after the API's own paths."""
    web = FastAPI(title="Bellrock pages", openapi_url=None, docs_url=None, redoc_url=None)
    web.state.platform = platform
    web.state.options = options or WebOptions()
    web.mount(f"/static/{asset_version()}", _KeptStatic(directory=STATIC), name="static")
    for module in (login, checks, live, sessions, runs, runners, content):
        web.include_router(module.router)
    web.add_exception_handler(LoginNeeded, _ask_to_log_in)
    web.add_exception_handler(BellrockError, _explain)
    web.add_exception_handler(HTTPException, _explain_http)
    web.add_exception_handler(RequestValidationError, _explain_validation)
    web.add_middleware(_Guard, options=web.state.options)
    return web


class _Guard:
    """What every request passes: the right host, forms of our own only, and headers on every answer."""

    def __init__(self, app: ASGIApp, *, options: WebOptions) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what must not pass; put the headers on everything else."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused = self._refuse(request)
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(PAGE_POLICY).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refuse(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        wants_content = request.url.path.startswith(_CONTENT_PATH)
        if is_content_host(self._options, host) is not wants_content:
            elsewhere = app_base(self._options, scheme=request.url.scheme, host=host)
            if wants_content or elsewhere is None:
                return PlainTextResponse("This host name does not serve that.", 404, headers_for(PAGE_POLICY))
            return RedirectResponse(elsewhere + _path_and_query(request))
        if request.method not in ("GET", "HEAD") and not is_own_form(request):
            return _failed(request, 403, "This form was not sent from a page of this server.")
        return None


def _path_and_query(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


async def _ask_to_log_in(request: Request, _error: Exception) -> Response:
    if request.method == "GET" and "text/event-stream" not in request.headers.get("accept", ""):
        back = _path_and_query(request)
        return RedirectResponse(f"/login?back={back}" if back != "/" else "/login", 303)
    return _failed(request, 401, "Log in first.")


async def _explain(request: Request, error: Exception) -> Response:
    assert isinstance(error, BellrockError)  # noqa: S101  (that is what it is registered for)
    return _failed(request, _STATUS.get(type(error), 500), error.message)


async def _explain_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _failed(request, error.status_code, "The address may be old, or it belongs to another account.")


async def _explain_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    problems = error.errors()
    if any(problem["loc"][0] == "path" for problem in problems):
        return _failed(request, 404, "The address may be old, or it belongs to another account.")
    said = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in problems)
    return _failed(request, 400, said)


def _failed(request: Request, status: int, message: str) -> Response:
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page:
        phrase = HTTPStatus(status).phrase
        body = {"statusCode": status, "error": phrase, "message": message}
        return JSONResponse(body, status, headers_for(PAGE_POLICY))
    heading = _HEADINGS.get(status, HTTPStatus(status).phrase)
    context = {"status": status, "heading": heading, "message": message}
    return page(request, "error.html", context, status=status, headers=headers_for(PAGE_POLICY))
