"""What anybody may know, without a key: where checks can run, and what runs them."""

from typing import Literal

from fastapi import APIRouter

from bellrock.api.auth import PlatformOf
from bellrock.api.bodies.base import Answer
from bellrock.api.locations import LOCATION_NAMES
from bellrock.domain.errors import NotFound
from bellrock.services import runners

router = APIRouter(prefix="/v1", tags=["Catalog"])


class Location(Answer):
    """A location. Checks name it by its region."""

    region: str
    name: str


class Runtime(Answer):
    """What a check runs on."""

    name: str
    multi_step_support: bool
    node_js_version: str
    stage: Literal["CURRENT"]
    description: str
    dependencies: dict[str, str]


# Suites bring their own dependencies by their lock file, so there is one runtime and it lists none.
_RUNTIME = Runtime(
    name="2026.04",
    multi_step_support=False,
    node_js_version="20",
    stage="CURRENT",
    description="The runner's Node.js and Chromium; everything else comes from a suite's own lock file.",
    dependencies={},
)
DEFAULT_RUNTIME = _RUNTIME.name


@router.get("/locations")
async def list_locations(platform: PlatformOf) -> list[Location]:
    """All locations that have a well-known name, and those that have a runner now."""
    served = (await runners.readiness(platform)).locations
    known = [Location(region=region, name=name) for region, name in LOCATION_NAMES.items()]
    own = [Location(region=name, name=name) for name in sorted(set(served) - LOCATION_NAMES.keys())]
    return [*known, *own]


@router.get("/runtimes")
async def list_runtimes() -> list[Runtime]:
    """All runtimes."""
    return [_RUNTIME]


@router.get("/runtimes/{id}")
async def get_runtime(id: str) -> Runtime:  # noqa: A002  (the contract's name)
    """One runtime."""
    if id != _RUNTIME.name:
        raise NotFound(f"There is no runtime {id[:50]!r}. There is {_RUNTIME.name}.")
    return _RUNTIME
