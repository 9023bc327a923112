"""What a runner can execute: one executor per check type, made of its settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bellrock.bootstrap.runner_network import policy_of
from bellrock.domain.specs import (
    ApiCheck,
    CheckType,
    DnsMonitor,
    IcmpMonitor,
    SslMonitor,
    TcpMonitor,
    UrlMonitor,
)
from bellrock.runner.executors.dns import DnsProbe, NameServer
from bellrock.runner.executors.http import HttpProbes, ScriptRunner
from bellrock.runner.executors.icmp import probe_icmp, why_no_pings
from bellrock.runner.executors.playwright import PlaywrightExecutor
from bellrock.runner.executors.script import ScriptExecutor
from bellrock.runner.executors.ssl import SslProbe
from bellrock.runner.executors.tcp import probe_tcp
from bellrock.runner.janitor import Cache
from bellrock.runner.network import NetworkGuard
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.probing import ProbeExecutor
from bellrock.runner.recorder import Executor
from bellrock.runner.supervisor import Isolation, LadderTimes
from bellrock.settings import Settings


@dataclass(frozen=True, slots=True)
class Executors:
    """The executors by type, the caches that they share, and how to let go of what they hold."""

    by_type: Mapping[CheckType, Executor]
    caches: tuple[Cache, ...]
    close: Callable[[], None]


def make_executors(settings: Settings, *, isolation: Isolation, cache_folder: Path) -> Executors:
    """Everything that this version can execute."""
    options = _playwright_options(settings)
    playwright = PlaywrightExecutor(options, isolation=isolation, cache_folder=cache_folder)
    script = ScriptExecutor(options, isolation=isolation, cache_folder=cache_folder)
    guard = NetworkGuard(policy_of(settings))
    http = HttpProbes(ScriptRunner(settings.node, script.toolkit))
    by_type: dict[CheckType, Executor] = {
        CheckType.PLAYWRIGHT: playwright,
        CheckType.BROWSER: script,
        CheckType.MULTI_STEP: script,
        CheckType.URL: ProbeExecutor(UrlMonitor, http.probe_url, guard=guard),
        CheckType.API: ProbeExecutor(ApiCheck, http.probe_api, guard=guard),
        CheckType.TCP: ProbeExecutor(TcpMonitor, probe_tcp, guard=guard),
        CheckType.DNS: ProbeExecutor(DnsMonitor, _dns_probe(settings), guard=guard),
        CheckType.ICMP: ProbeExecutor(IcmpMonitor, probe_icmp, guard=guard),
        CheckType.SSL: ProbeExecutor(SslMonitor, SslProbe(), guard=guard),
    }
    return Executors(by_type, playwright.caches, http.close)


def told_of_pings() -> str:
    """Whether this runner can ping, for who reads about it."""
    reason = why_no_pings()
    return "It can ping." if reason is None else f"It cannot ping: {reason.rstrip('.')}."


def _dns_probe(settings: Settings) -> DnsProbe:
    resolvers = tuple(NameServer(address) for address in settings.dns_resolvers)
    return DnsProbe(resolvers=resolvers, and_system=settings.dns_system_resolver)


def _playwright_options(settings: Settings) -> PlaywrightOptions:
    ladder = LadderTimes(
        interrupt_s=settings.cancel_interrupt_s,
        browsers_s=settings.cancel_kill_browsers_s,
        workers_s=settings.cancel_kill_workers_s,
        interrupt_again_s=settings.cancel_interrupt_again_s,
        hard_stop_s=settings.cancel_hard_stop_s,
    )
    return PlaywrightOptions(
        chromium=settings.chromium,
        ffmpeg=settings.ffmpeg,
        node=settings.node,
        ladder=ladder,
        cancel_report_s=settings.cancel_report_s,
        evidence_s=settings.evidence_s,
        dependency_cache_bytes=settings.dependency_cache_bytes,
        install_environment=settings.install_environment,
    )
