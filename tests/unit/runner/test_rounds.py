"""A runner's rounds: monitors begin in their moment, wait for no slot, and are reported together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.runner.recorder import RunContext
from bellrock.wire import subjects
from bellrock.wire.messages import (
    JobSpec,
    Report,
    ReportReply,
    TicksClaim,
    TicksClaimReply,
    TicksOffer,
    TicksReport,
    TimedJob,
)
from tests.unit.runner.agent_rig import HERE, Rig, Script, a_job, a_report, now, passes, running_agent, until


def timed(job: JobSpec, due_at: datetime | None = None) -> TimedJob:
    return TimedJob(
        due_at=due_at or now(),
        run_id=job.run_id,
        session_id=job.session_id,
        attempt_id=job.attempt_id,
        job=job.model_dump_json(exclude={"run_id", "session_id", "attempt", "attempt_id"}),
    )


@dataclass
class Batches:
    """The other side: batches by their id, and what was said about them."""

    rig: Rig
    jobs: dict[UUID, tuple[TimedJob, ...]] = field(default_factory=dict)
    claims: list[TicksClaim] = field(default_factory=list)
    reports: list[TicksReport] = field(default_factory=list)
    refuses: bool = False
    lease_s: float = 0.6

    async def listen(self) -> None:
        async def on_claim(_subject: str, body: bytes) -> bytes:
            claim = TicksClaim.model_validate_json(body)
            self.claims.append(claim)
            jobs = self.jobs.get(claim.batch_id)
            reply = TicksClaimReply(granted=jobs is not None, jobs=jobs or (), lease_s=self.lease_s)
            return reply.encode()

        async def on_report(_subject: str, body: bytes) -> bytes:
            self.reports.append(TicksReport.model_validate_json(body))
            return ReportReply(accepted=not self.refuses).encode()

        await self.rig.control.bus.subscribe("rpc.claim-ticks.*", on_claim)
        await self.rig.control.bus.subscribe("rpc.report-ticks.*", on_report)

    async def offer(self, due: Sequence[datetime]) -> UUID:
        batch_id = uuid4()
        self.jobs[batch_id] = tuple(timed(a_job(uuid4()), each) for each in due)
        await self.offer_again(batch_id)
        return batch_id

    async def offer_again(self, batch_id: UUID) -> None:
        await self.rig.control.bus.publish(subjects.ticks(HERE), TicksOffer(batch_id=batch_id).encode())

    @property
    def ended(self) -> list[Report]:
        return [each for report in self.reports for each in report.reports]

    @property
    def is_over(self) -> bool:
        return bool(self.reports) and self.reports[-1].is_last


@asynccontextmanager
async def running_rounds(folder: Path, script: Script = passes, *, slots: int = 1) -> AsyncIterator[Batches]:
    async with running_agent(folder, script=script, slots=slots) as rig:
        batches = Batches(rig)
        await batches.listen()
        await until(lambda: bool(rig.broker.receivers(subjects.ticks(HERE))))
        yield batches


async def test_a_batch_is_claimed_and_all_its_jobs_are_reported_with_its_token(tmp_path: Path) -> None:
    async with running_rounds(tmp_path) as batches:
        batch_id = await batches.offer([now()] * 3)
        await until(lambda: batches.is_over)
        assert {each.run_id for each in batches.ended} == {each.run_id for each in batches.jobs[batch_id]}
        assert {each.token for each in batches.ended} == {batches.claims[0].token}
        assert {each.batch_id for each in batches.reports} == {batch_id}


async def test_a_job_begins_when_it_is_due_and_at_once_where_that_is_over(tmp_path: Path) -> None:
    began: dict[UUID, datetime] = {}

    async def notes(job: JobSpec, context: RunContext) -> Report:
        began[job.run_id] = now()
        return a_report(job, context)

    async with running_rounds(tmp_path, notes) as batches:
        due = [now() - timedelta(seconds=5), now() + timedelta(seconds=0.4)]
        batch_id = await batches.offer(due)
        await until(lambda: batches.is_over)
        late, early = (began[each.run_id] for each in batches.jobs[batch_id])
        assert late < due[1] <= early


async def test_jobs_of_one_moment_begin_in_one_go(tmp_path: Path) -> None:
    went_on: list[bool] = []

    async def notes(job: JobSpec, context: RunContext) -> Report:
        began.append((now(), bool(went_on)))
        asyncio.get_running_loop().call_soon(went_on.append, True)
        return a_report(job, context)

    began: list[tuple[datetime, bool]] = []
    second = (now() + timedelta(seconds=1.5)).replace(microsecond=0)
    async with running_rounds(tmp_path, notes) as batches:
        await batches.offer([second] * 3)
        await until(lambda: batches.is_over)
    assert all(at >= second for at, _ in began)
    assert not any(later for _, later in began)


async def test_reports_that_fit_no_message_together_come_in_several_and_only_the_last_ends_the_batch(
    tmp_path: Path,
) -> None:
    async def reads_a_long_page(job: JobSpec, context: RunContext) -> Report:
        return a_report(job, context).model_copy(update={"details": {"body": "x" * 64 * 1024}})

    async with running_rounds(tmp_path, reads_a_long_page) as batches:
        batch_id = await batches.offer([now()] * 40)
        await until(lambda: batches.is_over)
    assert len(batches.reports) > 1
    assert [each.is_last for each in batches.reports[:-1]] == [False] * (len(batches.reports) - 1)
    assert {each.run_id for each in batches.ended} == {each.run_id for each in batches.jobs[batch_id]}
    assert all(each.details["body"] for each in batches.ended)


async def test_a_result_that_fits_no_message_is_told_without_its_details(tmp_path: Path) -> None:
    async def reads_too_much(job: JobSpec, context: RunContext) -> Report:
        return a_report(job, context).model_copy(update={"details": {"body": "x" * 2 * 1024**2}})

    async with running_rounds(tmp_path, reads_too_much) as batches:
        await batches.offer([now()])
        await until(lambda: batches.is_over)
    (report,) = batches.ended
    assert report.details == {}
    assert "were left out" in report.errors[0]


async def test_a_batch_with_a_job_that_cannot_be_read_is_left_to_others(tmp_path: Path) -> None:
    async with running_rounds(tmp_path) as batches:
        unreadable = timed(a_job(uuid4())).model_copy(update={"job": '{"spec": {"type": "TELEPATHY"}}'})
        batch_id = uuid4()
        batches.jobs[batch_id] = (timed(a_job(uuid4())), unreadable)
        await batches.offer_again(batch_id)
        await until(lambda: bool(batches.claims))
        readable = await batches.offer([now()])
        await until(lambda: batches.is_over)
    assert {each.batch_id for each in batches.reports} == {readable}


async def test_monitors_take_no_slots(tmp_path: Path) -> None:
    async def hangs_unless_alone(job: JobSpec, context: RunContext) -> Report:
        if job.run_id not in in_batch:
            await asyncio.Event().wait()
        return a_report(job, context)

    in_batch: set[UUID] = set()
    async with running_rounds(tmp_path, hangs_unless_alone, slots=1) as batches:
        await batches.rig.start_run()
        batch_id = uuid4()
        batches.jobs[batch_id] = tuple(timed(a_job(uuid4())) for _ in range(3))
        in_batch |= {each.run_id for each in batches.jobs[batch_id]}
        await batches.offer_again(batch_id)
        await until(lambda: batches.is_over)
        assert len(batches.ended) == 3


async def test_a_slow_job_holds_up_no_report_and_the_batch_is_kept_meanwhile(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def one_is_slow(job: JobSpec, context: RunContext) -> Report:
        if job.run_id == slow:
            await released.wait()
        return a_report(job, context)

    slow = uuid4()
    async with running_rounds(tmp_path, one_is_slow) as batches:
        batch_id = uuid4()
        jobs = [a_job(slow), a_job(uuid4()), a_job(uuid4())]
        batches.jobs[batch_id] = tuple(timed(each) for each in jobs)
        await batches.offer_again(batch_id)
        await until(lambda: len(batches.reports) == 3)
        assert [len(each.reports) for each in batches.reports] == [2, 0, 0]
        assert not batches.is_over
        released.set()
        await until(lambda: batches.is_over)
        assert [each.run_id for each in batches.reports[-1].reports] == [slow]


async def test_what_is_no_longer_ours_is_given_up(tmp_path: Path) -> None:
    async def hangs(job: JobSpec, context: RunContext) -> Report:
        await asyncio.Event().wait()
        return a_report(job, context)

    async with running_rounds(tmp_path, hangs) as batches:
        batches.refuses = True
        await batches.offer([now()])
        await until(lambda: len(batches.rig.executor.cut_off) == 1)
        assert len(batches.reports) == 1


async def test_a_batch_that_is_refused_or_empty_starts_nothing(tmp_path: Path) -> None:
    async with running_rounds(tmp_path) as batches:
        await batches.offer_again(uuid4())
        empty = await batches.offer([])
        await until(lambda: batches.is_over and len(batches.claims) == 2)
        assert [(each.batch_id, each.reports) for each in batches.reports] == [(empty, ())]


async def test_a_defect_of_an_executor_is_the_outcome_of_its_job_alone(tmp_path: Path) -> None:
    async def breaks_once(job: JobSpec, context: RunContext) -> Report:
        if not broken:
            broken.append(job.run_id)
            raise RuntimeError("a defect")
        return a_report(job, context)

    broken: list[UUID] = []
    async with running_rounds(tmp_path, breaks_once) as batches:
        await batches.offer([now()] * 2)
        await until(lambda: batches.is_over)
        by_run = {each.run_id: each.outcome for each in batches.ended}
        outcome = by_run.pop(broken[0])
        assert (outcome.verdict, outcome.blame, outcome.code) == (
            Verdict.ERRORED,
            Blame.RUNNER,
            "RUNNER_FAULT",
        )
        assert [each.verdict for each in by_run.values()] == [Verdict.PASSED]


async def test_an_unreadable_offer_disturbs_nothing(tmp_path: Path) -> None:
    async with running_rounds(tmp_path) as batches:
        await batches.rig.control.bus.publish(subjects.ticks(HERE), b"not json")
        await batches.offer([now()])
        await until(lambda: batches.is_over)
