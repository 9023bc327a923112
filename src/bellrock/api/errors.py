"""Which error becomes which HTTP status, and the one body that all errors share.

    {"statusCode": 404, "error": "Not Found", "message": "...", "errorCode": "..."}

``message`` is for the person who asked; ``errorCode``, where there is one, for their program.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from bellrock.api.bodies.base import Answer
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
from bellrock.services.bad_input import in_words

log = structlog.get_logger(__name__)

_STATUS: dict[type[BellrockError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    NotBuilt: HTTPStatus.NOT_IMPLEMENTED,
}
_LONGEST_ECHO = 80
_UNREADABLE = "There was an error parsing the body"  # FastAPI's word for it


class ErrorBody(Answer):
    """The body of every answer that is not a success."""

    status_code: int
    error: str
    message: str
    error_code: str | None = None


class StillRunning(Exception):
    """The wait of a completion request is over and the session is not: ask again."""


def error_response(
    status: int,
    message: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error in the one shape."""
    body = ErrorBody(status_code=status, error=HTTPStatus(status).phrase, message=message, error_code=code)
    return JSONResponse(body.model_dump(exclude_none=True), status, headers=dict(headers or {}))


def response_to(error: BellrockError) -> JSONResponse:
    """The answer to an error raised on purpose."""
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return error_response(_STATUS[type(error)], error.message, code=error.code, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of this application in the one shape."""
    app.add_exception_handler(BellrockError, _on_bellrock_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(StillRunning, _on_still_running)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_fault)


async def _on_bellrock_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BellrockError)  # noqa: S101  (registered for this class only)
    return response_to(error)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    message = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and message == HTTPStatus.NOT_FOUND.phrase:
        message = f"There is nothing at {request.url.path[:_LONGEST_ECHO]}."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{request.method} is not allowed here. Allowed: {allowed}."
    elif message == _UNREADABLE:
        message = "The body cannot be read: it has to be JSON, in UTF-8."
    return error_response(error.status_code, message, headers=error.headers)


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return error_response(HTTPStatus.BAD_REQUEST, first_problem(error.errors()))


async def _on_still_running(_: Request, __: Exception) -> JSONResponse:
    message = "The session is still running. Ask again."
    return error_response(HTTPStatus.REQUEST_TIMEOUT, message, headers={"Retry-After": "1"})


async def _on_disconnect(_: Request, __: Exception) -> JSONResponse:
    return error_response(HTTPStatus.BAD_REQUEST, "The request ended before its body was complete.")


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    log_id = uuid4().hex[:12]
    log.error("request.fault", log_id=log_id, path=request.url.path, exc_info=error)
    message = f"Something went wrong on our side. The log has it under {log_id}."
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, message, code="UNEXPECTED")


def first_problem(problems: Sequence[Mapping[str, Any]]) -> str:
    """The first problem Pydantic found, as one sentence that names the field and what is allowed."""
    problem = problems[0]
    place, *path = problem["loc"] or ("body",)
    said = in_words(problem)
    if problem["type"] == "json_invalid":
        reason = problem.get("ctx", {}).get("error", "it does not parse")
        return f"The body is not valid JSON: {reason}."
    name = _path(path)
    if not name:
        if problem["type"] == "missing":
            return "A JSON body is needed (Content-Type: application/json)."
        if problem["type"].startswith(("dict", "model")):
            return "The body has to be a JSON object (Content-Type: application/json)."
        return f"The {place} is not right: {said}."
    if problem["type"] == "missing":
        return f"{name} ({place}) is missing."
    return f"{name} ({place}) is not right: {said}."


def _path(parts: Sequence[object]) -> str:
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text
