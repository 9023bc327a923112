"""Runs a probe as a runner does: through its executor, with a real run context."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import LiveEvent, Output
from bellrock.domain.specs import ApiCheck, HostCertificate, HttpRequest, UrlMonitor
from bellrock.runner.executors.http import HttpProbes
from bellrock.runner.network import NetworkGuard
from bellrock.runner.probing import RUN_CAP_S, ProbeExecutor
from bellrock.runner.recorder import CancelToken, EventRecorder, RunContext, read_events
from bellrock.runner.scrub import Scrubber
from bellrock.runner.supervisor import Isolation
from bellrock.wire.messages import Artifact, JobSpec, Report


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Ended:
    """A run that is over."""

    report: Report
    events: tuple[LiveEvent, ...]
    wall_s: float

    @property
    def verdict(self) -> str:
        return str(self.report.outcome.verdict)

    @property
    def code(self) -> str | None:
        return self.report.outcome.code

    @property
    def blame(self) -> str | None:
        return self.report.outcome.blame

    @property
    def message(self) -> str:
        return self.report.outcome.message or ""

    @property
    def details(self) -> dict[str, Any]:
        return self.report.details

    @property
    def response(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report.details["response"]  # type: ignore[assignment]
        return found

    @property
    def printed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Output))


@dataclass
class ProbeRig:
    folder: Path
    probes: HttpProbes
    isolation: Isolation
    environment: tuple[EnvironmentVariable, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    guard: NetworkGuard | None = None

    async def url(self, url: str, *, cap_s: float = RUN_CAP_S, **monitor: Any) -> Ended:
        request = {name: monitor.pop(name) for name in list(monitor) if name in _REQUEST}
        executor = ProbeExecutor(UrlMonitor, self.probes.probe_url, cap_s=cap_s, guard=self.guard)
        return await self.run(executor, UrlMonitor(HttpRequest(url, **request), **monitor))

    async def api(self, url: str, *, cap_s: float = RUN_CAP_S, job: Any = None, **check: Any) -> Ended:
        request = {name: check.pop(name) for name in list(check) if name in _REQUEST}
        executor = ProbeExecutor(ApiCheck, self.probes.probe_api, cap_s=cap_s, guard=self.guard)
        return await self.run(executor, ApiCheck(HttpRequest(url, **request), **check), **(job or {}))

    async def run(self, executor: Any, spec: Any, **job: Any) -> Ended:
        context = self.make_context(spec, **job)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(60):
                report = await executor.execute(context.job, context)
        finally:
            context.events.close()
        # What a runner does: everything of a report must be JSON.
        report = Report.model_validate_json(report.encode())
        events = read_events(context.events.path, after=0, most=100_000, most_bytes=100_000_000)
        return Ended(report, events, time.monotonic() - begun)

    def make_context(
        self, spec: Any, *, client_certificates: tuple[HostCertificate, ...] = (), **job: Any
    ) -> RunContext:
        run_id = uuid4()
        folder = self.folder / str(run_id)
        (folder / "work").mkdir(parents=True)
        scrubber = Scrubber(one.value for one in self.environment if one.secret)
        wanted = JobSpec(
            run_id=run_id,
            session_id=uuid4(),
            account_id=uuid4(),
            attempt=1,
            attempt_id=uuid4(),
            check_id=None,
            check_name="A check",
            location="eu-central-1",
            spec=spec,
            environment=self.environment,
            context=dict(self.context),
            client_certificates=client_certificates,
            control_url="http://127.0.0.1:1",
            **job,
        )
        return RunContext(
            job=wanted,
            token=uuid4(),
            folder=folder / "work",
            cache_folder=folder,
            events=EventRecorder(folder / "events.ndjson", clock=now, scrubber=scrubber),
            cancelled=CancelToken(),
            bundles=_NoBundles(),
            upload=_refuse_upload,
            scrubber=scrubber,
            isolation=self.isolation,
            clock=now,
        )


class _NoBundles:
    async def fetch(self, key: str) -> Path:
        raise AssertionError(f"a probe asked for the bundle {key}")


async def _refuse_upload(path: Path, _artifact: Artifact) -> None:
    raise AssertionError(f"a probe uploaded {path}")


_REQUEST = frozenset(HttpRequest.__dataclass_fields__) - {"url"}
