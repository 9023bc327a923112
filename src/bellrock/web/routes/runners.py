"""The runners: what contains their runs, and whether anything was ever left behind."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bellrock.domain.access import Principal
from bellrock.services.platform import Platform
from bellrock.services.runners import list_runners
from bellrock.web import live_swap, runners_page
from bellrock.web.live_swap import Sent
from bellrock.web.login import LoggedIn, Parts
from bellrock.web.render import fragment, page
from bellrock.web.routes.live import LIST_POLL_S, QUIET_POLLS, still_allowed, stream

router = APIRouter()


@router.get("/runners")
async def runners(request: Request, platform: Parts, principal: LoggedIn) -> Response:
    """Every runner, the connected ones first."""
    built = runners_page.build(await list_runners(platform, principal), at=platform.clock())
    return page(request, "runners.html", {"page": built, "stream": "/runners/live"})


@router.get("/runners/live")
async def live_runners(request: Request, platform: Parts, principal: LoggedIn) -> StreamingResponse:
    """Keeps the page of runners up to date."""
    return stream(_updates(request, platform, principal))


async def _updates(request: Request, platform: Platform, principal: Principal) -> AsyncIterator[bytes]:
    sent, ids, quiet = Sent(), None, 0
    while await still_allowed(request, platform):
        built = runners_page.build(await list_runners(platform, principal), at=platform.clock())
        cards = {card.element_id: fragment("_runner.html", "card", card) for card in built.cards}
        changed = sent.changed({"runners-head": fragment("_runner.html", "head", built)} | cards)
        if ids != list(cards):
            ids = list(cards)
            changed += live_swap.replace("runner-cards", fragment("_runner.html", "cards", built))
        quiet = 0 if changed else quiet + 1
        if changed:
            yield live_swap.message(changed)
        elif quiet % QUIET_POLLS == 1:
            yield live_swap.KEEP_ALIVE
        await asyncio.sleep(LIST_POLL_S)
