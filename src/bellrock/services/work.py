"""Units of work: one transaction, in which runs move on by `decide` and nothing else.

Here alone a decision becomes rows: the run, its result, the session's status with its last run, and
the orders for the outbox. All or nothing. `advance` takes one run, and writes it by compare-and-set;
`advance_together` takes many, locks them first, and needs few statements however many they are.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
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
    RunClaimed,
    RunFinished,
    RunRequeued,
    RunState,
    SignalRunner,
    decide,
)
from bellrock.domain.sessions import Session, SessionKind, status_at_end
from bellrock.services.announce import announce
from bellrock.services.ids import new_id
from bellrock.services.measuring import measure_decisions
from bellrock.services.platform import Platform
from bellrock.services.result_rows import result_rows
from bellrock.store.outbox import OutboxRow, put_orders
from bellrock.store.records import StoredRun
from bellrock.store.results import insert_results
from bellrock.store.runs import load_run, lock_open_runs, save_locked_runs, save_run, verdicts_if_over
from bellrock.store.sessions import freeze_session, lock_session
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
    announcements: list[Announce] = field(default_factory=list)
    locked: dict[UUID, SessionKind] = field(default_factory=dict)
    has_orders: bool = False

    async def lock(self, session_id: UUID) -> None:
        """Lock a session whose runs may end, before the rows of its runs.

        Always in this order: else two transactions wait for each other.
        """
        kind = None if session_id in self.locked else await lock_session(self.connection, session_id)
        if kind is not None:
            self.locked[session_id] = kind

    async def order(self, *orders: Order) -> None:
        """Put orders into the outbox; announcements are kept for after the commit."""
        rows = [OutboxRow(new_id(), *_as_row(each)) for each in orders if not isinstance(each, Announce)]
        await put_orders(self.connection, rows, self.at)
        self.has_orders = self.has_orders or bool(rows)
        self.announcements += [each for each in orders if isinstance(each, Announce)]


@asynccontextmanager
async def unit_of_work(platform: Platform) -> AsyncIterator[Work]:
    """A transaction. After its commit the relay is woken, and changes are announced.

    Announcements are not in the outbox: who hears nothing looks by itself, so that one lost with this
    process costs a second, and one that is kept would cost every run several writes.
    """
    async with platform.database.write() as connection:
        work = Work(platform, connection, platform.clock())
        yield work
    if work.has_orders:
        platform.outbox_bell.set()
    for session in work.sessions_started:
        platform.measures.runs.sessions_started.labels(session.kind).inc()
    for decision, _ in work.facts:
        _tell(decision)
    measure_decisions(platform.measures, work.facts)
    await announce(platform, work.announcements)


async def advance(
    work: Work,
    run_id: UUID,
    event: Event,
    *,
    stored: StoredRun | None = None,
    report: Report | None = None,
    **beside: object,
) -> Decision | None:
    """Apply an event to a run and write what follows. None for an unknown run.

    A lost race is not an error: the run is read again and decided again, as it is then. ``stored`` is the
    run where it was just read. ``beside`` are columns beside the state machine to write with it. Raises
    Contended after many lost races.
    """
    for _ in range(_MOST_TRIES):
        stored = stored or await load_run(work.connection, run_id)
        if stored is None:
            return None
        decision = decide(stored.run, event, at=work.at)
        if decision.run.version == stored.run.version:
            return decision
        if isinstance(event, _MAY_END_A_RUN):
            # Before the run's own row, always in this order: else two transactions wait for each other.
            # Also where this decision ends nothing: PostgreSQL keeps the row of a lost race locked, and
            # what is decided anew may be the end.
            await work.lock(decision.run.session_id)
        if decision.run.state is RunState.QUEUED:
            beside |= {"offered_at": work.at, "stage": None}
        if await save_run(work.connection, decision.run, seen_version=stored.run.version, **beside):
            await _write_consequences(work, [decision], report)
            return decision
        stored = None
    raise Contended(f"run {run_id} changed {_MOST_TRIES} times in a row")


async def advance_together(
    work: Work, events: Mapping[UUID, Event], *, stages: Mapping[UUID, str] | None = None
) -> dict[UUID, Decision]:
    """Apply an event to each of many runs and write what follows. Runs that are final are left out.

    Where events can end runs, `Work.lock` their sessions before. Events that queue a run again are for
    `advance`. ``stages`` are written beside the runs.
    """
    locked = await lock_open_runs(work.connection, events)
    decisions = {each.run.id: decide(each.run, events[each.run.id], at=work.at) for each in locked}
    seen = {each.run.id: each.run.version for each in locked}
    changed = [each for each in decisions.values() if each.run.version != seen[each.run.id]]
    await save_locked_runs(work.connection, [each.run for each in changed], stages or {})
    await _write_consequences(work, changed, None)
    return decisions


async def _write_consequences(work: Work, decisions: Sequence[Decision], report: Report | None) -> None:
    rows = [row for each in decisions for row in result_rows(each, report, at=work.at)]
    await insert_results(work.connection, rows)
    await work.order(*(order for each in decisions for order in each.orders))
    for session_id in sorted({each.run.session_id for each in decisions if each.run.is_final}):
        await _freeze_if_over(work, session_id)
    work.facts += [(each, report) for each in decisions]


async def _freeze_if_over(work: Work, session_id: UUID) -> None:
    verdicts = await verdicts_if_over(work.connection, session_id)
    kind = work.locked.get(session_id)
    if verdicts is None or kind is None:
        return
    status = status_at_end(kind, verdicts)
    if await freeze_session(work.connection, session_id, status=status, stopped_at=work.at):
        log.info("session.finished", session_id=str(session_id), status=str(status))


def _as_row(order: Dispatch | SignalRunner) -> tuple[str, dict[str, str]]:
    match order:
        case Dispatch():
            return "dispatch", {"run_id": str(order.run_id), "location": order.location}
        case SignalRunner():
            return "signal", {"run_id": str(order.run_id), "location": order.location}


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
