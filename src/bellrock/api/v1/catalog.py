"""What anybody may know, without a key: where checks can run, what runs them, and from which addresses."""

import json
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from bellrock.api.auth import PlatformOf
from bellrock.api.bodies.base import Answer
from bellrock.api.locations import LOCATION_NAMES
from bellrock.domain.errors import NotFound
from bellrock.resources import script_kit
from bellrock.services import private_locations, runners

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


def _packages_of_scripts() -> dict[str, str]:
    """What scripts of browser and multistep checks may import. Suites bring their own, by a lock file."""
    toolkit = json.loads((script_kit() / "toolkit" / "package.json").read_bytes())
    helpers = json.loads((script_kit() / "helpers" / "package.json").read_bytes())
    return {**toolkit["dependencies"], helpers["name"]: helpers["version"]}


_RUNTIME = Runtime(
    name="2026.04",
    multi_step_support=True,
    node_js_version="20",
    stage="CURRENT",
    description="The runner's Node.js and Chromium. Scripts find these packages; suites bring their own.",
    dependencies=_packages_of_scripts(),
)
DEFAULT_RUNTIME = _RUNTIME.name


@router.get("/locations")
async def list_locations(platform: PlatformOf) -> list[Location]:
    """All locations that have a well-known name, and those that have a runner now and are nobody's own."""
    private = await private_locations.all_slugs(platform)
    served = set((await runners.readiness(platform)).locations) - private
    known = [Location(region=region, name=name) for region, name in LOCATION_NAMES.items()]
    own = [Location(region=name, name=name) for name in sorted(served - LOCATION_NAMES.keys())]
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


# Runners have the addresses of whoever runs them: there is no list of them that anybody could rely on.


@router.get("/static-ips")
@router.get("/static-ipv6s")
async def list_static_ips() -> list[str]:
    """The fixed addresses that checks come from: none."""
    return []


@router.get("/static-ips-by-region")
@router.get("/static-ipv6s-by-region")
async def list_static_ips_by_region() -> dict[str, list[str]]:
    """The fixed addresses of each region: none."""
    return {}


@router.get("/static-ips.txt", response_class=PlainTextResponse)
@router.get("/static-ipv6s.txt", response_class=PlainTextResponse)
async def list_static_ips_as_text() -> str:
    """The fixed addresses, one a line: none."""
    return ""
