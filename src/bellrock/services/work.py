"""Units of work: one transaction, in which runs move on by `decide` and nothing else.

`advance` is the one place where a decision becomes rows: the run by compare-and-set, its result, the
session's status with its last run, and the orders for the outbox. All or nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.runs import (
    Announce,
    AttemptFailed,
    CancelAsked,
    CancelStamped,
    Decision,
    Dispatch,
    Event,
    LeaseExpired,
    LeaseExtended,
    LeaseRanOut,
    Order,
    QueueTimeRanOut,
    Refused,
    Reported,
    Run,
    RunClaimed,
    RunFinished,
    RunRequeued,
    RunState,
    SignalRunner,
    decide,
)
from bellrock.domain.sessions import Session, is_over, status_of
from bellrock.services.ids import new_id
from bellrock.services.measuring import measure_decision
from bellrock.services.platform import Platform
from bellrock.services.result_rows import result_rows
from bellrock.store.outbox import OutboxRow, put_orders
from bellrock.store.results import insert_result
from bellrock.store.runs import load_run, runs_of_sessions, save_run
from bellrock.store.sessions import freeze_session, load_session, lock_session
from bellrock.wire.messages import Report

log = structlog.get_logger(__name__)

_MAY_END_A_RUN = (CancelAsked, LeaseRanOut, QueueTimeRanOut, Reported)
_MOST_TRIES = 20  # each lost compare-and-set means that somebody else made progress


class Contended(RuntimeError):
    """A run changed under every one of many tries. The caller asks again later."""


@dataclass(slots=True)
class Work:
    """An open transaction, and what has to be told once it is committed."""

    platform: Platform
    connection: AsyncConnection
    at: datetime
    facts: list[tuple[Decision, Report | None]] = field(default_factory=list)
    sessions_started: list[Session] = field(default_factory=list)
    has_orders: bool = False

    async def order(self, *orders: Order) -> None:
        """Put orders into the outbox."""
        rows = [OutboxRow(new_id(), *_as_row(order)) for order in orders]
        await put_orders(self.connection, rows, self.at)
        self.has_orders = self.has_orders or bool(rows)

    async def announce(self, run: Run, what: str) -> None:
        """Wake whoever watches the run's session."""
        await self.order(Announce(run.account_id, run.session_id, run.id, what))


@asynccontextmanager
async def unit_of_work(platform: Platform) -> AsyncIterator[Work]:
    """A transaction. After its commit the relay and whoever waits for a session are woken."""
    async with platform.database.write() as connection:
        work = Work(platform, connection, platform.clock())
        yield work
    if work.has_orders:
        platform.outbox_bell.set()
    for session in work.sessions_started:
        platform.measures.runs.sessions_started.labels(session.kind).inc()
    for decision, report in work.facts:
        _tell(decision)
        measure_decision(platform.measures, decision, report)
        platform.live.wake(decision.run.session_id)


async def advance(
    work: Work, run_id: UUID, event: Event, *, report: Report | None = None, **beside: object
) -> Decision | None:
    """Apply an event to a run and write what follows. None for an unknown run.

    A lost race is not an error: the run is read again and decided again, as it is then. ``beside`` are
    columns beside the state machine to write with it. Raises Contended after many lost races.
    """
    for _ in range(_MOST_TRIES):
        stored = await load_run(work.connection, run_id)
        if stored is None:
            return None
        decision = decide(stored.run, event, at=work.at)
        if decision.run.version == stored.run.version:
            return decision
        if isinstance(event, _MAY_END_A_RUN):
            # Before the run's own row, always in this order: else two transactions wait for each other.
            # Also where this decision ends nothing: PostgreSQL keeps the row of a lost race locked, and
            # what is decided anew may be the end.
            await lock_session(work.connection, decision.run.session_id)
        if decision.run.state is RunState.QUEUED:
            beside |= {"offered_at": work.at, "stage": None}
        if await save_run(work.connection, decision.run, seen_version=stored.run.version, **beside):
            await _write_consequences(work, decision, report)
            return decision
    raise Contended(f"run {run_id} changed {_MOST_TRIES} times in a row")


async def _write_consequences(work: Work, decision: Decision, report: Report | None) -> None:
    run = decision.run
    for row in result_rows(decision, report, at=work.at):
        await insert_result(work.connection, row)
    await work.order(*decision.orders)
    if run.is_final:
        await _freeze_if_over(work, run.session_id)
    work.facts.append((decision, report))


async def _freeze_if_over(work: Work, session_id: UUID) -> None:
    stored = (await runs_of_sessions(work.connection, [session_id]))[session_id]
    session = await load_session(work.connection, session_id)
    session_runs = [each.run for each in stored]
    if session is None or not is_over(session_runs):
        return
    status = status_of(session.kind, session_runs)
    if await freeze_session(work.connection, session_id, status=status, stopped_at=work.at):
        log.info("session.finished", session_id=str(session_id), status=str(status))


def _as_row(order: Order) -> tuple[str, dict[str, str]]:
    match order:
        case Dispatch():
            return "dispatch", {"run_id": str(order.run_id), "location": order.location}
        case SignalRunner():
            return "signal", {"run_id": str(order.run_id), "location": order.location}
        case Announce():
            return "announce", {
                "account_id": str(order.account_id),
                "session_id": str(order.session_id),
                "run_id": str(order.run_id),
                "what": order.what,
            }


def _tell(decision: Decision) -> None:
    run = decision.run
    of_run = log.bind(
        run_id=str(run.id),
        session_id=str(run.session_id),
        location=run.location,
        version=run.version,
        verdict=str(run.outcome.verdict) if run.outcome else None,
    )
    for fact in decision.facts:
        match fact:
            case Refused() | LeaseExtended():
                pass  # nothing happened, or nothing worth a line every two seconds
            case LeaseExpired():
                of_run.warning("run.lease_expired", runner_id=fact.runner_id, executions=run.executions)
            case RunRequeued():
                of_run.info("run.requeued", reason=str(fact.reason))
            case RunFinished() if run.fenced and run.cancel is not None:
                of_run.warning("run.finished", forced_by_server=True)
            case _:
                of_run.info(f"run.{_NAME_OF[type(fact)]}")


_NAME_OF = {
    RunClaimed: "claimed",
    CancelStamped: "cancel_requested",
    AttemptFailed: "attempt_failed",
    RunFinished: "finished",
}
