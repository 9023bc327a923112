"""Whether this server can do its work: 200 when database, bus and a runner answer, 503 otherwise."""

from typing import Literal

from fastapi import APIRouter, Response

from bellrock.api.auth import PlatformOf
from bellrock.api.bodies.base import Answer
from bellrock.services import runners

router = APIRouter(tags=["Health"])


class Health(Answer):
    """What works. ``locations`` are those that have a connected runner."""

    status: Literal["ok", "not ready"]
    database: bool
    bus: bool
    runner: bool
    locations: tuple[str, ...]


@router.get("/healthz")
async def get_health(response: Response, platform: PlatformOf) -> Health:
    """What works and what does not."""
    ready = await runners.readiness(platform)
    response.headers["Cache-Control"] = "no-store"
    response.status_code = 200 if ready.ok else 503
    return Health(
        status="ok" if ready.ok else "not ready",
        database=ready.database,
        bus=ready.bus,
        runner=ready.runner,
        locations=ready.locations,
    )
