"""What schedules cost: many URL monitors, run by the clock.

    python -m bench.schedule [--monitors 10000] [--every 60] [--seconds 120] [--answer-after-ms 0]
                             [--answer-bytes 2] [--database postgresql://user@host/name]

The control plane is `bellrock server` with a nats-server beside it, on SQLite in a file unless an empty
PostgreSQL database is named, and `bellrock runner`, whose monitors ask a server in this process. Lateness
is from when a tick was due until its request began, by the machine's clock. Exits 1 where a target is missed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy import select

from bellrock.domain.cancellation import RunSource
from bellrock.domain.checks import Check
from bellrock.domain.schedule import Schedule
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.engine.embedded import EmbeddedNats, EmbeddedNatsOptions, find_server
from bellrock.services.ids import new_id
from bellrock.store.checks import StoredCheck, insert_check
from bellrock.store.database import Database, open_database
from bellrock.store.schedules import count_missed
from bellrock.store.tables import results, runs
from bench.bellrock_process import BELLROCK, BellrockProcess
from bench.figures import HEADER, line, percentile, target

LOCATION = "eu-central-1"
LATENESS_P99_MS = 50
CPU_MS = 1.3
_SETTLE_S = 10
_STOP_S = 20
_MINUTE_S = 60
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Used:
    """What the parts had used of the processor by a moment of `time.monotonic`, in seconds."""

    at: float
    server_s: float
    runner_s: float


@dataclass(frozen=True, slots=True)
class Installation:
    """What is measured."""

    server: BellrockProcess
    runner: "subprocess.Popen[bytes]"
    database: Database

    def used(self) -> Used:
        """By now."""
        return Used(time.monotonic(), _cpu_s(self.server.process.pid), _cpu_s(self.runner.pid))

    def memory_mib(self) -> str:
        """Of both."""
        pids = (self.server.process.pid, self.runner.pid)
        return ", ".join(f"{psutil.Process(pid).memory_info().rss / _MIB:.0f} MiB" for pid in pids)


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def installation(arguments: argparse.Namespace) -> AsyncIterator[Installation]:
    """A fresh one for the length of the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellrock-bench-")))
        nats = EmbeddedNats(EmbeddedNatsOptions(folder=folder / "nats", program=find_server()))
        await nats.start()
        stack.push_async_callback(nats.stop)
        options = ["--nats-url", nats.url]
        options += ["--database-url", arguments.database] if arguments.database else []
        settings = {
            "BELLROCK_NATS_USER": nats.user,
            "BELLROCK_NATS_TOKEN": nats.token,
            "BELLROCK_SCHEDULES": "true",
        }
        server = await asyncio.to_thread(
            BellrockProcess,
            "server",
            options,
            folder=folder / "data",
            settings={**settings, "BELLROCK_LOG_LEVEL": "warning"},
            has_runner=False,
        )
        stack.push_async_callback(server.close)
        database = await open_database(arguments.database or f"sqlite:///{folder / 'data/bellrock.sqlite'}")
        stack.push_async_callback(database.close)
        runner = _a_runner(nats, server, folder)
        stack.callback(_end, runner)
        yield Installation(server, runner, database)


def _a_runner(nats: EmbeddedNats, server: BellrockProcess, folder: Path) -> "subprocess.Popen[bytes]":
    variables = {
        "BELLROCK_NATS_URL": nats.url,
        "BELLROCK_NATS_USER": nats.user,
        "BELLROCK_NATS_TOKEN": nats.token,
        "BELLROCK_LOCATIONS": LOCATION,
        "BELLROCK_CONTROL_URL": server.url,
        "BELLROCK_RUNNER_DIR": str(folder / "runner"),
        "BELLROCK_CONCURRENCY": "64",
        "BELLROCK_LOG_LEVEL": "warning",
    }
    with (folder / "runner.log").open("wb") as log:
        command = (str(BELLROCK), "runner")
        return subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


async def save_monitors(at: Installation, number: int, every_s: int, url: str) -> list[Schedule]:
    """Write them into the database, without a first run; their schedules."""
    account_id = UUID(json.loads((at.server.folder / "credentials.json").read_text())["account_id"])
    now = datetime.now(UTC)
    schedules = []
    async with at.database.write() as connection:
        for each in range(number):
            check = Check(
                id=new_id(),
                account_id=account_id,
                type=CheckType.URL,
                name=f"monitor {each}",
                spec=UrlMonitor(HttpRequest(f"{url}?monitor={each}")),
                created_at=now,
                locations=(LOCATION,),
                frequency_min=every_s // _MINUTE_S,
                frequency_offset_s=every_s % _MINUTE_S or None,
            )
            await insert_check(connection, StoredCheck(check, None))
            schedules.append(Schedule(check.id, every_s, now))
    return schedules


@asynccontextmanager
async def a_target(after_s: float, size_bytes: int) -> AsyncIterator[str]:
    """A web server that answers every request alike, after a while."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size_bytes}\r\nConnection: close\r\n\r\n"
    whole = head.encode() + b"K" * size_bytes

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(after_s)
            writer.write(whole)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@dataclass(frozen=True, slots=True)
class Done:
    """When a tick's request began, and how long the answer took as its result has it."""

    began_at: datetime
    response_ms: int


async def ended(at: Installation, since: datetime, until: datetime) -> dict[UUID, Done]:
    """Scheduled runs due in that time that have a result."""
    query = (
        select(runs.c.id, results.c.started_at, results.c.response_time_ms)
        .join(results, results.c.run_id == runs.c.id)
        .where(runs.c.source == RunSource.SCHEDULER)
    )
    async with at.database.read() as connection:
        found = {
            row.id: Done(row.started_at, row.response_time_ms) for row in await connection.execute(query)
        }
    return {run_id: done for run_id, done in found.items() if since <= due_at(run_id) < until}


def due_at(run_id: UUID) -> datetime:
    """A tick's moment, to the millisecond: its ids begin with it."""
    return datetime.fromtimestamp((run_id.int >> 80) / 1_000, UTC)


async def measure(arguments: argparse.Namespace) -> int:
    """Let the clock run."""
    web = a_target(arguments.answer_after_ms / 1_000, arguments.answer_bytes)
    async with web as url, installation(arguments) as at:
        schedules = await save_monitors(at, arguments.monitors, arguments.every, url)
        await asyncio.sleep(_SETTLE_S)
        since, before, missed = datetime.now(UTC), at.used(), await missed_ticks(at)
        await asyncio.sleep(arguments.seconds)
        after, until = at.used(), since + timedelta(seconds=arguments.seconds)
        await asyncio.sleep(_SETTLE_S)
        found = [schedule.ticks(since, until) for schedule in schedules]
        due = sum(ticks.number for ticks in found if ticks)
        print(f"{arguments.monitors} monitors every {arguments.every} s, ", end="")
        print(f"{due} ticks due in {arguments.seconds} s, {await missed_ticks(at) - missed} missed; ", end="")
        print(f"memory of control plane and runner {at.memory_mib()}")
        return report(await ended(at, since, until), due, before, after)


async def missed_ticks(at: Installation) -> int:
    """Of all monitors, so far."""
    async with at.database.read() as connection:
        return await count_missed(connection)


def report(done: dict[UUID, Done], due: int, before: Used, after: Used) -> int:
    """Print the figures beside their targets."""
    late_ms = [(each.began_at - due_at(run_id)).total_seconds() * 1_000 for run_id, each in done.items()]
    print(f"ms{HEADER[2:]}")
    print(line("due -> request", late_ms))
    print(line("request -> answer, as measured", [each.response_ms for each in done.values()]))
    checks = max(len(done), 1)
    server_ms = (after.server_s - before.server_s) * 1_000 / checks
    runner_ms = (after.runner_s - before.runner_s) * 1_000 / checks
    print(f"processor time per check: control plane {server_ms:.2f} ms, runner {runner_ms:.2f} ms")
    met = [target("processor time per check, both", server_ms + runner_ms, CPU_MS, "ms", places=2)]
    met.append(target("lateness, p99", percentile(late_ms, 0.99) if late_ms else 0, LATENESS_P99_MS, "ms"))
    met.append(target("ticks not run", due - len(done), 0, ""))
    return 0 if all(met) else 1


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--monitors", type=int, default=10_000, help="how many")
    parser.add_argument("--every", type=int, default=60, help="seconds between two ticks of one")
    parser.add_argument("--seconds", type=int, default=120, help="how long is measured")
    parser.add_argument("--answer-after-ms", type=float, default=0, help="how slow the target is")
    parser.add_argument("--answer-bytes", type=int, default=2, help="how long its answers are")
    parser.add_argument("--database", help="an empty PostgreSQL database, in place of SQLite")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
