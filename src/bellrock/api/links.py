"""The addresses we give away: pages about things, and files of runs that work without a key."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Request

from bellrock.api.auth import Caller, PlatformOf, config_of
from bellrock.api.sealed import seal_run
from bellrock.domain.access import Principal
from bellrock.services.platform import Platform


@dataclass(frozen=True, slots=True)
class Links:
    """Makes addresses for one caller. ``base`` has no slash at its end."""

    base: str
    platform: Platform
    principal: Principal
    lifetime_s: int

    def session(self, session_id: UUID) -> str:
        """The page of a session of either kind."""
        return f"{self.base}/sessions/{session_id}"

    def run(self, session_id: UUID, run_id: UUID) -> str:
        """The page of a run, which shows its results."""
        return f"{self.base}/sessions/{session_id}/runs/{run_id}"

    def ping(self, token: str) -> str:
        """Where a heartbeat monitor is pinged."""
        return f"{self.base}/ping/{token}"

    def artifact(self, run_id: UUID, name: str, *, attempt: int) -> str:
        """A file of a run, to be fetched without a key for a while."""
        sealed = seal_run(self.platform, self.principal, run_id, attempt=attempt, lifetime_s=self.lifetime_s)
        return f"{self.base}/v1/artifacts/{run_id}/{quote(name)}?signature={sealed}"


async def _links(request: Request, platform: PlatformOf, principal: Caller) -> Links:
    config = config_of(request)
    base = (config.public_url or str(request.base_url)).rstrip("/")
    return Links(base, platform, principal, config.link_lifetime_s)


LinksOf = Annotated[Links, Depends(_links)]
