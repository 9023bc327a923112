"""One session in which several things happen at once, and what must hold of it whatever came first."""

import hashlib
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import func, select

from bellrock.domain.cancellation import Via
from bellrock.domain.errors import Unauthenticated
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.runs import Run
from bellrock.domain.sessions import Session
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.cancel_session import cancel_session
from bellrock.services.heartbeat import heartbeat
from bellrock.services.reap import reap, sweep
from bellrock.services.record_result import record_evidence, record_report
from bellrock.services.relay import relay_due_orders
from bellrock.services.views import CancelSummary, SessionView
from bellrock.store.records import StoredResult
from bellrock.store.results import results_of_runs, uploads_of
from bellrock.store.runs import count_open_runs, runs_of_sessions
from bellrock.store.sessions import load_session
from bellrock.store.tables import outbox
from bellrock.wire import subjects
from bellrock.wire.messages import Artifact, CancelAck, Evidence, HeartbeatRequest, HeldRun, Report
from tests.support.folds import terminal_status
from tests.unit.services.world import CANCELLED, FAILED, PASSED, World, chunks

DEGRADED = Outcome(Verdict.DEGRADED)
ERRORED = Outcome(Verdict.ERRORED, Blame.RUNNER, "BROWSER_CRASHED", "The browser ended.")
NOT_INSTALLED = Outcome(Verdict.FAILED, Blame.CHECK, "INSTALL_FAILED", "npm ended with code 1.")
VERDICTS = (PASSED, FAILED, DEGRADED, ERRORED)
TRACE = b"what the browser did"
A_TRACE = Artifact(
    name="trace.zip",
    type="trace",
    content_type="application/zip",
    size_bytes=len(TRACE),
    sha256=hashlib.sha256(TRACE).hexdigest(),
)


@dataclass(slots=True)
class Race:
    """A session, what people asked of it, and which reports about its runs were accepted."""

    world: World
    view: SessionView
    random: random.Random
    closing: AsyncExitStack
    cancels: list[CancelSummary] = field(default_factory=list)
    accepted: dict[UUID, list[Outcome]] = field(default_factory=dict)
    runners: list["RacingRunner"] = field(default_factory=list)

    @property
    def runs(self) -> Sequence[Run]:
        return [each.run for each in self.view.runs]

    async def runner(self, run: Run) -> "RacingRunner":
        """A runner that hears signals about the run, and has not claimed it."""
        runner = RacingRunner(self, run)
        subject = subjects.cancel(run.location, run.id)
        subscription = await self.world.platform.bus.subscribe(subject, runner.on_signal)
        self.closing.push_async_callback(subscription.close)
        self.runners.append(runner)
        return runner

    async def holder(self, run: Run) -> "RacingRunner":
        """A runner that has the run."""
        runner = await self.runner(run)
        assert await runner.claim()
        return runner

    async def cancel(self, *run_ids: UUID) -> None:
        session = self.view.session
        self.cancels.append(
            await cancel_session(
                self.world.platform,
                self.world.owner,
                session.kind,
                session_id=session.id,
                sequence_ids=run_ids or None,
                via=Via.API,
            )
        )

    async def relay(self) -> None:
        await relay_due_orders(self.world.platform)

    async def reap(self) -> None:
        await reap(self.world.platform)

    async def sweep(self) -> None:
        await sweep(self.world.platform)


class RacingRunner:
    """Does with one run what a runner does: claims, beats, stops when it is told to, reports."""

    def __init__(self, race: Race, run: Run) -> None:
        self.run = run
        self.token = uuid4()
        self.is_told = False
        self.last_report: tuple[Report, bool] | None = None
        self._race = race
        self._platform = race.world.platform

    async def on_signal(self, _subject: str, _body: bytes) -> bytes:
        self.is_told = True
        return CancelAck(run_id=self.run.id, stopping=True).encode()

    async def claim(self) -> bool:
        reply = await self._race.world.claim(self.run.id, self.run.location, token=self.token)
        return reply.granted

    async def beat(self, stage: str = "testing") -> bool:
        """Whether the run is still this runner's."""
        held = HeldRun(run_id=self.run.id, token=self.token, stage=stage)
        request = HeartbeatRequest(
            runner_id="runner-1",
            location=self.run.location,
            busy_slots=1,
            leftover_processes=0,
            runs=(held,),
        )
        reply = await heartbeat(self._platform, request)
        self.is_told = self.is_told or bool(reply.stop)
        return not reply.lost

    async def report(self, outcome: Outcome, **changes: object) -> bool:
        receipt = self._race.world.runner_receipt() if outcome.is_cancelled else None
        report = self._race.world.a_report(
            self.run.id, outcome, token=self.token, **({"receipt": receipt} | changes)
        )
        accepted = (await record_report(self._platform, report)).accepted
        self.last_report = (report, accepted)
        if accepted:
            self._race.accepted.setdefault(self.run.id, []).append(outcome)
        return accepted

    async def end(self, outcome: Outcome) -> None:
        """Stop if it was told to by now, else come to a verdict of the suite's own."""
        await self.report(CANCELLED if self.is_told else outcome)

    async def take(self, outcome: Outcome) -> None:
        """The whole way, if the claim is granted."""
        if await self.claim():
            await self.beat()
            await self.end(outcome)

    async def install(self, outcome: Outcome) -> None:
        """Install for a while; told to stop during that, stop or fail by itself; else test and report."""
        for stage in ("installing", "installing", "testing"):
            await self.beat(stage)
            if self.is_told:
                break
        await self.end(outcome)

    async def upload(self) -> bool:
        """Whether the file was kept."""
        try:
            await accept_artifact(
                self._platform,
                self.run.id,
                token=self.token,
                name=A_TRACE.name,
                content_type=A_TRACE.content_type,
                chunks=chunks(TRACE),
            )
        except Unauthenticated:
            return False
        return True

    async def report_and_bring_evidence(self, outcome: Outcome) -> None:
        """Report first, so that nobody waits for files; then bring them."""
        if await self.report(outcome, evidence_complete=False):
            await self.upload()
            evidence = Evidence(run_id=self.run.id, token=self.token, artifacts=(A_TRACE,))
            await record_evidence(self._platform, evidence)

    async def upload_and_report(self, outcome: Outcome) -> None:
        """Bring the files first; the report lists them."""
        await self.upload()
        await self.report(outcome, artifacts=(A_TRACE,))


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says about a session."""

    session: Session
    runs: tuple[Run, ...]
    results: dict[UUID, list[StoredResult]]
    files: dict[UUID, set[str]]
    orders: int
    open_runs: int


async def look(race: Race) -> Stored:
    session_id = race.view.session.id
    async with race.world.platform.database.read() as connection:
        session = await load_session(connection, session_id)
        runs = tuple(each.run for each in (await runs_of_sessions(connection, [session_id]))[session_id])
        results = await results_of_runs(connection, [run.id for run in runs])
        files = {run.id: set(await uploads_of(connection, run.id, run.attempt)) for run in runs}
        orders = (await connection.execute(select(func.count()).select_from(outbox))).scalar_one()
        open_runs = await count_open_runs(connection)
    assert session is not None
    return Stored(session, runs, results, files, orders, open_runs)


async def settle(race: Race) -> None:
    """Bring the race to its end and check it: what was asked is over within a lease, and stays so."""
    world, lease_s = race.world, race.world.platform.settings.lease_s
    for run in (await look(race)).runs:
        assert run.is_final or (run.lease and run.cancel), f"neither over nor being stopped: {run}"
    ending = race.random.choice(["the runners stop", "a verdict came first", "the runners vanish"])
    if ending != "the runners vanish":
        for runner in race.runners:
            if await runner.beat():
                await runner.report(CANCELLED if ending == "the runners stop" else PASSED)
    world.clock.advance(lease_s)
    await race.reap()
    ended = await look(race)
    check_end(race, ended)
    await _try_everything_again(race)
    world.clock.advance(60)
    while await relay_due_orders(world.platform):
        pass
    after = await look(race)
    assert after.orders == 0, "an order is left that cannot be carried out"
    assert (after.session, after.runs, after.results) == (ended.session, ended.runs, ended.results)


async def _try_everything_again(race: Race) -> None:
    """Nobody holds anything any more, and nothing that comes late is taken for news."""
    for runner in race.runners:
        assert not await runner.beat(), "a lease is left"
        assert not await runner.claim()
        if runner.last_report is not None:
            report, accepted = runner.last_report
            again = await record_report(race.world.platform, report)
            assert again.accepted == accepted, "a repetition is answered as the first time"
            other = PASSED if report.outcome.has_failures else FAILED
            assert not await runner.report(other), "two different reports of one token"
    await race.cancel()
    assert race.cancels[-1] == CancelSummary()
    await race.reap()
    await race.sweep()


def check_end(race: Race, ended: Stored) -> None:
    assert ended.open_runs == 0
    named = {run_id for summary in race.cancels for run_id in (*summary.stamped, *summary.finished)}
    assert named == {run.id for run in ended.runs if run.cancel is not None}
    for run in ended.runs:
        finals = [row for row in ended.results[run.id] if row.result_type == "FINAL"]
        assert [(row.id, row.outcome) for row in finals] == [(run.result_id, run.outcome)]
        _check_outcome(run, race.accepted.get(run.id, []))
        assert {each.name for each in finals[0].artifacts} <= ended.files[run.id]
        assert (finals[0].receipt is not None) == finals[0].outcome.is_cancelled
    expected = terminal_status(ended.session.kind, [run.outcome for run in ended.runs])
    assert ended.session.status == expected
    assert ended.session.stopped_at == max(run.stopped_at for run in ended.runs if run.stopped_at)


def _check_outcome(run: Run, accepted: Sequence[Outcome]) -> None:
    """A cancel that was accepted is honoured, but for a verdict of the suite that came first."""
    assert run.outcome is not None
    if run.outcome.is_cancelled:
        assert run.cancel is not None
    elif run.cancel is not None:
        assert run.outcome in accepted
        assert not run.outcome.has_errors
    else:
        assert run.outcome in accepted or run.outcome.verdict is Verdict.LOST
