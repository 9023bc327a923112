"""What the control plane does by itself, for as long as it runs."""

from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform


async def run_loops(platform: Platform) -> None:
    """Relay, reaper, sweeper and the runners' rpc server, until cancelled. Survives faults of parts."""
    raise NotBuilt("loops")
