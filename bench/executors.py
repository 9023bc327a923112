"""What a check costs: our HTTP probe beside prometheus-blackbox-exporter and bare pycurl, on one target.

    python -m bench.executors [--rounds 5] [--checks 1000] [--concurrency 8]

The three take turns. Each check makes its own connection, verifies the certificate, follows redirects, and
reports every phase's duration. What counts is the processor time of the process that checks, not of the
target and not of who asks. Exits 1 where a target is missed, or where there is no blackbox exporter.
"""

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil
import pycurl
import trustme

from bellrock.domain.outcomes import Verdict
from bellrock.domain.specs import HttpRequest, UrlMonitor
from bellrock.runner.executors.http import HttpProbes
from bellrock.runner.network import NetworkGuard, NetworkPolicy
from bellrock.runner.probing import ProbeTools
from bellrock.wire.messages import JobSpec

LEAST_HTTP, LEAST_HTTPS = 3.0, 1.4
BLACKBOX = "prometheus-blackbox-exporter"
START_S = 20.0
_CHECK_S = 10.0
_MODULES = """
modules:
  web:
    prober: http
    timeout: 10s
    http: {preferred_ip_protocol: ip4, ip_protocol_fallback: false}
"""
_PHASES = (
    pycurl.NAMELOOKUP_TIME,
    pycurl.CONNECT_TIME,
    pycurl.APPCONNECT_TIME,
    pycurl.PRETRANSFER_TIME,
    pycurl.STARTTRANSFER_TIME,
    pycurl.TOTAL_TIME,
)

Check = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Side:
    """One who checks. ``cpu_s`` is what its process has used so far."""

    name: str
    check: Check
    cpu_s: Callable[[], float]
    concurrency: int


async def measure_side(side: Side, url: str, checks: int) -> float:
    """Checks per second of processor time."""
    left = iter(range(checks))

    async def work() -> None:
        for _ in left:
            await side.check(url)

    before = side.cpu_s()
    await asyncio.gather(*(work() for _ in range(side.concurrency)))
    return checks / (side.cpu_s() - before)


def bellrock(probes: HttpProbes, concurrency: int) -> Side:
    """Our probe of a URL monitor, as the runner calls it."""

    async def check(url: str) -> None:
        spec = UrlMonitor(HttpRequest(url))
        job = jobs.setdefault(url, _job(spec))
        tools = ProbeTools(job, time.monotonic() + _CHECK_S, lambda _: None, guard=guard)
        result = await probes.probe_url(spec, tools)
        if result.outcome.verdict is not Verdict.PASSED:
            raise SystemExit(f"Bellrock's check of {url} failed: {result.outcome.message}")

    jobs: dict[str, JobSpec] = {}
    guard = NetworkGuard(NetworkPolicy())  # as a runner asks it before it connects
    return Side("Bellrock", check, time.process_time, concurrency)


def _job(spec: UrlMonitor) -> JobSpec:
    return JobSpec(
        run_id=uuid4(),
        session_id=uuid4(),
        account_id=uuid4(),
        attempt=1,
        attempt_id=uuid4(),
        check_id=None,
        check_name="bench",
        location="here",
        spec=spec,
        control_url="http://127.0.0.1:1",
    )


def bare_pycurl() -> Side:
    """One handle of libcurl, one request after the other, into a list: the least that this can cost."""
    curl = pycurl.Curl()

    async def check(url: str) -> None:
        received: list[bytes] = []
        curl.reset()
        for option, value in (
            (pycurl.URL, url),
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROXY, ""),
            (pycurl.CAINFO, os.environ["SSL_CERT_FILE"]),
            (pycurl.FOLLOWLOCATION, 1),
            (pycurl.FRESH_CONNECT, 1),
            (pycurl.FORBID_REUSE, 1),
            (pycurl.SSL_SESSIONID_CACHE, 0),
            (pycurl.WRITEFUNCTION, received.append),
        ):
            curl.setopt(option, value)
        curl.perform()
        phases = [curl.getinfo(phase) for phase in _PHASES]
        if not all(phases[-2:]) or curl.getinfo(pycurl.RESPONSE_CODE) != HTTPStatus.OK:
            raise SystemExit(f"pycurl's check of {url} failed")

    return Side("bare pycurl", check, time.process_time, concurrency=1)


def blackbox(
    process: subprocess.Popen[bytes], port: int, client: httpx2.AsyncClient, concurrency: int
) -> Side:
    """The exporter, asked as Prometheus does."""
    watched = psutil.Process(process.pid)

    async def check(url: str) -> None:
        target = f"http://127.0.0.1:{port}/probe"
        answer = await client.get(target, params={"module": "web", "target": url})
        if "probe_success 1" not in answer.text or 'phase="tls"' not in answer.text:
            raise SystemExit(f"the exporter's check of {url} failed:\n{answer.text}")

    def cpu_s() -> float:
        used = watched.cpu_times()
        return float(used.user + used.system)

    return Side(BLACKBOX, check, cpu_s, concurrency)


@contextmanager
def running(argv: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended afterwards."""
    process = subprocess.Popen(argv, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def make_certificates(folder: Path) -> None:
    """An authority that both sides trust, and the target's certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        folder / "server.pem"
    )


async def wait_for_port(port: int) -> None:
    """Return when something listens there."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])


async def measure(program: str, arguments: argparse.Namespace, folder: Path) -> int:
    """All sides in turns; 1 if a target is missed."""
    make_certificates(folder)
    # Read by our probe and by the exporter, which is why both sides verify the same certificate.
    os.environ["SSL_CERT_FILE"] = str(folder / "ca.pem")
    modules = folder / "modules.yml"
    modules.write_text(_MODULES)
    port = free_port()
    async with AsyncExitStack() as stack:
        target = stack.enter_context(
            running([sys.executable, "-m", "bench.http_target", str(folder)], stdout=subprocess.PIPE)
        )
        assert target.stdout is not None
        plain, secure = (await asyncio.to_thread(target.stdout.readline)).split()
        exporter = stack.enter_context(
            running(
                [program, f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{port}"],
                stderr=subprocess.DEVNULL,
            )
        )
        await wait_for_port(port)
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
        probes = HttpProbes()
        stack.callback(probes.close)
        sides = (
            bellrock(probes, arguments.concurrency),
            blackbox(exporter, port, client, arguments.concurrency),
            bare_pycurl(),
        )
        met = True
        for name, url, least in (
            ("HTTP", f"http://localhost:{plain.decode()}/", LEAST_HTTP),
            ("HTTPS", f"https://localhost:{secure.decode()}/", LEAST_HTTPS),
        ):
            met = report(name, await rounds(sides, url, arguments), least) and met
    return 0 if met else 1


async def rounds(sides: tuple[Side, ...], url: str, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """What each side reached, round by round."""
    reached: dict[str, list[float]] = {side.name: [] for side in sides}
    for side in sides:
        await measure_side(side, url, 100)  # warm
    for number in range(arguments.rounds):
        for side in sides if number % 2 else reversed(sides):
            reached[side.name].append(await measure_side(side, url, arguments.checks))
    return reached


def report(scheme: str, reached: dict[str, list[float]], least: float) -> bool:
    """Print medians and ratios. Whether the target is met."""
    print(f"\n{scheme}: checks per second of processor time, medians of {len(reached[BLACKBOX])} rounds")
    medians = {name: statistics.median(figures) for name, figures in reached.items()}
    for name, median in medians.items():
        print(f"{name:<50}{median:>10.0f}{1_000_000 / median:>12.0f} us each")
    ours = medians["Bellrock"]
    ratio = ours / medians[BLACKBOX]
    words = "met" if ratio >= least else "MISSED"
    print(f"{f'Bellrock / {BLACKBOX}':<50}{ratio:>10.2f}    target >= {least:g}: {words}")
    print(f"{'Bellrock / bare pycurl':<50}{ours / medians['bare pycurl']:>10.2f}")
    return ratio >= least


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each side")
    parser.add_argument("--checks", type=int, default=1_000, help="checks of each measurement")
    parser.add_argument("--concurrency", type=int, default=8, help="checks at the same time")
    parser.add_argument("--blackbox", default=BLACKBOX, help="the exporter's program")
    arguments = parser.parse_args()
    program = shutil.which(arguments.blackbox)
    if program is None:
        print(
            f"{arguments.blackbox} is not installed, and nothing was measured without it. "
            f"Debian: apt-get install {BLACKBOX}; or name its program with --blackbox",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="bellrock-bench-") as name:
        return asyncio.run(measure(program, arguments, Path(name)))


if __name__ == "__main__":
    raise SystemExit(main())
