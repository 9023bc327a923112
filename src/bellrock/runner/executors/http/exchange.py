"""A request and the redirects it leads to, until there is a response or a reason why not."""

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from bellrock.runner.executors.http.failures import explain
from bellrock.runner.executors.http.hop import Hop, carry_out
from bellrock.runner.executors.http.request import (
    MOST_REDIRECTS,
    Certificate,
    Moments,
    Request,
    RequestFailed,
    Response,
    Times,
)
from bellrock.runner.executors.http.transfers import Transfers
from bellrock.runner.network import NetworkGuard

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER = 303
_FORGETS_POST = frozenset({301, 302})
_OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
_OF_AN_ORIGIN = frozenset({"authorization", "cookie", "host", "proxy-authorization"})
_PORTS = {"http": 80, "https": 443}

FindCertificate = Callable[[str], Certificate | None]
"""The client certificate for a URL's host."""


async def exchange(
    transfers: Transfers,
    request: Request,
    *,
    deadline: float,
    find_certificate: FindCertificate | None = None,
    guard: NetworkGuard | None = None,
) -> Response:
    """Carry out the request by ``deadline`` (of `time.monotonic`).

    :raises RequestFailed: there is no usable response.
    """
    begun = time.monotonic()
    moments: list[Moments] = []
    while True:
        certificate = find_certificate(request.url) if find_certificate else None
        left_s = deadline - time.monotonic()
        hop = await carry_out(transfers, request, timeout_s=left_s, certificate=certificate, guard=guard)
        moments.append(hop.moments)
        times = Times(tuple(moments))
        redirects = len(moments) - 1
        if hop.error:
            failure = explain(hop, is_redirected=redirects > 0, timeout_s=deadline - begun)
            raise RequestFailed(failure.code, failure.sentence, times=times, blame=failure.blame)
        if not (request.follow_redirects and hop.status in _REDIRECTS and hop.location):
            return _response(hop, times)
        if redirects == MOST_REDIRECTS:
            raise RequestFailed("TOO_MANY_REDIRECTS", f"More than {MOST_REDIRECTS} redirects", times=times)
        request = redirected(request, hop.status, hop.location)


def redirected(request: Request, status: int, location: str) -> Request:
    """What a browser requests after a redirect: which method, body and headers it keeps."""
    headers = request.headers
    method, body, login = request.method, request.body, request.login
    if (status in _FORGETS_POST and method == "POST") or (
        status == _SEE_OTHER and method not in ("GET", "HEAD")
    ):
        method, body = "GET", None
        headers = tuple(each for each in headers if each[0].lower() not in _OF_A_BODY)
    if _origin(location) != _origin(request.url):
        login = None
        headers = tuple(each for each in headers if each[0].lower() not in _OF_AN_ORIGIN)
    return replace(request, url=location, method=method, headers=headers, body=body, login=login)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url, None, None


def _response(hop: Hop, times: Times) -> Response:
    status_text, headers = _headers(hop.lines)
    return Response(
        status=hop.status,
        status_text=status_text,
        headers=headers,
        body=hop.body,
        body_bytes=hop.body_bytes,
        url=hop.url,
        ip=hop.ip,
        redirects=len(times.requests) - 1,
        times=times,
    )


def _headers(lines: list[bytes]) -> tuple[str, dict[str, str]]:
    status_text = ""
    headers: dict[str, str] = {}
    for line in lines:
        text = line.decode("iso-8859-1").strip()
        if text.startswith("HTTP/"):
            # A new response begins, after 100 Continue.
            status_text = text.partition(" ")[2].partition(" ")[2]
            headers = {}
            continue
        name, colon, value = text.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            known = headers.get(name)
            headers[name] = value if known is None else f"{known}, {value}"
    return status_text, headers
