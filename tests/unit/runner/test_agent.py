import asyncio
from pathlib import Path
from uuid import uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import Output, Stage
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import SweepReport
from bellrock.wire import subjects
from bellrock.wire.messages import Evidence, JobSpec, LiveBatch, ReplayRequest, Report
from tests.unit.runner.agent_rig import HERE, a_report, running_agent, until


async def hangs(job: JobSpec, context: RunContext) -> Report:
    await asyncio.Event().wait()
    return a_report(job, context)


async def stops_when_asked(job: JobSpec, context: RunContext) -> Report:
    await context.cancelled.wait()
    return a_report(job, context, Verdict.CANCELLED)


async def test_an_offered_run_is_claimed_executed_and_reported(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as rig:
        run_id = uuid4()
        await rig.control.offer(run_id)
        await until(lambda: len(rig.control.reports) == 1)
        report, claim = rig.control.reports[0], rig.control.claims[0]
        assert (report.run_id, report.outcome.verdict) == (run_id, Verdict.PASSED)
        assert report.token == claim.token
        assert await rig.control.bus.pending_offers(HERE) == 0


async def test_the_agent_says_who_it_is_before_it_takes_anything(tmp_path: Path) -> None:
    async with running_agent(tmp_path, slots=3) as rig:
        await until(lambda: bool(rig.control.hellos))
        hello = rig.control.hellos[0]
        assert (hello.location, hello.slots, hello.isolation) == (HERE, 3, "process-group")
        assert hello.guarantees


async def test_a_refused_claim_drops_the_offer(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as rig:
        rig.control.refusal = "the run is final"
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.claims) == 1)
        await until(lambda: not rig.broker.queues[subjects.dispatch(HERE)])
        assert not rig.control.reports
        assert not rig.executor.running


async def test_an_unreadable_offer_is_dropped(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as rig:
        await rig.control.bus.offer(HERE, b"not json", message_id="x")
        await until(lambda: not rig.broker.queues[subjects.dispatch(HERE)])
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 1)


async def test_a_claim_whose_answer_was_lost_is_repeated_with_the_same_token(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as rig:
        rig.control.silent_claims = 1
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 1)
        first, second = rig.control.claims
        assert first.token == second.token


async def test_a_report_is_repeated_until_it_is_answered(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as rig:
        rig.control.silent_reports = 2
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 3)
        assert len({report.token for report in rig.control.reports}) == 1


async def test_a_report_that_fits_no_message_is_told_without_its_longest_parts(tmp_path: Path) -> None:
    async def tests_a_lot(job: JobSpec, context: RunContext) -> Report:
        return a_report(job, context).model_copy(update={"details": {"notes": ["x" * 2 * 1024**2]}})

    async with running_agent(tmp_path, script=tests_a_lot) as rig:
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 1)
        (report,) = rig.control.reports
        assert report.outcome.verdict is Verdict.PASSED
        assert (report.details, report.test_list) == ({}, ())
        assert "were left out" in report.errors[0]


async def test_an_executor_that_raises_is_the_runners_fault_and_the_agent_lives_on(tmp_path: Path) -> None:
    async def breaks(job: JobSpec, context: RunContext) -> Report:
        raise KeyError("a defect")

    async with running_agent(tmp_path, script=breaks) as rig:
        for _ in range(2):
            await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 2)
        outcome = rig.control.reports[0].outcome
        assert (outcome.verdict, outcome.blame, outcome.code) == (
            Verdict.ERRORED,
            Blame.RUNNER,
            "RUNNER_FAULT",
        )


async def test_a_cancel_signal_is_answered_at_once_and_reaches_the_executor(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=stops_when_asked) as rig:
        run_id = await rig.start_run()
        context = rig.executor.running[run_id]
        ack = await rig.control.cancel(run_id)
        assert ack.stopping
        await until(lambda: len(rig.control.reports) == 1)
        assert rig.control.reports[0].outcome.verdict is Verdict.CANCELLED
        assert (context.cancelled.by, context.cancelled.via) == ("Ada", "API")


async def test_a_cancel_after_the_suite_ended_is_answered_with_that(tmp_path: Path) -> None:
    async def uploads(job: JobSpec, context: RunContext) -> Report:
        context.events.stage(Stage.UPLOADING)
        await context.cancelled.wait()
        return a_report(job, context)

    async with running_agent(tmp_path, script=uploads) as rig:
        run_id = await rig.start_run()
        ack = await rig.control.cancel(run_id)
        assert not ack.stopping
        assert ack.reason


async def test_a_heartbeat_that_says_stop_reaches_the_executor(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=stops_when_asked) as rig:
        run_id = await rig.start_run()
        rig.control.stop.add(run_id)
        await until(lambda: len(rig.control.reports) == 1)


async def test_heartbeats_name_every_run_held_and_its_stage(tmp_path: Path) -> None:
    async def installs(job: JobSpec, context: RunContext) -> Report:
        context.events.stage(Stage.INSTALLING)
        await context.cancelled.wait()
        return a_report(job, context)

    async with running_agent(tmp_path, script=installs) as rig:
        run_ids = {await rig.start_run(), await rig.start_run()}
        await until(lambda: bool(rig.control.heartbeats))
        await until(lambda: {held.run_id for held in rig.control.heartbeats[-1].runs} == run_ids)
        await until(lambda: {held.stage for held in rig.control.heartbeats[-1].runs} == {"installing"})
        assert rig.control.heartbeats[-1].busy_slots == 2
        rig.control.stop |= run_ids
        await until(lambda: not rig.control.heartbeats[-1].runs)


async def test_a_run_that_was_lost_is_killed_and_never_reported(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=hangs) as rig:
        run_id = await rig.start_run()
        rig.control.lost.add(run_id)
        await until(lambda: rig.executor.cut_off == [run_id])
        await until(lambda: not list(rig.runs_folder.iterdir()))
        assert not rig.control.reports


async def test_a_lost_run_that_is_offered_again_is_claimed_with_a_new_token(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=hangs) as rig:
        run_id = await rig.start_run()
        rig.control.lost.add(run_id)
        await rig.control.offer(run_id)
        await until(lambda: len(rig.control.claims) == 2)
        rig.control.lost.clear()
        first, second = rig.control.claims
        assert (first.run_id, second.run_id) == (run_id, run_id)
        assert first.token != second.token


async def test_an_offer_of_a_run_that_is_held_is_dropped_without_a_claim(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=hangs) as rig:
        run_id = await rig.start_run()
        await rig.control.offer(run_id)
        await until(lambda: not rig.broker.queues[subjects.dispatch(HERE)])
        assert len(rig.control.claims) == 1


async def test_no_more_runs_at_once_than_there_are_slots(tmp_path: Path) -> None:
    async def takes_a_moment(job: JobSpec, context: RunContext) -> Report:
        await asyncio.sleep(0.02)
        return a_report(job, context)

    async with running_agent(tmp_path, slots=2, script=takes_a_moment) as rig:
        for _ in range(8):
            await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 8)
        assert rig.executor.most_at_once == 2


async def test_the_folder_of_a_run_is_gone_when_it_is_over(tmp_path: Path) -> None:
    async def makes_a_mess(job: JobSpec, context: RunContext) -> Report:
        locked = context.folder / "locked"
        locked.mkdir()
        (locked / "file").write_text("x")
        locked.chmod(0)
        return a_report(job, context)

    async with running_agent(tmp_path, script=makes_a_mess) as rig:
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.reports) == 1)
        await until(lambda: not list(rig.runs_folder.iterdir()))


async def test_at_shutdown_a_run_may_finish_within_its_grace(tmp_path: Path) -> None:
    async with running_agent(tmp_path, grace_s=10, script=stops_when_asked) as rig:
        run_id = await rig.start_run()
        rig.stop.set()
        await rig.control.cancel(run_id)
        await asyncio.wait_for(rig.serving, 10)
        assert rig.control.reports[0].outcome.verdict is Verdict.CANCELLED


async def test_at_shutdown_a_run_over_its_grace_is_stopped_and_reported_as_such(tmp_path: Path) -> None:
    async with running_agent(tmp_path, grace_s=0.1, script=hangs) as rig:
        run_id = await rig.start_run()
        rig.stop.set()
        await asyncio.wait_for(rig.serving, 10)
        assert rig.executor.cut_off == [run_id]
        outcome = rig.control.reports[0].outcome
        assert (outcome.blame, outcome.code) == (Blame.RUNNER, "STOPPED_BY_RUNNER")


async def test_at_shutdown_no_new_run_is_taken(tmp_path: Path) -> None:
    async with running_agent(tmp_path, grace_s=10, script=stops_when_asked) as rig:
        run_id = await rig.start_run()
        rig.stop.set()
        await until(lambda: rig.agent.is_draining)
        await rig.control.offer(uuid4())
        await rig.control.cancel(run_id)
        await asyncio.wait_for(rig.serving, 10)
        assert len(rig.control.claims) == 1


async def test_after_a_reconnect_the_runs_held_are_named_at_once(tmp_path: Path) -> None:
    async with running_agent(tmp_path, script=hangs) as rig:
        run_id = await rig.start_run()
        await rig.broker.cut()
        before = len(rig.control.heartbeats)
        await rig.broker.restore()
        await until(lambda: len(rig.control.heartbeats) > before)
        assert [held.run_id for held in rig.control.heartbeats[-1].runs] == [run_id]
        rig.control.lost.add(run_id)


async def test_live_events_are_published_in_order_and_can_be_asked_for_again(tmp_path: Path) -> None:
    async def talks(job: JobSpec, context: RunContext) -> Report:
        for number in range(450):
            context.events.output("stdout", f"line {number}\n")
        await context.cancelled.wait()
        return a_report(job, context)

    async with running_agent(tmp_path, script=talks) as rig:
        run_id = await rig.start_run()
        await until(lambda: sum(len(batch.events) for batch in rig.control.live) == 450)
        seqs = [event.seq for batch in rig.control.live for event in batch.events]
        assert seqs == list(range(1, 451))
        request = ReplayRequest(run_id=run_id, after_seq=439, limit=5)
        answer = await rig.control.bus.request(subjects.replay(HERE, run_id), request.encode(), timeout_s=5)
        assert [event.seq for event in LiveBatch.model_validate_json(answer).events] == [
            440,
            441,
            442,
            443,
            444,
        ]
        await rig.control.cancel(run_id)
        await until(lambda: len(rig.control.reports) == 1)


async def test_secrets_do_not_leave_the_runner_in_events(tmp_path: Path) -> None:
    async def prints_its_secret(job: JobSpec, context: RunContext) -> Report:
        context.events.output("stdout", 'token is s3cr"et and passed\n')
        return a_report(job, context)

    async with running_agent(tmp_path, script=prints_its_secret) as rig:
        rig.control.environment = (EnvironmentVariable("TOKEN", 's3cr"et', secret=True),)
        await rig.control.offer(uuid4())
        await until(lambda: bool(rig.control.live))
        event = rig.control.live[0].events[0]
        assert isinstance(event, Output)
        assert event.text == "token is ******** and passed\n"


async def test_a_secret_that_is_a_word_of_the_wire_spoils_nothing(tmp_path: Path) -> None:
    async def prints_its_secret(job: JobSpec, context: RunContext) -> Report:
        context.events.output("stdout", "stdout it is\n")
        return a_report(job, context)

    async with running_agent(tmp_path, script=prints_its_secret) as rig:
        rig.control.environment = (EnvironmentVariable("WORD", "stdout", secret=True),)
        await rig.control.offer(uuid4())
        await until(lambda: bool(rig.control.live))
        event = rig.control.live[0].events[0]
        assert isinstance(event, Output)
        assert (event.stream, event.text) == ("stdout", "******** it is\n")


async def test_late_evidence_follows_the_report(tmp_path: Path) -> None:
    async def reports_first(job: JobSpec, context: RunContext) -> Report:
        async def collect() -> Evidence:
            return Evidence(run_id=job.run_id, token=context.token, artifacts=())

        context.late_evidence = collect
        return a_report(job, context).model_copy(update={"evidence_complete": False})

    async with running_agent(tmp_path, script=reports_first) as rig:
        await rig.control.offer(uuid4())
        await until(lambda: len(rig.control.evidence) == 1)
        assert len(rig.control.reports) == 1


async def test_evidence_of_a_refused_report_is_dropped_before_the_folder_goes(tmp_path: Path) -> None:
    dropped_in: list[bool] = []

    async def reports_first(job: JobSpec, context: RunContext) -> Report:
        async def drop() -> None:
            dropped_in.append(context.folder.exists())

        context.drop_evidence = drop
        return a_report(job, context).model_copy(update={"evidence_complete": False})

    async with running_agent(tmp_path, script=reports_first) as rig:
        rig.control.report_refusal = "the run is final"
        await rig.control.offer(uuid4())
        await until(lambda: bool(dropped_in))
        assert dropped_in == [True]


async def test_processes_that_could_not_be_killed_are_told_in_heartbeats(tmp_path: Path) -> None:
    async def leaves_two(job: JobSpec, context: RunContext) -> Report:
        return a_report(job, context).model_copy(update={"processes_left": 2})

    async with running_agent(tmp_path, script=leaves_two) as rig:
        await rig.control.offer(uuid4())
        await until(
            lambda: bool(rig.control.heartbeats) and rig.control.heartbeats[-1].leftover_processes == 2
        )


async def test_what_a_former_life_left_is_told_once_whatever_the_number_of_locations(tmp_path: Path) -> None:
    places, swept = (HERE, "us-east-1"), SweepReport(killed=5, left=2)
    async with running_agent(tmp_path, locations=places, swept=swept) as rig:
        await until(lambda: {beat.location for beat in rig.control.heartbeats} == set(places))
    told = {beat.location: beat.leftover_processes for beat in rig.control.heartbeats}
    assert sorted(told.values()) == [0, 2]
    assert {hello.orphans_swept for hello in rig.control.hellos} == {5}


async def test_processes_that_a_run_left_are_told_with_every_heartbeat_after_it(tmp_path: Path) -> None:
    async def leaves_three(job: JobSpec, context: RunContext) -> Report:
        return a_report(job, context).model_copy(update={"processes_left": 3})

    async with running_agent(tmp_path, script=leaves_three) as rig:
        await rig.control.offer(uuid4())
        await until(lambda: bool(rig.control.reports))
        told = rig.control.heartbeats
        await until(lambda: [beat.leftover_processes for beat in told[-2:]] == [3, 3])
