"""Templates: one environment, and pages with what every page knows (principal, theme, asset version)."""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bellrock.domain.access import Right
from bellrock.web import session_page, words

STATIC = Path(__file__).parent / "static"
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "bellrock_theme"


@lru_cache
def asset_version() -> str:
    """A digest of all static files: it is part of their addresses, so that they can be kept for ever."""
    digest = sha256()
    for file in sorted(STATIC.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(STATIC).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a static file."""
    return f"/static/{asset_version()}/{name}"


@lru_cache
def environment() -> Environment:
    """The templates, escaping everything and failing on names that do not exist."""
    made = Environment(
        loader=PackageLoader("bellrock.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static_url=static_url, words=words, Right=Right, via=session_page.via)
    made.filters.update(
        duration=words.duration,
        seconds=words.seconds,
        size=words.size,
        clock=words.clock,
        moment=words.moment,
        day_and_time=words.day_and_time,
        plain=words.plain,
        compact_json=lambda value: json.dumps(value, separators=(",", ":")),
    )
    return made


def theme_of(request: Request) -> str:
    """The theme a person chose, else ``auto``."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A whole page."""
    known = {
        "request": request,
        "path": request.url.path,
        "principal": getattr(request.state, "principal", None),
        "theme": theme_of(request),
        "server_now_ms": int(request.app.state.platform.clock().timestamp() * 1000),
    }
    text = environment().get_template(template).render({**known, **(context or {})})
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store", **(headers or {})})


def fragment(template: str, macro: str, *arguments: object) -> str:
    """One macro of a template: the same code draws it in the page and in a live update."""
    module = environment().get_template(template).make_module({})
    return str(getattr(module, macro)(*arguments)).strip()
