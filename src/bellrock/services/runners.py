"""Who runs: runners introduce themselves, and which locations are served is known from that."""

from bellrock.domain.access import Principal
from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform
from bellrock.services.views import Readiness, RunnerView
from bellrock.wire.messages import Hello, HelloReply


async def greet_runner(platform: Platform, hello: Hello) -> HelloReply:
    """Remember a runner and tell it the rhythm of heartbeats."""
    raise NotBuilt("runners")


async def list_runners(platform: Platform, principal: Principal) -> tuple[RunnerView, ...]:
    """All runners that ever said hello, with whether they are connected."""
    raise NotBuilt("runners")


async def readiness(platform: Platform) -> Readiness:
    """What works right now. Never raises for a part that does not; answers within about a second."""
    raise NotBuilt("runners")
