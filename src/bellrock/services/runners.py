"""Who runs: runners introduce themselves, and which locations are served is known from that."""

import asyncio
from datetime import timedelta

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.engine.port import BusError
from bellrock.services.platform import Platform
from bellrock.services.views import Readiness, RunnerView
from bellrock.store.runners import all_runners, save_hello
from bellrock.wire.messages import Hello, HelloReply

log = structlog.get_logger(__name__)

_LONGEST_LOOK_S = 1.0


async def greet_runner(platform: Platform, hello: Hello) -> HelloReply:
    """Remember a runner and tell it the rhythm of heartbeats."""
    async with platform.database.write() as connection:
        await save_hello(connection, hello, platform.clock())
    await platform.bus.prepare_queue(hello.location)
    log.info(
        "runner.connected",
        runner_id=hello.runner_id,
        location=hello.location,
        isolation=hello.isolation,
        slots=hello.slots,
    )
    settings = platform.settings
    return HelloReply(heartbeat_s=settings.heartbeat_s, lease_s=settings.lease_s)


async def list_runners(platform: Platform, principal: Principal) -> tuple[RunnerView, ...]:
    """All runners that ever said hello, with whether they are connected."""
    principal.must(Right.VIEW)
    return await _known_runners(platform)


async def _known_runners(platform: Platform) -> tuple[RunnerView, ...]:
    since = platform.clock() - timedelta(seconds=platform.settings.runner_seen_s)
    async with platform.database.read() as connection:
        found = await all_runners(connection)
    return tuple(
        RunnerView(
            runner_id=each.runner_id,
            location=each.location,
            version=each.version,
            slots=each.slots,
            busy_slots=each.busy_slots,
            isolation=each.isolation,
            guarantees=each.guarantees,
            leftover_processes=each.leftover_processes,
            orphans_swept=each.orphans_swept,
            started_at=each.started_at,
            seen_at=each.seen_at,
            connected=each.seen_at >= since,
        )
        for each in found
    )


async def readiness(platform: Platform) -> Readiness:
    """What works right now. Never raises for a part that does not; answers within about a second."""
    database, bus = await asyncio.gather(_database_works(platform), _bus_works(platform))
    known = await _known_runners(platform) if database else ()
    connected = tuple(each for each in known if each.connected)
    locations = tuple(sorted({each.location for each in connected}))
    return Readiness(database, bus, bool(locations), locations, connected)


async def _database_works(platform: Platform) -> bool:
    try:
        async with asyncio.timeout(_LONGEST_LOOK_S):
            return await platform.database.is_working()
    except TimeoutError:
        return False


async def _bus_works(platform: Platform) -> bool:
    try:
        await platform.bus.check(timeout_s=_LONGEST_LOOK_S)
    except BusError:
        return False
    return True
