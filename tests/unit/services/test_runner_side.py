"""What runners say twice, too late or about runs that are no longer theirs; and what they are told."""

import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bellrock.domain.cancellation import Via
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import Unauthenticated
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import RunState
from bellrock.domain.sessions import SessionKind
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.cancel_session import cancel_session
from bellrock.services.checks import get_check
from bellrock.services.heartbeat import heartbeat
from bellrock.services.read_sessions import get_session
from bellrock.services.reap import reap
from bellrock.services.record_result import record_evidence
from bellrock.services.runners import list_runners
from bellrock.services.start_session import TestSessionRequest, start_check_session, trigger_test_session
from bellrock.services.views import SessionView
from bellrock.store.results import results_of_runs
from bellrock.store.runs import load_run
from bellrock.store.tables import checks, runs
from bellrock.wire.messages import Artifact, Evidence, HeartbeatRequest, HeldRun
from tests.unit.services.world import CANCELLED, FAILED, HERE, PASSED, World, chunks

TRACE = b"a trace"
RUNNER_FAULT = Outcome(Verdict.ERRORED, Blame.RUNNER, "BROWSER_CRASHED", "The browser ended.")


@pytest.fixture
async def run_id(world: World) -> UUID:
    check = await world.suite("shop", HERE)
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    return view.runs[0].run.id


async def upload(world: World, run_id: UUID, token: UUID) -> None:
    await accept_artifact(
        world.platform,
        run_id,
        token=token,
        name="trace.zip",
        content_type="application/zip",
        chunks=chunks(TRACE),
    )


def evidence_of(world: World, run_id: UUID) -> Evidence:
    trace = Artifact(
        name="trace.zip",
        type="trace",
        content_type="application/zip",
        size_bytes=len(TRACE),
        sha256=hashlib.sha256(TRACE).hexdigest(),
    )
    return Evidence(run_id=run_id, token=world.tokens[run_id], artifacts=(trace,))


async def cancel_all(world: World, run_id: UUID) -> None:
    async with world.platform.database.read() as connection:
        stored = await load_run(connection, run_id)
    assert stored is not None
    session_id = stored.run.session_id
    await cancel_session(
        world.platform,
        world.owner,
        SessionKind.CHECK,
        session_id=session_id,
        sequence_ids=None,
        via=Via.API,
    )


async def lose_the_runner(world: World) -> None:
    world.clock.advance(world.platform.settings.lease_s)
    assert await reap(world.platform) == 1


async def test_a_claim_asked_twice_is_granted_twice_and_counts_once(world: World, run_id: UUID) -> None:
    token = uuid4()
    first = await world.claim(run_id, token=token)
    assert await world.claim(run_id, token=token) == first
    assert not (await world.claim(run_id)).granted
    await lose_the_runner(world)
    assert not (await world.claim(run_id, "us-east-1")).granted


async def test_a_runner_that_lost_its_run_is_told_so(world: World, run_id: UUID) -> None:
    await world.claim(run_id)
    held = HeldRun(run_id=run_id, token=world.tokens[run_id], stage="testing")
    await lose_the_runner(world)
    request = HeartbeatRequest(
        runner_id="runner-1", location=HERE, busy_slots=1, leftover_processes=0, runs=(held,)
    )
    reply = await heartbeat(world.platform, request)
    assert reply.lost == (run_id,)
    assert reply.stop == ()


@pytest.mark.parametrize(
    ("is_cancelled", "reported", "counts_as"),
    [(True, RUNNER_FAULT, Verdict.CANCELLED), (False, CANCELLED, Verdict.ERRORED)],
)
async def test_a_report_that_is_taken_for_something_else_is_accepted_again_when_its_answer_was_lost(
    world: World, run_id: UUID, is_cancelled: bool, reported: Outcome, counts_as: Verdict
) -> None:
    await world.claim(run_id)
    if is_cancelled:
        await cancel_all(world, run_id)
    replies = [await world.report(run_id, reported) for _ in range(2)]
    assert [reply.accepted for reply in replies] == [True, True]
    assert not (await world.report(run_id, PASSED)).accepted
    async with world.platform.database.read() as connection:
        (final,) = (await results_of_runs(connection, [run_id]))[run_id]
    assert final.outcome.verdict is counts_as


async def test_files_and_reports_of_a_lost_runner_are_refused(world: World, run_id: UUID) -> None:
    await world.claim(run_id)
    late = world.a_report(run_id)
    await lose_the_runner(world)
    with pytest.raises(Unauthenticated):
        await upload(world, run_id, late.token)
    assert not (await world.report(run_id)).accepted


async def test_files_of_a_run_that_the_server_ended_are_refused(world: World, run_id: UUID) -> None:
    for _ in range(3):
        await world.claim(run_id)
        await lose_the_runner(world)
    with pytest.raises(Unauthenticated):
        await upload(world, run_id, world.tokens[run_id])
    assert not (await record_evidence(world.platform, evidence_of(world, run_id))).accepted


@pytest.mark.parametrize(("after_s", "accepted"), [(119, True), (121, False)])
async def test_evidence_comes_late_only_within_its_time(
    world: World, run_id: UUID, after_s: float, accepted: bool
) -> None:
    await world.claim(run_id)
    await upload(world, run_id, world.tokens[run_id])
    await world.report(run_id, PASSED, evidence_complete=False)
    world.clock.advance(after_s)
    assert (await record_evidence(world.platform, evidence_of(world, run_id))).accepted is accepted
    if accepted:
        await upload(world, run_id, world.tokens[run_id])
    else:
        with pytest.raises(Unauthenticated):
            await upload(world, run_id, world.tokens[run_id])


async def test_evidence_with_a_foreign_token_is_refused(world: World, run_id: UUID) -> None:
    await world.claim(run_id)
    await world.report(run_id, PASSED)
    foreign = evidence_of(world, run_id).model_copy(update={"token": uuid4()})
    assert not (await record_evidence(world.platform, foreign)).accepted


@pytest.mark.parametrize(
    ("backoff", "waits_s"),
    [
        (Backoff.FIXED, (10, 10, 10)),
        (Backoff.LINEAR, (10, 20, 30)),
        (Backoff.EXPONENTIAL, (10, 100, 1_000)),
        (Backoff.SINGLE_RETRY, (10,)),
    ],
)
async def test_attempts_wait_as_their_strategy_says_and_each_is_kept(
    world: World, backoff: Backoff, waits_s: tuple[float, ...]
) -> None:
    await world.suite("shop", HERE)
    retry = RetryPolicy(backoff, 10, max_retries=3, max_duration_s=10_000)
    request = TestSessionRequest("nightly", HERE, retry=retry)
    view = await trigger_test_session(world.platform, world.owner, request)
    run_id = view.runs[0].run.id
    for wait_s in waits_s:
        await world.claim(run_id)
        await world.report(run_id, FAILED)
        run = (await look(world, view)).runs[0].run
        assert run.state is RunState.RETRY_WAIT
        assert run.retry_at == world.clock.now + timedelta(seconds=wait_s)
        world.clock.advance(wait_s)
        assert await reap(world.platform) == 1
    await world.claim(run_id)
    await world.report(run_id, FAILED)
    kinds = [result.result_type for result in (await look(world, view)).runs[0].results]
    assert kinds == ["ATTEMPT"] * len(waits_s) + ["FINAL"]


async def look(world: World, view: SessionView) -> SessionView:
    return await get_session(world.platform, world.owner, view.session.kind, session_id=view.session.id)


async def test_secrets_are_sealed_at_rest_never_returned_and_told_only_to_the_runner(world: World) -> None:
    secret = EnvironmentVariable("PASSWORD", "correct horse", secret=True)
    check = await world.suite("shop", HERE, environment=(secret,))
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    async with world.platform.database.read() as connection:
        at_rest = [
            *await connection.scalars(select(checks.c.sealed_environment)),
            *await connection.scalars(select(runs.c.sealed_environment)),
        ]
    assert all(at_rest)
    assert "correct horse" not in repr(at_rest)
    assert "correct horse" not in repr(await get_check(world.platform, world.owner, check.id))
    assert "correct horse" not in repr(await look(world, view))
    job = (await world.claim(view.runs[0].run.id)).job
    assert job is not None
    assert job.environment == (secret,)


async def test_runners_that_were_gone_for_long_are_forgotten_once_another_serves_their_location(
    world: World,
) -> None:
    await world.hello(HERE, runner_id="old")
    world.clock.advance(8 * 86_400)
    assert [each.runner_id for each in await list_runners(world.platform, world.owner)] == ["old"]
    await world.hello(HERE, runner_id="new")
    assert [each.runner_id for each in await list_runners(world.platform, world.owner)] == ["new"]
