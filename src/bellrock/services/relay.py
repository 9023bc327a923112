"""The relay carries out orders of the outbox: it offers runs and signals runners.

An order leaves the outbox only once the bus has taken it over; one that a crash left there is carried out
again. Everything it does may therefore happen twice, and is harmless twice.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from bellrock.engine.port import BusError, NobodyListening
from bellrock.services.platform import Platform
from bellrock.store.outbox import OutboxRow, drop_orders, postpone, take_due
from bellrock.store.runs import load_run
from bellrock.wire import subjects
from bellrock.wire.messages import CancelSignal, Offer

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 100
_TAKEN_S = 15.0  # longer than the bus retries an offer by itself
_LONGEST_BACKOFF_S = 10.0


async def relay_due_orders(platform: Platform) -> int:
    """Carry out what is due, at most one batch; how many orders that were."""
    at = platform.clock()
    async with platform.database.write() as connection:
        again_at = at + timedelta(seconds=_TAKEN_S)
        rows = await take_due(connection, at, again_at=again_at, limit=ORDERS_AT_ONCE)
    if not rows:
        return 0
    done = await asyncio.gather(*(_carry_out(platform, row) for row in rows))
    await _settle(platform, list(zip(rows, done, strict=True)))
    return len(rows)


async def _settle(platform: Platform, outcomes: list[tuple[OutboxRow, bool]]) -> None:
    async with platform.database.write() as connection:
        await drop_orders(connection, [row.id for row, done in outcomes if done])
        for row, done in outcomes:
            if not done:
                wait_s = min(_LONGEST_BACKOFF_S, 0.25 * 2 ** min(row.tries, 10))
                until = platform.clock() + timedelta(seconds=wait_s)
                await postpone(connection, [row.id], until)


async def _carry_out(platform: Platform, row: OutboxRow) -> bool:
    """True when the order is done with, False when it has to be tried again."""
    try:
        match row.kind:
            case "dispatch":
                await _dispatch(platform, row)
            case "signal":
                await _signal(platform, row)
            case _:
                log.error("outbox.unknown_order", kind=row.kind, order_id=str(row.id))
    except BusError as error:
        log.warning("outbox.order_failed", kind=row.kind, order_id=str(row.id), error=str(error))
        return False
    return True


async def _dispatch(platform: Platform, row: OutboxRow) -> None:
    offer = Offer(run_id=row.body["run_id"])
    await platform.bus.offer(row.body["location"], offer.encode(), message_id=str(row.id))


async def _signal(platform: Platform, row: OutboxRow) -> None:
    run_id = UUID(row.body["run_id"])
    async with platform.database.read() as connection:
        stored = await load_run(connection, run_id)
    if stored is None or stored.run.is_final or stored.run.cancel is None:
        return
    cancel = stored.run.cancel
    signal = CancelSignal(run_id=run_id, by=cancel.by, via=str(cancel.via))
    subject = subjects.cancel(row.body["location"], run_id)
    try:
        await platform.bus.request(subject, signal.encode(), timeout_s=platform.settings.signal_timeout_s)
    except (NobodyListening, TimeoutError):
        # The durable path takes over: the reply to the runner's next heartbeat says stop.
        platform.measures.recovery.signals_unheard.inc()
        log.info("cancel.signal_unheard", run_id=str(run_id))
