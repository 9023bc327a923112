"""How a request's body reaches its route: unpacked, and never larger than allowed.

The limit counts unpacked bytes, so that a small gzip body cannot become a large one in memory.
"""

import json
import re
import zlib
from http import HTTPStatus
from typing import NoReturn, TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bellrock.api.bodies.base import Ask
from bellrock.api.errors import first_problem
from bellrock.domain.errors import Invalid

_STREAMED = re.compile(r"/(runner/|next/checkly-storage/upload(-code-bundle)?$)")
_ANY_GZIP_HEADER = 31

Body = TypeVar("Body", bound=Ask)


class BodyLimit:
    """Middleware: gunzips JSON bodies and refuses those over the limit. Uploads have their own."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request with a body that is safe to read whole."""
        if scope["type"] != "http" or _STREAMED.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        encoding = Headers(scope=scope).get("content-encoding", "").strip().lower()
        if encoding == "gzip":
            headers = MutableHeaders(scope=scope)
            del headers["content-encoding"]
            del headers["content-length"]
        await self._app(scope, _Unpacked(receive, encoding, max_bytes=self._max_bytes), send)


class _Unpacked:
    """A `receive` that gunzips and counts.

    Errors are HTTP exceptions: the only kind that FastAPI lets through while it reads a body.
    """

    def __init__(self, receive: Receive, encoding: str, *, max_bytes: int) -> None:
        self._receive = receive
        self._encoding = encoding
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._gunzip = zlib.decompressobj(_ANY_GZIP_HEADER) if encoding == "gzip" else None

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        if self._encoding not in ("", "identity", "gzip"):
            _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding has to be gzip or absent.")
        body = message.get("body", b"")
        if self._gunzip and body:
            body = self._inflate(body)
        self._left -= len(body)
        if self._left < 0:
            said = f"The body is too large, maximum allowed: {self._max_bytes}"
            _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        if self._gunzip and not message.get("more_body") and not self._gunzip.eof and self._was_used:
            _refuse(HTTPStatus.BAD_REQUEST, "The body is not a complete gzip stream.")
        return {**message, "body": body}

    _was_used = False

    def _inflate(self, body: bytes) -> bytes:
        self._was_used = True
        try:
            # One byte more than allowed is enough to know.
            return self._gunzip.decompress(body, self._left + 1) if self._gunzip else body
        except zlib.error:
            _refuse(HTTPStatus.BAD_REQUEST, "The body says it is gzip and is not.")


def _refuse(status: HTTPStatus, message: str) -> NoReturn:
    raise HTTPException(status, message)


async def read_optional(request: Request, model: type[Body]) -> Body:
    """The body as a model; no body at all is an empty object, whatever its content type says."""
    raw = await request.body()
    if not raw.strip():
        return model()
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid("The body is not valid JSON.") from None
    if not isinstance(data, dict):
        raise Invalid("The body has to be a JSON object.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problem = error.errors()[0]
        raise Invalid(first_problem([{**problem, "loc": ("body", *problem["loc"])}])) from None
