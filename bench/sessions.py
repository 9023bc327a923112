"""What the control plane bears: many sessions of suites that cost nothing to run.

    python -m bench.sessions [--rate 50] [--seconds 25] [--sessions 10000] [--queue 1000] [--running 200]
                             [--database postgresql://user@host/name]

The control plane is `bellrock server` with a nats-server beside it, as `bellrock dev` composes both,
with SQLite in a file unless an empty PostgreSQL database is named. Load and runner are this process:
the runner claims and reports at once. Exits 1 where a target is missed.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.control_plane import ControlPlane, control_plane
from bench.figures import HEADER, line, percentile, target

DISPATCH_P99_MS = 100
CANCEL_S = 2
MEMORY_GROWTH_MIB = 10
_WARM_UP_SESSIONS = 50
_AT_ONCE = 16
_MEMORY_MARKS = (2_000, 5_000, 10_000)
_DEADLINE_S = 120
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Triggered:
    """One session that was started. Times of `time.monotonic`."""

    session_id: UUID
    asked: float
    answered: float


async def trigger(plane: ControlPlane) -> Triggered:
    """Start a session and note when."""
    asked = time.monotonic()
    session_id = await plane.start_session()
    return Triggered(session_id, asked, time.monotonic())


async def offer_load(plane: ControlPlane, rate: float, seconds: float) -> list[Triggered]:
    """Start sessions at fixed moments, whether or not earlier ones are answered."""
    begun = time.monotonic()
    tasks = []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(trigger(plane)))
    triggered = await asyncio.gather(*tasks)
    await until_ended(plane, {one.session_id for one in triggered})
    return triggered


async def measure_dispatch(plane: ControlPlane, rate: float, seconds: float) -> bool:
    """Dispatch latency under a steady load: from a request's first byte to the claim of its run.

    A run is often claimed before its trigger is answered.
    """
    await offer_load(plane, 10, _WARM_UP_SESSIONS / 10)
    cpu_s, begun = plane.cpu_s, time.monotonic()
    triggered = await offer_load(plane, rate, seconds)
    took_s = time.monotonic() - begun
    used_s = plane.cpu_s - cpu_s
    print(f"\n{rate:g} sessions per second offered for {seconds:g} s; the control plane used ", end="")
    print(f"{used_s / took_s:.0%} of a core, {used_s / len(triggered) * 1000:.1f} ms per session")
    print(f"ms{HEADER[2:]}")
    claimed, ended = plane.runner.claimed_sessions, plane.runner.ended_sessions
    waits = [(claimed[one.session_id] - one.asked) * 1000 for one in triggered]
    print(line("trigger asked -> answered", [(one.answered - one.asked) * 1000 for one in triggered]))
    print(line("trigger asked -> offer claimed", waits))
    print(line("trigger asked -> final", [(ended[one.session_id] - one.asked) * 1000 for one in triggered]))
    return target("dispatch latency, p99", percentile(waits, 0.99), DISPATCH_P99_MS, "ms")


async def measure_memory(plane: ControlPlane, start_bytes: int, sessions: int) -> bool:
    """Memory over many sessions, started as fast as they end; and how fast that is."""
    begun = time.monotonic()
    memory = {0: start_bytes}
    for mark in sorted({min(mark, sessions) for mark in (*_MEMORY_MARKS, sessions)}):
        share = (mark - max(memory)) // _AT_ONCE
        await asyncio.gather(*(one_after_the_other(plane, share) for _ in range(_AT_ONCE)))
        memory[mark] = plane.memory_bytes
    rate = sessions / (time.monotonic() - begun)
    print(f"\n{_AT_ONCE} sessions at a time: {rate:.0f} per second from trigger to final")
    for mark, size in memory.items():
        print(f"memory of the control plane after {mark:>6} sessions {size / _MIB:>8.1f} MiB")
    grown = (memory[sessions] - memory[min(_MEMORY_MARKS[0], sessions)]) / _MIB
    return target(f"growth of memory after {_MEMORY_MARKS[0]} sessions", grown, MEMORY_GROWTH_MIB, "MiB")


async def one_after_the_other(plane: ControlPlane, sessions: int) -> None:
    """Start so many sessions, each when the last is final."""
    for _ in range(sessions):
        one = await trigger(plane)
        await until_ended(plane, {one.session_id})


async def until_ended(plane: ControlPlane, session_ids: set[UUID]) -> None:
    """Return once the runs of all sessions are reported."""
    ended = plane.runner.ended_sessions
    await plane.runner.until(lambda: session_ids <= ended.keys(), deadline_s=_DEADLINE_S)


async def measure_flood(plane: ControlPlane, runs: int) -> None:
    """Claims per second when everything is queued already, then reports per second."""
    runner = plane.runner
    await queue(plane, [50] * (runs // 50))
    runner.holds = True
    claims, begun = len(runner.claimed), time.monotonic()
    runner.resume()
    await runner.until(lambda: len(runner.held) >= runs // 50 * 50, deadline_s=_DEADLINE_S)
    claims_s = time.monotonic() - begun
    claims = len(runner.claimed) - claims
    ended, begun = len(runner.ended), time.monotonic()
    await runner.let_go()
    reports_s = time.monotonic() - begun
    runner.holds = False
    print(f"\nflooded with {claims} queued runs: {claims / claims_s:.0f} claims per second, ", end="")
    print(f"then {(len(runner.ended) - ended) / reports_s:.0f} reports per second")


async def queue(plane: ControlPlane, sizes: Sequence[int]) -> list[UUID]:
    """Start sessions of so many runs each while the runner takes nothing."""
    plane.runner.pause()
    return [await plane.start_test_session(size) for size in sizes]


async def measure_cancel_of_queued(plane: ControlPlane, runs: int) -> bool:
    """One cancel of one session whose runs all wait."""
    (session_id,) = await queue(plane, [runs])
    await asyncio.sleep(1)  # a person, or a second thought: the offers are out by then
    asked = time.monotonic()
    await cancel(plane, session_id)
    answered_s = time.monotonic() - asked
    await expect_cancelled(plane, session_id)
    final_s = time.monotonic() - asked
    plane.runner.resume()
    print(f"\ncancel of one session of {runs} queued runs: 204 after {answered_s:.2f} s")
    return target(f"request -> all {runs} final, by the API", final_s, CANCEL_S, "s", places=2)


async def measure_cancel_of_running(plane: ControlPlane, sizes: Sequence[int]) -> None:
    """All sessions, with all their runs at the runner, cancelled at the same time."""
    runner = plane.runner
    runner.holds = True
    sessions = await queue(plane, sizes)
    runner.resume()
    await runner.until(lambda: len(runner.held) >= sum(sizes), deadline_s=_DEADLINE_S)
    ended = len(runner.ended)
    asked = time.monotonic()
    await asyncio.gather(*(cancel(plane, session_id) for session_id in sessions))
    answered_s = time.monotonic() - asked
    await runner.until(lambda: len(runner.ended) >= ended + sum(sizes), deadline_s=_DEADLINE_S)
    final_s = time.monotonic() - asked
    runner.holds = False
    for session_id in sessions:
        await expect_cancelled(plane, session_id)
    what = f"{len(sizes)} session{'s' if len(sizes) > 1 else ''} with {sum(sizes)} running runs"
    print(f"cancel of {what}, at once: last 204 after {answered_s:.2f} s, all final after {final_s:.2f} s")


async def cancel(plane: ControlPlane, session_id: UUID) -> None:
    """Ask for the end of a test session."""
    await plane.post(f"/v1/test-sessions/{session_id}/cancel", {})


async def expect_cancelled(plane: ControlPlane, session_id: UUID) -> None:
    """Wait until the session is final, and make sure that it ended as it should."""
    path = f"/v1/test-sessions/{session_id}/completion?maxWaitSeconds=30"
    answer = await plane.server.client.get(path)
    answer.raise_for_status()
    if (status := answer.json()["status"]) != "CANCELLED":
        raise SystemExit(f"session {session_id} ended {status}, not CANCELLED")


async def measure(arguments: argparse.Namespace) -> int:
    """Everything, one after the other, on one control plane."""
    async with control_plane(arguments.database) as plane:
        start_bytes = plane.memory_bytes
        met = [await measure_dispatch(plane, arguments.rate, arguments.seconds)]
        met.append(await measure_memory(plane, start_bytes, arguments.sessions))
        await measure_flood(plane, arguments.queue)
        met.append(await measure_cancel_of_queued(plane, arguments.queue))
        await measure_cancel_of_running(plane, [1] * arguments.running)
        await measure_cancel_of_running(plane, [arguments.running])
        print(f"memory of the control plane at the end {plane.memory_bytes / _MIB:>8.1f} MiB")
    return 0 if all(met) else 1


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=50, help="sessions per second offered")
    parser.add_argument("--seconds", type=float, default=25, help="how long they are offered")
    parser.add_argument("--sessions", type=int, default=10_000, help="sessions over which memory is watched")
    parser.add_argument("--queue", type=int, default=1_000, help="queued runs to claim, and to cancel")
    parser.add_argument("--running", type=int, default=200, help="running runs to cancel at once")
    parser.add_argument("--database", help="an empty PostgreSQL database, in place of SQLite")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
