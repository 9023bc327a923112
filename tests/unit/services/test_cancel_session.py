"""A cancel stamps what runs, ends what waits, and changes nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import event

from bellrock.domain.access import Role
from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.errors import Forbidden, NotFound
from bellrock.domain.runs import RunState
from bellrock.domain.sessions import CheckSessionStatus, SessionKind, TestSessionStatus
from bellrock.domain.specs import CheckType, PlaywrightSuite
from bellrock.services.cancel_session import cancel_session
from bellrock.services.checks import CheckDraft
from bellrock.services.heartbeat import heartbeat
from bellrock.services.read_sessions import get_session
from bellrock.services.reap import reap
from bellrock.services.start_session import (
    InlineJob,
    InlineSessionRequest,
    Target,
    run_test_session,
    start_check_session,
    trigger_check_sessions,
)
from bellrock.services.views import CancelSummary, SessionView
from bellrock.wire.messages import HeartbeatRequest, HeldRun
from tests.unit.services.world import CANCELLED, FAILED, HERE, PASSED, THERE, World


def a_draft(world: World) -> CheckDraft:
    return CheckDraft(type=CheckType.PLAYWRIGHT, name="suite", spec=PlaywrightSuite(world.bundle_key))


@contextmanager
def counted_statements(world: World) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = world.platform.database._writers.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def cancel(world: World, view: SessionView, *ids: object, role: Role | None = None) -> CancelSummary:
    principal = await world.principal(role) if role else world.owner
    return await cancel_session(
        world.platform,
        principal,
        view.session.kind,
        session_id=view.session.id,
        sequence_ids=tuple(ids) or None,  # type: ignore[arg-type]
        via=Via.API,
    )


async def look(world: World, view: SessionView) -> SessionView:
    return await get_session(world.platform, world.owner, view.session.kind, session_id=view.session.id)


@pytest.fixture
async def session(world: World) -> SessionView:
    check = await world.suite()
    return await start_check_session(world.platform, world.owner, check_id=check.id)


async def test_a_queued_run_is_final_at_once_and_its_receipt_says_it_never_started(
    world: World, session: SessionView
) -> None:
    summary = await cancel(world, session)
    after = await look(world, session)
    assert set(summary.finished) == {run.run.id for run in session.runs}
    assert after.status is CheckSessionStatus.CANCELLED
    assert after.stopped_at == world.clock.now
    for run in after.runs:
        assert run.final is not None
        assert run.final.receipt is not None
        assert run.final.receipt.never_started
        assert run.final.receipt.runner is None
        assert run.final.receipt.requested_by == world.owner.name


async def test_a_cancelled_queued_run_is_refused_to_a_runner(world: World, session: SessionView) -> None:
    await cancel(world, session)
    reply = await world.claim(session.runs[0].run.id)
    assert not reply.granted
    assert reply.reason == "the run is final"


async def test_a_running_run_is_stamped_and_ended_by_its_runner(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    summary = await cancel(world, session, run_id)
    assert summary.stamped == (run_id,)
    assert (await look(world, session)).runs[0].run.state is RunState.RUNNING

    world.clock.advance(1)
    await world.report(run_id, CANCELLED, receipt=world.runner_receipt())
    result = (await look(world, session)).runs[0].final
    assert result is not None
    assert result.outcome.is_cancelled
    assert result.receipt is not None
    assert result.receipt.runner == world.runner_receipt() or result.receipt.runner is not None
    assert not result.receipt.forced_by_server


async def test_a_heartbeat_says_stop_until_the_run_is_final(world: World, session: SessionView) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    await cancel(world, session)
    held = HeldRun(run_id=run_id, token=world.tokens[run_id], stage="testing")
    request = HeartbeatRequest(
        runner_id="runner-1", location=HERE, busy_slots=1, leftover_processes=0, runs=(held,)
    )
    assert (await heartbeat(world.platform, request)).stop == (run_id,)
    assert (await heartbeat(world.platform, request)).stop == (run_id,)
    await world.report(run_id, CANCELLED)
    assert (await heartbeat(world.platform, request)).lost == (run_id,)


async def test_a_genuine_verdict_after_the_cancel_stands(world: World, session: SessionView) -> None:
    first, second = (run.run.id for run in session.runs)
    await world.claim(first)
    await cancel(world, session, first)
    await world.report(first, PASSED)
    await world.claim(second, THERE)
    await world.report(second, PASSED)
    after = await look(world, session)
    assert after.status is CheckSessionStatus.PASSED
    assert after.runs[0].final is not None
    assert after.runs[0].final.receipt is None


async def test_one_cancelled_run_makes_the_session_cancelled_even_beside_a_failed_one(
    world: World, session: SessionView
) -> None:
    first, second = (run.run.id for run in session.runs)
    await world.claim(second, THERE)
    await cancel(world, session, first)
    assert (await look(world, session)).status is CheckSessionStatus.PROGRESS
    await world.report(second, FAILED)
    assert (await look(world, session)).status is CheckSessionStatus.CANCELLED


async def test_the_first_cancel_stands_and_a_second_changes_nothing(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    await cancel(world, session, run_id)
    stamped = (await look(world, session)).runs[0].run
    world.clock.advance(1)
    assert await cancel(world, session, run_id, role=Role.READ_RUN) == CancelSummary()
    assert (await look(world, session)).runs[0].run == stamped


async def test_a_second_cancel_of_the_whole_session_adds_the_other_runs(
    world: World, session: SessionView
) -> None:
    first, second = (run.run.id for run in session.runs)
    await cancel(world, session, first)
    assert (await cancel(world, session)).finished == (second,)


async def test_ids_that_match_nothing_are_ignored_and_the_others_count(
    world: World, session: SessionView
) -> None:
    stale, run_id = uuid4(), session.runs[0].run.id
    summary = await cancel(world, session, stale, run_id, run_id)
    assert summary.ignored == (stale,)
    assert summary.finished == (run_id,)


async def test_a_run_of_another_session_is_not_touched(world: World, session: SessionView) -> None:
    other = await start_check_session(
        world.platform, world.owner, check_id=session.session.check_id or uuid4()
    )
    summary = await cancel(world, session, other.runs[0].run.id)
    assert summary.ignored == (other.runs[0].run.id,)
    assert (await look(world, other)).runs[0].run.state is RunState.QUEUED


async def test_cancel_of_a_finished_session_changes_nothing(world: World, session: SessionView) -> None:
    for run, location in zip(session.runs, (HERE, THERE), strict=True):
        await world.claim(run.run.id, location)
        await world.report(run.run.id)
    before = await look(world, session)
    assert await cancel(world, session) == CancelSummary()
    assert await look(world, session) == before


async def test_a_cancel_takes_as_many_statements_for_many_runs_as_for_few(world: World) -> None:
    counts = []
    for size in (2, 40):
        jobs = [InlineJob(f"suite-{number}", a_draft(world)) for number in range(size)]
        view = await run_test_session(
            world.platform, world.owner, InlineSessionRequest("many", HERE, tuple(jobs))
        )
        with counted_statements(world) as statements:
            summary = await cancel(world, view)
        assert len(summary.finished) == size
        assert (await look(world, view)).status is TestSessionStatus.CANCELLED
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_a_check_that_is_no_suite_runs_on(world: World) -> None:
    check = await world.url_monitor()
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    assert await cancel(world, view) == CancelSummary()
    assert (await look(world, view)).runs[0].run.state is RunState.QUEUED


async def test_a_session_of_the_scheduler_is_refused(world: World) -> None:
    await world.suite()
    (view,) = await trigger_check_sessions(
        world.platform, world.owner, target=Target(), source=RunSource.SCHEDULER
    )
    with pytest.raises(Forbidden, match="SCHEDULER"):
        await cancel(world, view)


async def test_the_role_is_looked_at_before_the_session(world: World, session: SessionView) -> None:
    unknown = replace(session, session=replace(session.session, id=uuid4()))
    with pytest.raises(Forbidden, match="READ_RUN"):
        await cancel(world, unknown, role=Role.READ_ONLY)
    with pytest.raises(NotFound):
        await cancel(world, unknown, role=Role.READ_RUN)


async def test_a_session_of_the_other_kind_or_of_another_account_is_not_found(
    world: World, session: SessionView
) -> None:
    stranger = replace(world.owner, account_id=uuid4())
    for principal, kind in ((stranger, SessionKind.CHECK), (world.owner, SessionKind.TEST)):
        with pytest.raises(NotFound):
            await cancel_session(
                world.platform,
                principal,
                kind,
                session_id=session.session.id,
                sequence_ids=None,
                via=Via.UI,
            )


async def test_a_cancelled_run_whose_runner_vanished_is_ended_by_the_server_and_fenced(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    world.clock.advance(3)
    await cancel(world, session)
    world.clock.advance(world.platform.settings.lease_s)
    await reap(world.platform)
    after = await look(world, session)
    result = after.runs[0].final
    assert after.status is CheckSessionStatus.CANCELLED
    assert result is not None
    assert result.receipt is not None
    assert result.receipt.forced_by_server
    late = await world.report(run_id, PASSED)
    assert not late.accepted
    assert await look(world, session) == after


async def test_heartbeats_do_not_keep_a_cancelled_run_open_past_its_deadline(
    world: World, session: SessionView
) -> None:
    run_id = session.runs[0].run.id
    await world.claim(run_id)
    await cancel(world, session)
    held = HeldRun(run_id=run_id, token=world.tokens[run_id], stage="testing")
    request = HeartbeatRequest(
        runner_id="runner-1", location=HERE, busy_slots=1, leftover_processes=0, runs=(held,)
    )
    for _ in range(8):
        world.clock.advance(2)
        await heartbeat(world.platform, request)
        await reap(world.platform)
    assert (await look(world, session)).status is CheckSessionStatus.CANCELLED
