"""Every page in every state, drawn by the real templates: look at them with

python -m tests.browser.gallery FOLDER
"""

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from playwright.async_api import Browser, async_playwright
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from bellrock.domain.access import Role
from bellrock.web import run_page, runners_page, session_page
from bellrock.web.render import STATIC, asset_version, page
from bellrock.web.routes.checks import CheckRow, KeptRow
from bellrock.web.routes.loading import chosen_run, tests_panel
from bellrock.web.routes.sessions import SessionFilter
from bellrock.web.security import PAGE_POLICY, headers_for
from tests.browser import examples
from tests.browser.examples import EXAMPLES, Example
from tests.browser.serving import launch_chromium, serving

SIZES = {"wide": (1280, 900), "phone": (390, 844)}


@dataclass(frozen=True)
class _Clock:
    def clock(self) -> datetime:
        return examples.NOW


def create_gallery() -> FastAPI:
    """An application that serves the examples under /session/NAME and /run/NAME, and the lists."""
    gallery = FastAPI()
    gallery.state.platform = _Clock()
    gallery.mount(f"/static/{asset_version()}", StaticFiles(directory=STATIC))

    @gallery.get("/{shown}/{name}")
    async def show(request: Request, shown: str, name: str, role: Role = Role.OWNER) -> Response:
        request.state.principal = examples.principal(role)
        context, template = _context(shown, name, role)
        return page(request, template, context, headers=headers_for(PAGE_POLICY))

    return gallery


def _context(shown: str, name: str, role: Role) -> tuple[dict[str, object], str]:
    if shown == "login":
        return {"problem": "This key is not known." if name == "refused" else None, "back": "/"}, "login.html"
    if shown == "error":
        message = "The address may be old, or it belongs to another account."
        return {"status": 404, "heading": "No such page on this rock", "message": message}, "error.html"
    if shown == "checks":
        return _checks(empty=name == "empty"), "checks.html"
    if shown == "runners":
        built_runners = runners_page.build(examples.RUNNERS[name](), at=examples.NOW)
        return {"page": built_runners, "stream": None}, "runners.html"
    if shown == "sessions":
        return _sessions(role, empty=name == "empty"), "sessions.html"
    example = EXAMPLES[name]()
    built = session_page.build(example.view, examples.principal(role), progress=example.progress)
    common = {"page": built, "now": examples.NOW, "stream": None}
    if shown == "session":
        run = chosen_run(example.view, None)
        tests = tests_panel(built, run, show="all", progress=example.progress.get(run.run.id))
        return {**common, "tests": tests}, "session.html"
    if shown == "cancel":
        return {**common, "run_id": None, "what": "the whole session"}, "cancel.html"
    return {**common, **_run(example, built)}, "run.html"


def _run(example: Example, built: session_page.SessionPage) -> dict[str, object]:
    run, row = example.view.runs[0], built.rows[0]
    stages = [event for event in example.tape.events if event.type == "stage"]
    detail = run_page.build(run, row, stages=stages, open_link=lambda _: ("#", "Open"), can_open=True)
    lines = tuple(run_page.log_lines(example.tape.events))
    history = run_page.History(lines, tuple(stages), len(example.tape.events), cut=False)
    return {"detail": detail, "history": history, "variables": examples.check().environment}


def _checks(*, empty: bool) -> dict[str, object]:
    rows = [
        CheckRow(examples.check("Shop"), examples.failed().view),
        CheckRow(examples.check("Harbour booking", tags=()), examples.running().view),
        CheckRow(examples.check("Tide tables, a check with quite a long name", tags=("tides",)), None),
    ]
    shown = [] if empty else rows
    kept = [] if empty else [KeptRow("dashboard", "Tides at a glance", "harbour")]
    return {"rows": shown, "kept": kept, "total": len(shown), "search": "", "page": 1, "pages": 1}


def _sessions(role: Role, *, empty: bool) -> dict[str, object]:
    made = [build() for build in EXAMPLES.values()]
    who = examples.principal(role)
    pages = [session_page.build(example.view, who, progress=example.progress) for example in made]
    return {
        "pages": [] if empty else pages,
        "filter": SessionFilter(),
        "filtered": False,
        "first": True,
        "first_address": "/sessions",
        "next_address": "/sessions?next=x",
        "stream": "/sessions/live",
        "now": examples.NOW,
    }


STATES = [
    *(f"session/{name}" for name in EXAMPLES),
    *(f"run/{name}" for name in EXAMPLES),
    "checks/full",
    "checks/empty",
    "sessions/full",
    "sessions/empty",
    *(f"runners/{name}" for name in examples.RUNNERS),
    "login/first",
    "login/refused",
    "error/404",
    "cancel/running",
]


async def photograph(folder: Path, wanted: list[str]) -> None:
    """Screenshots of the states, in light and dark, wide and on a phone."""
    async with serving(create_gallery()) as base, async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        for state in wanted or STATES:
            for theme in ("light", "dark"):
                for size in SIZES:
                    await _photograph(browser, f"{base}/{state}", folder=folder, theme=theme, size=size)
        await browser.close()


async def _photograph(browser: Browser, address: str, *, folder: Path, theme: str, size: str) -> None:
    width, height = SIZES[size]
    context = await browser.new_context(
        color_scheme="dark" if theme == "dark" else "light", viewport={"width": width, "height": height}
    )
    tab = await context.new_page()
    await tab.clock.set_fixed_time(examples.NOW)
    await tab.goto(address)
    name = "-".join(address.split("/")[-2:])
    await tab.screenshot(path=folder / f"{name}-{theme}-{size}.png", full_page=True)
    await context.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(photograph(target, sys.argv[2:]))
