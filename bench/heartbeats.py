"""How many pings of heartbeat monitors the control plane takes, beside the least that can take them.

    python -m bench.heartbeats [--rounds 3] [--seconds 5] [--monitors 100] [--connections 256]

The least is a bare ASGI endpoint that does one insert into SQLite per request (`bench.bare_ping`): once as
careful as Bellrock (no answer before the row is on the disk), which the target is about, and once without
ever waiting for the disk, to see what everything else costs. They take turns under the same load: every
connection pings as soon as its last ping is answered. Exits 1 where the target is missed, or where an
answered ping is not in the database.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import func, select

from bellrock.domain.checks import Check
from bellrock.domain.heartbeats import Timer
from bellrock.domain.specs import CheckType, Heartbeat
from bellrock.store.checks import StoredCheck, insert_check
from bellrock.store.database import Database, open_database
from bellrock.store.heartbeats import StoredHeartbeat, insert_heartbeat
from bellrock.store.tables import heartbeat_events
from bench.bellrock_process import BellrockProcess, free_port
from bench.control_plane import control_plane
from bench.figures import HEADER, at_least, line
from bench.ping_load import Load, ping_for

LEAST_RATIO = 0.6
_WARM_UP_S = 1.0
_START_S = 20.0
_CAREFUL, _CARELESS = "bare, on the disk", "bare, no wait for the disk"
_BELLROCK = "Bellrock"


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody who takes pings."""

    name: str
    url: str


@asynccontextmanager
async def bare(name: str, folder: Path, synchronous: str) -> AsyncIterator[Side]:
    """The bare endpoint, as a process for the length of the block."""
    port = free_port()
    file = folder / f"bare-{synchronous}.sqlite"
    command = [sys.executable, "-m", "bench.bare_ping", str(port), str(file), synchronous]
    process = await asyncio.to_thread(subprocess.Popen, command)
    try:
        await asyncio.to_thread(_wait_for, port)
        yield Side(name, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(_START_S)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the bare endpoint does not answer")


async def create_monitors(database: Database, server: BellrockProcess, monitors: int) -> list[str]:
    """Heartbeat monitors of the server's account; their tokens."""
    account_id, at = UUID(server.environment["BELLROCK_ACCOUNT_ID"]), datetime.now(UTC)
    tokens = []
    async with database.write() as connection:
        for number in range(monitors):
            check_id, token = uuid4(), str(uuid4())
            spec = Heartbeat(1, "days", 1, "hours", token)
            check = Check(check_id, account_id, CheckType.HEARTBEAT, f"Job {number}", spec, at)
            await insert_check(connection, StoredCheck(check, None))
            timer = Timer(spec.period_s, spec.grace_s)
            await insert_heartbeat(connection, StoredHeartbeat(check_id, token, timer))
            tokens.append(token)
    return tokens


async def count_events(database: Database) -> int:
    """How many pings are in the database."""
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(heartbeat_events))).scalar_one()


async def take_turns(
    sides: Sequence[Side], tokens: Sequence[str], arguments: argparse.Namespace
) -> dict[str, list[Load]]:
    """The loads of each side, the first one to warm up."""
    loads: dict[str, list[Load]] = {side.name: [] for side in sides}
    for seconds in (_WARM_UP_S, *[arguments.seconds] * arguments.rounds):
        for side in sides:
            load = await ping_for(seconds, side.url, tokens, connections=arguments.connections)
            loads[side.name].append(load)
    return loads


async def measure(arguments: argparse.Namespace) -> int:
    """Everything, on one control plane."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellrock-bench-")))
        plane = await stack.enter_async_context(control_plane(None))
        database = await open_database(f"sqlite:///{plane.server.folder / 'bellrock.sqlite'}")
        stack.push_async_callback(database.close)
        tokens = await create_monitors(database, plane.server, arguments.monitors)
        sides = [
            await stack.enter_async_context(bare(_CAREFUL, folder, "FULL")),
            await stack.enter_async_context(bare(_CARELESS, folder, "OFF")),
            Side(_BELLROCK, plane.server.url),
        ]
        cpu_s = plane.cpu_s
        loads = await take_turns(sides, tokens, arguments)
        used_s = plane.cpu_s - cpu_s
        kept = await count_events(database)
    return 0 if all(report(loads, kept, used_s)) else 1


def report(loads: dict[str, list[Load]], kept: int, used_s: float) -> list[bool]:
    """Print the figures. Whether each target is met."""
    print(f"{'answered in ms':<50}{HEADER[50:]}{'per second':>12}")
    rates = {}
    for name, (_, *warm) in loads.items():
        rates[name] = statistics.median(load.per_second for load in warm)
        waits = [wait for load in warm for wait in load.waits_ms]
        print(f"{line(name, waits)}{rates[name]:>12.0f}")
    answered = sum(len(load.waits_ms) for load in loads[_BELLROCK])
    print(f"Bellrock used {used_s / kept * 1000:.2f} ms of a core per ping; {kept} pings are kept\n")
    ratios = {name: rates[_BELLROCK] / rates[name] for name in (_CAREFUL, _CARELESS)}
    of_it = "pings per second of Bellrock, of those of"
    print(f"{f'{of_it} {_CARELESS}':<64}{ratios[_CARELESS]:>10.2f}")
    return [
        at_least("pings kept, of those answered", kept / answered, 1),
        at_least(f"{of_it} {_CAREFUL}", ratios[_CAREFUL], LEAST_RATIO),
    ]


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=5, help="how long a turn is")
    parser.add_argument("--monitors", type=int, default=100, help="monitors that are pinged")
    parser.add_argument("--connections", type=int, default=256, help="connections that ping at once")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
