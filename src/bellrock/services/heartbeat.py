"""Runners say what they still have; they learn what to stop and what is no longer theirs."""

from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform
from bellrock.wire.messages import HeartbeatReply, HeartbeatRequest


async def heartbeat(platform: Platform, request: HeartbeatRequest) -> HeartbeatReply:
    """Extend the leases of the runs held. ``stop`` repeats until the run is final."""
    raise NotBuilt("heartbeat")
