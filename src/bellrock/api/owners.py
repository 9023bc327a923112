"""The account's projects, for answers that name a thing's owner."""

from typing import Annotated

from fastapi import Depends

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.bindings import Projects
from bellrock.services import projects


async def _projects(platform: PlatformOf, caller: Caller) -> Projects:
    return {each.logical_id: each for each in await projects.list_projects(platform, caller)}


ProjectsOf = Annotated[Projects, Depends(_projects)]
