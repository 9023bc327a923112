"""Runners say what they still have; they learn what to stop and what is no longer theirs."""

from uuid import UUID

from bellrock.domain.runs import Heartbeat, LeaseExtended
from bellrock.services.platform import Platform
from bellrock.services.work import Contended, Work, advance, unit_of_work
from bellrock.store.runners import save_seen
from bellrock.wire.messages import HeartbeatReply, HeartbeatRequest, HeldRun


async def heartbeat(platform: Platform, request: HeartbeatRequest) -> HeartbeatReply:
    """Extend the leases of the runs held. ``stop`` repeats until the run is final."""
    stop: list[UUID] = []
    lost: list[UUID] = []
    async with unit_of_work(platform) as work:
        # In one order everywhere, so that two transactions never wait for each other's rows.
        for held in sorted(request.runs, key=lambda each: each.run_id):
            await _beat(work, held, stop, lost)
        await save_seen(
            work.connection,
            request.runner_id,
            request.location,
            busy_slots=request.busy_slots,
            leftover_processes=request.leftover_processes,
            at=work.at,
        )
    return HeartbeatReply(stop=tuple(stop), lost=tuple(lost))


async def _beat(work: Work, held: HeldRun, stop: list[UUID], lost: list[UUID]) -> None:
    event = Heartbeat(held.token, work.platform.settings.lease_s)
    try:
        decision = await advance(work, held.run_id, event, stage=held.stage[:32])
    except Contended:
        return  # the lease is longer than many heartbeats: the next one will do
    fact = decision.facts[0] if decision else None
    if not isinstance(fact, LeaseExtended):
        lost.append(held.run_id)
    elif fact.stop:
        stop.append(held.run_id)
