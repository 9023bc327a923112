"""A person stops a session, or some of its runs.

One transaction stamps all runs meant and puts the signals to their runners into the outbox. Queued runs
are final when it commits. The answer is given after the commit: what was answered survives a restart.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.cancellation import Via, refuse_unless_cancellable_session, targeted
from bellrock.domain.errors import NotFound
from bellrock.domain.runs import CancelAsked, CancelStamped, Decision, Fact, RunFinished
from bellrock.domain.sessions import Session, SessionKind
from bellrock.services.platform import Platform
from bellrock.services.views import CancelSummary
from bellrock.services.work import Work, advance_together, unit_of_work
from bellrock.store.runs import ids_of_session
from bellrock.store.sessions import load_session

log = structlog.get_logger(__name__)


async def cancel_session(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    sequence_ids: tuple[UUID, ...] | None,
    via: Via,
) -> CancelSummary:
    """Stop the runs meant: all that are in flight, or those named. Idempotent; durable once it returns.

    Ids that match no run are ignored. Raises, in this order: Forbidden (role), NotFound, Forbidden
    (a session that no person started). The edge checks key and body before. Needs RUN.
    """
    principal.must(Right.RUN)
    async with unit_of_work(platform) as work:
        session = await load_session(work.connection, session_id)
        _refuse_unless_theirs(session, principal, kind, session_id)
        summary = await _stamp(work, session_id, sequence_ids, CancelAsked(principal.name, via))
    asked = len(summary.stamped) + len(summary.finished)
    platform.measures.runs.cancels_asked.labels(via).inc(asked)
    log.info(
        "session.cancel_requested",
        session_id=str(session_id),
        by=principal.name,
        key_id=str(principal.key_id),
        via=str(via),
        stamped=len(summary.stamped),
        finished=len(summary.finished),
        ignored=[str(run_id) for run_id in summary.ignored],
    )
    return summary


def _refuse_unless_theirs(
    session: Session | None, principal: Principal, kind: SessionKind, session_id: UUID
) -> None:
    theirs = session is not None and session.account_id == principal.account_id
    if session is None or not theirs or session.kind is not kind or not session.recorded:
        raise NotFound(f"There is no {kind} session {session_id}.")
    refuse_unless_cancellable_session(session.source)


async def _stamp(
    work: Work, session_id: UUID, sequence_ids: tuple[UUID, ...] | None, asked: CancelAsked
) -> CancelSummary:
    await work.lock(session_id)
    meant, ignored = targeted(await ids_of_session(work.connection, session_id), sequence_ids)
    decisions = await advance_together(work, dict.fromkeys(meant, asked))
    return CancelSummary(
        stamped=_those_with(CancelStamped, decisions),
        finished=_those_with(RunFinished, decisions),
        ignored=tuple(sorted(ignored)),
    )


def _those_with(kind: type[Fact], decisions: Mapping[UUID, Decision]) -> tuple[UUID, ...]:
    return tuple(
        run_id
        for run_id, decision in sorted(decisions.items())
        if any(isinstance(fact, kind) for fact in decision.facts)
    )
