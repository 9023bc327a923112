"""What the control plane does by itself, for as long as it runs.

A loop outlives every fault of its step: the fault is logged, and the step is tried again, ever later.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bellrock.measures import LoopMeasures
from bellrock.services.heartbeat_monitors import mark_missed
from bellrock.services.janitor import tidy
from bellrock.services.platform import Platform
from bellrock.services.reap import reap, resend_cancel_signals, sweep
from bellrock.services.relay import ORDERS_AT_ONCE, relay_due_orders
from bellrock.services.rpc import serve_runners
from bellrock.services.scheduler import Scheduler
from bellrock.services.tick import SUITES, Lane
from bellrock.services.tick_batches import MONITOR_TICKS, tend_batches

log = structlog.get_logger(__name__)

_LONGEST_BACKOFF_S = 10.0
_STEP_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Loop:
    """A step, how often at least, and what makes it happen at once. ``step`` says how much it did.

    A step that did ``full_step`` may have left something to do: it is not rested upon. Only with a bell.
    """

    name: str
    step: Callable[[], Awaitable[int]]
    every_s: float
    bell: asyncio.Event | None = None
    full_step: int = 1


async def run_loops(platform: Platform, *, started: asyncio.Event | None = None) -> None:
    """Every loop and the runners' rpc server, until cancelled. Survives faults of parts.

    ``started`` is set once runners are answered.
    """
    async with in_touch_with_runners(platform):
        if started is not None:
            started.set()
        async with asyncio.TaskGroup() as group:
            for loop in loops_of(platform):
                group.create_task(supervise(loop, platform.measures.loops), name=f"loop-{loop.name}")
            if platform.settings.schedules:
                for lane in (SUITES, MONITOR_TICKS):
                    group.create_task(keep_schedules(platform, lane), name=f"loop-{lane.name}")


async def keep_schedules(platform: Platform, lane: Lane) -> None:
    """Run checks on their schedules whenever this server leads, until cancelled. It rests by itself."""
    scheduler = Scheduler(platform, lane)
    try:
        await supervise(Loop(lane.name, scheduler.step, every_s=0), platform.measures.loops)
    finally:
        await scheduler.resign()


@asynccontextmanager
async def in_touch_with_runners(platform: Platform) -> AsyncIterator[None]:
    """Runners are answered; those who are to stop are told again, now and after each reconnect."""

    async def signal_again() -> None:
        await resend_cancel_signals(platform)

    platform.bus.on_reconnect(signal_again)
    subscriptions = await serve_runners(platform)
    try:
        await resend_cancel_signals(platform)
        yield
    finally:
        for subscription in subscriptions:
            await subscription.close()


def loops_of(platform: Platform) -> tuple[Loop, ...]:
    """The loops of a control plane."""
    settings = platform.settings
    return (
        Loop(
            "relay",
            lambda: relay_due_orders(platform),
            settings.relay_poll_s,
            platform.outbox_bell,
            full_step=ORDERS_AT_ONCE,
        ),
        Loop("reaper", lambda: reap(platform), settings.reaper_interval_s),
        Loop("sweeper", lambda: sweep(platform), settings.sweeper_interval_s),
        Loop("heartbeats", lambda: mark_missed(platform), settings.heartbeats_interval_s),
        Loop("batches", lambda: tend_batches(platform), settings.batches_interval_s),
        Loop("janitor", lambda: tidy(platform), settings.janitor_interval_s),
    )


async def supervise(loop: Loop, measures: LoopMeasures) -> None:
    """Repeat a loop's step until cancelled."""
    faults = 0
    failures = measures.step_failures.labels(loop.name)
    while True:
        if loop.bell is not None:
            # Cleared before the step: what is rung during it must not be slept through.
            loop.bell.clear()
        try:
            async with asyncio.timeout(_STEP_DEADLINE_S):
                did = await loop.step()
        except Exception:  # a supervisor: one bad row or a lost connection must not end the platform
            faults += 1
            failures.inc()
            log.exception("loop.step_failed", loop=loop.name, faults=faults)
            await asyncio.sleep(min(_LONGEST_BACKOFF_S, 0.25 * 2 ** min(faults, 10)))
            continue
        faults = 0
        measures.last_step_at_s.labels(loop.name).set(time.time())
        if loop.bell is None or did < loop.full_step:
            await _rest(loop)


async def _rest(loop: Loop) -> None:
    if loop.bell is None:
        await asyncio.sleep(loop.every_s)
        return
    try:
        async with asyncio.timeout(loop.every_s):
            await loop.bell.wait()
    except TimeoutError:
        return
