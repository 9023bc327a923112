"""Carries requests to the server. Decides what is tried again, and what a refusal is called.

Only GET is tried again, since only there a lost answer changes nothing: after a broken connection,
429, or 502 to 504. The loop is our own because it obeys Retry-After and must not write logs.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx2

from bellrock import __version__
from bellrock.client.errors import ApiError, OddAnswer, Unreachable

Parameter = str | int | bool | Sequence[str] | None
Parameters = Mapping[str, Parameter]

ATTEMPTS = 4
LONGEST_WAIT_S = 10.0
_FIRST_WAIT_S = 0.2
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is and whom the client acts for. ``url`` has no slash at its end."""

    url: str
    api_key: str = field(repr=False)
    account_id: UUID | None = None


class Transport:
    """One connection pool to one server. Use it as an async context manager."""

    def __init__(self, server: Server, *, timeout_s: float = 30.0) -> None:
        headers = {
            "Authorization": f"Bearer {server.api_key}",
            "User-Agent": f"bellrock/{__version__}",
            "x-checkly-source": "CLI",
        }
        if server.account_id is not None:
            headers["X-Checkly-Account"] = str(server.account_id)
        self.server = server
        # Reading the machine's certificates takes a quarter of a second that plain HTTP need not wait.
        verify = not server.url.startswith("http://")
        self._client = httpx2.AsyncClient(
            base_url=server.url, headers=headers, timeout=timeout_s, verify=verify
        )

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, path: str, *, query: Parameters | None = None, timeout_s: float | None = None) -> Any:  # noqa: ANN401  # JSON
        """The JSON of a GET, tried again as the module says.

        Raises:
            ApiError: the server refused (408 of long polls included).
            Unreachable: no answer in any attempt.
            OddAnswer: no JSON.
        """
        wait_s = _FIRST_WAIT_S
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = await self._send("GET", path, query=query, timeout_s=timeout_s)
            except Unreachable:
                if last:
                    raise
            else:
                if response.status_code not in _TRY_AGAIN or last:
                    return _json_of(response)
                wait_s = max(wait_s, _retry_after_s(response))
            # jitter, so that many clients do not come back at the same moment
            await asyncio.sleep(min(LONGEST_WAIT_S, wait_s * random.uniform(0.8, 1.2)))  # noqa: S311
            wait_s *= 3
        raise AssertionError("the last attempt returns or raises")

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        query: Parameters | None = None,
        timeout_s: float | None = None,
    ) -> Any:  # noqa: ANN401  # JSON
        """The JSON of a POST, None for an empty answer. Never tried again. Errors as `get`."""
        return _json_of(await self._send("POST", path, query=query, body=body, timeout_s=timeout_s))

    async def upload(self, path: str, content: bytes) -> Any:  # noqa: ANN401  # JSON
        """POST bytes. Errors as `get`."""
        return _json_of(await self._send("POST", path, content=content, timeout_s=300.0))

    async def delete(self, path: str, *, query: Parameters | None = None) -> Any:  # noqa: ANN401  # JSON
        """The JSON of a DELETE, None for an empty answer. Errors as `get`."""
        return _json_of(await self._send("DELETE", path, query=query))

    @asynccontextmanager
    async def events(self, path: str, *, last_event_id: str) -> AsyncIterator[httpx2.EventSource]:
        """Open a stream of server-sent events, after the one with this id. Errors as `get`.

        The server sends a comment at least every 15 s, so 60 s of silence is a dead connection.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        timeout = httpx2.Timeout(10.0, read=60.0)
        try:
            async with self._client.stream("GET", path, headers=headers, timeout=timeout) as response:
                if response.is_error:
                    await response.aread()
                    _json_of(response)
                yield httpx2.EventSource(response)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Parameters | None = None,
        body: object = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
    ) -> httpx2.Response:
        arguments: dict[str, Any] = {}
        if body is not None:
            arguments["json"] = body
        if content is not None:
            arguments["content"] = content
            arguments["headers"] = {"Content-Type": "application/octet-stream"}
        if timeout_s is not None:
            arguments["timeout"] = timeout_s
        known = {key: value for key, value in (query or {}).items() if value is not None}
        try:
            return await self._client.request(method, path, params=known or None, **arguments)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx2.TransportError) -> Unreachable:
        reason = str(error) or type(error).__name__
        return Unreachable(f"No answer from {self.server.url}: {reason}")


def _retry_after_s(response: httpx2.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _json_of(response: httpx2.Response) -> Any:  # noqa: ANN401  # JSON
    if response.is_error:
        raise _refusal(response)
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise OddAnswer(f"{response.request.url} did not answer with JSON: is it Bellrock?") from error


def _refusal(response: httpx2.Response) -> ApiError:
    status = response.status_code
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return ApiError(body["message"], status=status, code=body.get("errorCode"))
    return ApiError(f"{response.request.url.path} answered {status} {response.reason_phrase}.", status=status)
