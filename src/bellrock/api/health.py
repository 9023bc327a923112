"""Whether this server can do its work: 200 when database, bus and a runner answer, 503 otherwise."""

from typing import Literal

from fastapi import APIRouter, Response

from bellrock.api.auth import PlatformOf
from bellrock.api.bodies.base import Answer
from bellrock.services import runners
from bellrock.services.views import RunnerView

router = APIRouter(tags=["Health"])


class Containment(Answer):
    """How one connected runner owns the processes of its runs. It is not named: this path needs no key.

    ``leftoverProcesses`` could not be ended: anything but 0 needs a person. ``orphansSwept`` were left by
    the runner's former life and ended at its start.
    """

    location: str
    isolation: str
    guarantees: str
    leftover_processes: int
    orphans_swept: int


class Health(Answer):
    """What works. ``locations`` are those that have a connected runner."""

    status: Literal["ok", "not ready"]
    database: bool
    bus: bool
    runner: bool
    locations: tuple[str, ...]
    containment: tuple[Containment, ...]


@router.get("/healthz", responses={503: {"model": Health, "description": "Something does not work"}})
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
        containment=tuple(_containment(runner) for runner in ready.containment),
    )


def _containment(runner: RunnerView) -> Containment:
    return Containment(
        location=runner.location,
        isolation=runner.isolation,
        guarantees=runner.guarantees,
        leftover_processes=runner.leftover_processes,
        orphans_swept=runner.orphans_swept,
    )
