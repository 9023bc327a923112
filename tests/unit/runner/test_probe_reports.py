"""What a probe finds reaches the control plane: as a report that fits a message, with live output."""

import asyncio
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import DnsMonitor, IcmpMonitor, Spec, SslMonitor, TcpMonitor
from bellrock.runner.executors.dns import DnsProbe
from bellrock.runner.executors.icmp import probe_icmp
from bellrock.runner.executors.ssl import SslProbe
from bellrock.runner.executors.tcp import probe_tcp
from bellrock.runner.probing import ProbeExecutor, ProbeResult, ProbeTools
from bellrock.runner.recorder import CancelToken, EventRecorder, Executor, RunContext
from bellrock.runner.scrub import Scrubber
from bellrock.wire.messages import Artifact, Report
from tests.support.tcp_servers import never_ends, says_nothing, serving, unused_port
from tests.unit.runner.agent_rig import ISOLATION, now
from tests.unit.runner.executors.probe_rig import tools_for

MOST_BYTES = 1024**2
"""What the bus takes as one message."""


class _NoBundles:
    async def fetch(self, key: str) -> Path:
        raise NotImplementedError(key)


async def run(executor: Executor, spec: Spec, folder: Path) -> tuple[Report, str]:
    """The report, as it comes out of the wire's format, and what was put out meanwhile."""
    job = tools_for(spec).job
    scrubber = Scrubber(())
    events = EventRecorder(folder / "events.ndjson", clock=now, scrubber=scrubber)

    async def upload(path: Path, artifact: Artifact) -> None:
        raise NotImplementedError(path, artifact)

    context = RunContext(
        job=job,
        token=uuid4(),
        folder=folder,
        cache_folder=folder,
        events=events,
        cancelled=CancelToken(),
        bundles=_NoBundles(),
        upload=upload,
        scrubber=scrubber,
        isolation=ISOLATION,
        clock=now,
    )
    with closing(events):
        report = await executor.execute(job, context)
    sent = report.model_dump_json()
    assert len(sent) < MOST_BYTES
    return Report.model_validate_json(sent), events.path.read_text("utf-8")


async def test_a_report_has_the_outcome_the_phases_and_the_result_body(tmp_path: Path) -> None:
    async with serving(says_nothing) as port:
        report, output = await run(
            ProbeExecutor(TcpMonitor, probe_tcp), TcpMonitor("127.0.0.1", port), tmp_path
        )
    assert report.outcome == Outcome(Verdict.PASSED)
    assert [each.stage for each in report.timings] == ["dns", "connection", "total"]
    assert report.details["requestError"] is None
    assert "Connecting to 127.0.0.1" in output


async def test_a_large_answer_fits_a_message(tmp_path: Path) -> None:
    async with serving(never_ends) as port:
        spec = TcpMonitor("127.0.0.1", port, data="x")
        report, _ = await run(ProbeExecutor(TcpMonitor, probe_tcp), spec, tmp_path)
    assert report.outcome == Outcome(Verdict.PASSED)


@pytest.mark.parametrize(
    ("executor", "spec"),
    [
        (ProbeExecutor(TcpMonitor, probe_tcp), TcpMonitor("127.0.0.1", 1)),
        (
            ProbeExecutor(DnsMonitor, DnsProbe()),
            DnsMonitor("shop.test", name_server="127.0.0.1", port=1, protocol="TCP"),
        ),
        (ProbeExecutor(IcmpMonitor, probe_icmp), IcmpMonitor("bad..name")),
        (ProbeExecutor(SslMonitor, SslProbe()), SslMonitor("127.0.0.1", 1)),
    ],
    ids=["tcp", "dns", "icmp", "ssl"],
)
async def test_a_failure_is_told_in_report_and_output(executor: Executor, spec: Spec, tmp_path: Path) -> None:
    report, output = await run(executor, spec, tmp_path)
    assert report.outcome.verdict is Verdict.FAILED
    assert report.errors == (report.outcome.message,)
    assert "phase" in output


async def test_a_probe_that_does_not_keep_its_deadline_is_ended_and_the_runner_blamed(tmp_path: Path) -> None:
    async def hang(_spec: TcpMonitor, _tools: ProbeTools) -> ProbeResult:
        await asyncio.Event().wait()
        raise AssertionError

    spec = TcpMonitor("127.0.0.1", unused_port())
    report, _ = await run(ProbeExecutor(TcpMonitor, hang, cap_s=0.01), spec, tmp_path)
    assert (report.outcome.blame, report.outcome.code) == (Blame.RUNNER, "PROBE_STUCK")
