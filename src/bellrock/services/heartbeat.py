"""Runners say what they still have; they learn what to stop and what is no longer theirs."""

from uuid import UUID

from bellrock.domain.runs import Heartbeat, LeaseExtended
from bellrock.services.platform import Platform
from bellrock.services.work import advance_together, unit_of_work
from bellrock.store.runners import save_seen
from bellrock.wire.messages import HeartbeatReply, HeartbeatRequest

_LONGEST_STAGE = 32


async def heartbeat(platform: Platform, request: HeartbeatRequest) -> HeartbeatReply:
    """Extend the leases of the runs held. ``stop`` repeats until the run is final."""
    lease_s = platform.settings.lease_s
    async with unit_of_work(platform) as work:
        decisions = await advance_together(
            work,
            {held.run_id: Heartbeat(held.token, lease_s) for held in request.runs},
            stages={held.run_id: held.stage[:_LONGEST_STAGE] for held in request.runs},
        )
        await save_seen(
            work.connection,
            request.runner_id,
            request.location,
            busy_slots=request.busy_slots,
            leftover_processes=request.leftover_processes,
            at=work.at,
        )
    extended: dict[UUID, bool] = {
        run_id: fact.stop
        for run_id, decision in decisions.items()
        for fact in decision.facts
        if isinstance(fact, LeaseExtended)
    }
    held_ids = dict.fromkeys(held.run_id for held in request.runs)
    return HeartbeatReply(
        stop=tuple(run_id for run_id in held_ids if extended.get(run_id)),
        lost=tuple(run_id for run_id in held_ids if run_id not in extended),
    )
