"""What there is right now, as numbers: asked of the database for every reading of the measures."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bellrock.domain.runs import RunState
from bellrock.measures import Stock
from bellrock.services.platform import Platform
from bellrock.store.artifacts import stored_bytes
from bellrock.store.outbox import waiting_orders
from bellrock.store.runners import StoredRunner, all_runners
from bellrock.store.runs import OpenRuns, open_runs

log = structlog.get_logger(__name__)

_LONGEST_LOOK_S = 5.0
_SHOWN_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.RETRY_WAIT)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database said."""

    open_runs: list[OpenRuns]
    orders: int
    oldest_order_at: datetime | None
    runners: list[StoredRunner]
    artifact_bytes: int


async def read_measures(platform: Platform) -> bytes:
    """All measures in the Prometheus text format.

    Never raises for a database that does not answer: the counters are shown then, and
    `bellrock_database_up` is 0.
    """
    stock = platform.measures.stock
    found = await _look(platform)
    # From here on nothing is awaited: another reading cannot come in between.
    stock.database_up.set(found is not None)
    if found is not None:
        at = platform.clock()
        _set_runs(stock, found, at)
        _set_runners(stock, found, since=at - timedelta(seconds=platform.settings.runner_seen_s))
        stock.outbox_orders.set(found.orders)
        stock.outbox_oldest_s.set(_age_s(found.oldest_order_at, at))
        stock.artifact_bytes.set(found.artifact_bytes)
    return platform.measures.as_text()


async def _look(platform: Platform) -> _Found | None:
    try:
        async with asyncio.timeout(_LONGEST_LOOK_S), platform.database.read() as connection:
            orders, oldest_order_at = await waiting_orders(connection)
            return _Found(
                await open_runs(connection),
                orders,
                oldest_order_at,
                await all_runners(connection),
                await stored_bytes(connection),
            )
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("measures.database_unavailable", error=str(error))
        return None


def _set_runs(stock: Stock, found: _Found, at: datetime) -> None:
    stock.runs.clear()
    stock.oldest_queued_s.clear()
    # A location without runs is shown with 0: a line that vanishes looks like a fault.
    for location in {each.location for each in found.runners} | {each.location for each in found.open_runs}:
        stock.oldest_queued_s.labels(location).set(0)
        for state in _SHOWN_STATES:
            stock.runs.labels(state, location).set(0)
    for group in found.open_runs:
        stock.runs.labels(group.state, group.location).set(group.number)
        if group.state is RunState.QUEUED:
            stock.oldest_queued_s.labels(group.location).set(_age_s(group.waiting_since, at))


def _set_runners(stock: Stock, found: _Found, *, since: datetime) -> None:
    for gauge in (stock.runners_connected, stock.leftover_processes, stock.orphans_swept):
        gauge.clear()
    connected = [runner for runner in found.runners if runner.seen_at >= since]
    numbers = Counter(runner.location for runner in connected)
    for location in {runner.location for runner in found.runners}:
        stock.runners_connected.labels(location).set(numbers[location])
    for runner in connected:
        left = runner.leftover_processes
        stock.leftover_processes.labels(runner.runner_id, runner.location).set(left)
        stock.orphans_swept.labels(runner.runner_id).set(runner.orphans_swept)


def _age_s(since: datetime | None, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds()) if since else 0.0
