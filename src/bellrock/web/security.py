"""What protects the pages: response headers, the origin check of forms, and two kinds of content policy."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

PAGE_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For our own pages: everything from here, no inline script and no inline style."""

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self' blob: data:; "
    "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""For what users made. Playwright's report carries its data in an inline script, so inline is allowed:
on this origin there is nothing a script could steal."""

FILE_POLICY = "default-src 'none'; sandbox"
"""For single files served beside our pages: images, videos and downloads need nothing at all."""

_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def headers_for(policy: str) -> dict[str, str]:
    """The headers of an answer under this content policy."""
    return {**_ALWAYS, "Content-Security-Policy": policy}


def is_own_form(request: Request) -> bool:
    """Whether a POST comes from a page of ours: browsers say where from, and other sites cannot lie."""
    origin = request.headers.get("origin")
    if origin:
        return urlsplit(origin).netloc == request.headers.get("host")
    return request.headers.get("sec-fetch-site") in ("same-origin", "none")


def local_path(address: str | None, *, otherwise: str = "/sessions") -> str:
    """A path of ours to go back to; anything that could lead elsewhere becomes ``otherwise``."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return otherwise
    return address if all(" " <= letter != "\\" for letter in address) else otherwise
