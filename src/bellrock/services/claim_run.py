"""A runner asks for a run: it gets everything it needs, or the reason why not."""

from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform
from bellrock.wire.messages import ClaimReply, ClaimRequest


async def claim_run(platform: Platform, location: str, request: ClaimRequest) -> ClaimReply:
    """Give the queued run to the runner that asks, under its token. Asking twice is harmless.

    Refused with a reason: unknown run, another location's, taken, cancelled, final.
    """
    raise NotBuilt("claim")
