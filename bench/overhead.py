"""What running a warm suite through Bellrock costs, beside bare `npx playwright test` of the same suite.

    python -m bench.overhead [--pairs 10] [--installs 5]

Both sides run the same files with the same browser, one worker, traces on and the suite's own reporter,
in turns. Bellrock's side is what a person waits for: from the request that starts the session until the
API says that it is over, with everything uploaded. What Bellrock adds by itself (its live reporter, two
more reports, the sandbox) counts as its cost. Exits 1 where the target is missed.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.bellrock_process import BellrockProcess
from bench.figures import target
from bench.slow_suite import SUITE, bare_browsers, start_bare, start_platform, start_session

MOST_RATIO = 1.05
CLICKS = "10"  # as in the check that is tagged `overhead`
_OF_AN_INSTALL = ("package.json", "package-lock.json", ".npmrc")
_DISPATCH, _REPORT = "request -> claimed by the runner", "runner's end -> the API says so"


@dataclass(frozen=True, slots=True)
class Warm:
    """One warm run through Bellrock: its wall time, and the parts of it, in ms."""

    wall_ms: float
    parts_ms: Mapping[str, float]


async def one_run(platform: BellrockProcess) -> Warm:
    """Run the suite through Bellrock, to the end that a client sees."""
    begun, begun_at = time.monotonic(), time.time()
    session_id = await start_session(platform, "overhead")
    while True:
        path = f"/v2/check-sessions/{session_id}/completion?maxWaitSeconds=30"
        answer = await platform.client.get(path)
        if answer.is_success:
            break
    wall_ms = (time.monotonic() - begun) * 1000
    body = answer.json()
    if body["status"] != "PASSED":
        raise SystemExit(f"session {session_id} ended {body['status']}, not PASSED")
    row = body["results"][-1]
    path = f"/v1/check-results/{row['checkId']}/{row['checkResultId']}"
    result = (await platform.client.get(path)).json()
    claimed_ms = (datetime.fromisoformat(row["startedAt"]).timestamp() - begun_at) * 1000
    stages = {one["stage"]: one["durationMs"] for one in result["playwrightCheckResult"]["timings"]}
    rest_ms = wall_ms - claimed_ms - sum(stages.values())
    return Warm(wall_ms, {_DISPATCH: claimed_ms, **stages, _REPORT: rest_ms})


def one_bare(browsers: Mapping[str, str]) -> float:
    """Run the suite bare; ms until its process has ended."""
    shutil.rmtree(SUITE / "test-results", ignore_errors=True)
    begun = time.monotonic()
    code = start_bare(browsers, CLICKS=CLICKS).wait(300)
    if code != 0:
        raise SystemExit(f"the bare suite ended with code {code}")
    return (time.monotonic() - begun) * 1000


def one_install(folder: Path) -> float:
    """`npm ci` of the suite's lock file into an empty folder; ms."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in _OF_AN_INSTALL:
        shutil.copy(SUITE / name, folder)
    begun = time.monotonic()
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env={**os.environ, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"},
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    return (time.monotonic() - begun) * 1000


async def measure(arguments: argparse.Namespace) -> int:
    """Both sides in turns, then the installs; 1 if the target is missed."""
    warm: list[Warm] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bellrock-bench-") as name:
        platform = start_platform(Path(name) / "data")
        try:
            await one_run(platform)  # fills the caches
            browsers = bare_browsers(platform)
            await asyncio.to_thread(one_bare, browsers)
            for pair in range(arguments.pairs):
                if pair % 2:
                    bare.append(await asyncio.to_thread(one_bare, browsers))
                warm.append(await one_run(platform))
                if not pair % 2:
                    bare.append(await asyncio.to_thread(one_bare, browsers))
                print(f"\r{pair + 1} of {arguments.pairs}", end="", file=sys.stderr, flush=True)
        finally:
            await platform.close()
        install = Path(name) / "install"
        one_install(install)  # fills npm's cache
        installs = [one_install(install) for _ in range(arguments.installs)]
    return 0 if report(warm, bare, installs) else 1


def report(warm: list[Warm], bare: list[float], installs: list[float]) -> bool:
    """Print medians, stages and ratios. Whether the target is met."""
    ours, theirs = statistics.median(one.wall_ms for one in warm), statistics.median(bare)
    print(f"\nmedians of {len(warm)} pairs, ms")
    print(f"{'through Bellrock, request -> the API says it is over':<58}{ours:>9.0f}")
    parts = {part: statistics.median(one.parts_ms[part] for one in warm) for part in warm[0].parts_ms}
    for part, part_ms in parts.items():
        print(f"   {part:<55}{part_ms:>9.0f}")
    print(f"{'bare npx playwright test':<58}{theirs:>9.0f}\n")
    met = target("ratio of the medians", ours / theirs, MOST_RATIO, "", places=3)
    pairs = statistics.median(one.wall_ms / other for one, other in zip(warm, bare, strict=True))
    print(f"{'median of the ratios of the pairs':<64}{pairs:>10.3f}\n")
    npm = statistics.median(installs)
    print(f"{'packages restored from the cache (the stage installing)':<58}{parts['installing']:>9.0f}")
    print(f"{f'npm ci of the same lock file, npm cache warm, n={len(installs)}':<58}{npm:>9.0f}")
    print(f"{'ratio':<64}{parts['installing'] / npm:>10.3f}")
    return met


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=10, help="measurements of each side")
    parser.add_argument("--installs", type=int, default=5, help="npm installs to compare with")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
