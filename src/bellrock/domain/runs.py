"""The life of one run, as one pure function.

    QUEUED ──claim──► RUNNING ──report──► FINAL
       ▲                 │  └─report failed, retries left─► RETRY_WAIT ──due──► QUEUED
       └──lease lost─────┘
    every state ──cancel──► FINAL(CANCELLED), but a RUNNING run is only stamped: its runner ends it,
    or the server does when the lease runs out.

A run is one check at one location for one trigger. `decide` is total: an event that comes too late,
twice or from somebody without the token changes nothing and says so in a `Refused` fact.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from bellrock.domain.cancellation import CancelRequest, RunSource, Via, is_cancellable
from bellrock.domain.outcomes import CANCELLED, Blame, Outcome, Verdict
from bellrock.domain.retries import RetryPolicy, is_retried, location_of_retry, wait_before_retry_s
from bellrock.domain.specs import CheckType

MAX_EXECUTIONS = 3
"""How often a run whose runner vanished is handed out before it is given up."""


class RunState(StrEnum):
    """Where a run is. FINAL is never left."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRY_WAIT = "retry_wait"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Lease:
    """A runner's hold on a run. Only who shows ``token`` may write about the run."""

    token: UUID
    runner_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``id`` is the contract's sequenceId; ``result_id`` names its one FINAL result.

    ``location`` is where its attempt is, or will be: a retry may go elsewhere.
    """

    id: UUID
    session_id: UUID
    account_id: UUID
    check_id: UUID | None
    check_type: CheckType
    source: RunSource
    location: str
    result_id: UUID
    queued_at: datetime
    state: RunState = RunState.QUEUED
    version: int = 1
    attempt: int = 1
    executions: int = 0
    lease: Lease | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    cancel: CancelRequest | None = None
    outcome: Outcome | None = None
    fenced: bool = False
    retry: RetryPolicy | None = None
    retry_at: datetime | None = None
    requeued_at: datetime | None = None

    @property
    def waiting_since(self) -> datetime:
        """When the run was put into the queue that it is in, or was in last."""
        return self.requeued_at or self.queued_at

    @property
    def is_final(self) -> bool:
        """Whether the run has its one terminal state."""
        return self.state is RunState.FINAL


# --- events: what happened to the run ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """A runner asks for the run, with a token of its own making (so that asking twice is harmless)."""

    token: UUID
    runner_id: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The runner says that it still has the run."""

    token: UUID
    lease_s: float


@dataclass(frozen=True, slots=True)
class Reported:
    """The runner says how the run, or this attempt of it, ended."""

    token: UUID
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A person asks to stop the run."""

    by: str
    via: Via


@dataclass(frozen=True, slots=True)
class LeaseRanOut:
    """The reaper looked at the run. Harmless if the lease was extended meanwhile."""


@dataclass(frozen=True, slots=True)
class QueueTimeRanOut:
    """No runner took the run in the time allowed."""

    waited_s: float


@dataclass(frozen=True, slots=True)
class NotSupported:
    """This version has nobody who could run checks of this type."""


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The wait before the next attempt is over."""


Event = Claimed | Heartbeat | Reported | CancelAsked | LeaseRanOut | QueueTimeRanOut | NotSupported | RetryDue


# --- facts: what was decided, in the past tense -----------------------------------------------


@dataclass(frozen=True, slots=True)
class RunClaimed:
    """A runner has the run now."""

    runner_id: str


@dataclass(frozen=True, slots=True)
class LeaseExtended:
    """The runner keeps the run. ``stop`` tells it that somebody asked for its end."""

    stop: bool


@dataclass(frozen=True, slots=True)
class CancelStamped:
    """The first cancel of a run that a runner has: its runner is told to stop."""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed and another follows, or a cancel ended the run between attempts."""

    attempt: int
    outcome: Outcome
    location: str


@dataclass(frozen=True, slots=True)
class LeaseExpired:
    """The runner said nothing until its lease was over. What it still sends is refused."""

    runner_id: str


class RequeueReason(StrEnum):
    """Why a run waits for a runner again."""

    RUNNER_LOST = "runner_lost"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class RunRequeued:
    """The run waits for a runner again."""

    reason: RequeueReason


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run has its one terminal state."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Refused:
    """The event came too late, twice, or from somebody who does not hold the run."""

    reason: str


Fact = (
    RunClaimed
    | LeaseExtended
    | LeaseExpired
    | CancelStamped
    | AttemptFailed
    | RunRequeued
    | RunFinished
    | Refused
)


# --- orders: what to do next, through the outbox ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Offer the run to the runners of its location."""

    run_id: UUID
    location: str


@dataclass(frozen=True, slots=True)
class SignalRunner:
    """Tell the runner that has the run to stop it, now."""

    run_id: UUID
    location: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Wake whoever watches the session."""

    account_id: UUID
    session_id: UUID
    run_id: UUID
    what: str


Order = Dispatch | SignalRunner | Announce


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state, what happened, and what to do about it. Nothing changed: same version."""

    run: Run
    facts: tuple[Fact, ...]
    orders: tuple[Order, ...] = ()


def decide(run: Run, event: Event, *, at: datetime) -> Decision:
    """Apply one event to a run. Never raises; refuses what does not fit."""
    if run.is_final:
        return _refuse(run, "the run is final")
    match event:
        case Claimed():
            return _claim(run, event, at)
        case Heartbeat():
            return _heartbeat(run, event, at)
        case Reported():
            return _report(run, event, at)
        case CancelAsked():
            return _cancel(run, event, at)
        case LeaseRanOut():
            return _lease_ran_out(run, at)
        case QueueTimeRanOut() | NotSupported():
            return _never_runs(run, event, at)
        case RetryDue():
            return _retry_due(run, at)


def _refuse(run: Run, reason: str) -> Decision:
    return Decision(run, (Refused(reason),))


def _announce(run: Run, what: str) -> Announce:
    return Announce(run.account_id, run.session_id, run.id, what)


def _finish(run: Run, outcome: Outcome, at: datetime, *earlier: Fact, fenced: bool = False) -> Decision:
    final = replace(
        run,
        state=RunState.FINAL,
        version=run.version + 1,
        outcome=outcome,
        stopped_at=at,
        retry_at=None,
        fenced=fenced,
    )
    return Decision(final, (*earlier, RunFinished(outcome)), (_announce(run, "final"),))


def _requeue(run: Run, reason: RequeueReason, at: datetime, *earlier: Fact) -> Decision:
    queued = replace(
        run, state=RunState.QUEUED, version=run.version + 1, lease=None, retry_at=None, requeued_at=at
    )
    orders = (Dispatch(run.id, run.location), _announce(run, "queued"))
    return Decision(queued, (*earlier, RunRequeued(reason)), orders)


def _claim(run: Run, event: Claimed, at: datetime) -> Decision:
    if run.state is RunState.RUNNING and run.lease and run.lease.token == event.token:
        return Decision(run, (RunClaimed(event.runner_id),))  # the first answer was lost
    if run.state is not RunState.QUEUED:
        return _refuse(run, f"the run is {run.state}")
    claimed = replace(
        run,
        state=RunState.RUNNING,
        version=run.version + 1,
        executions=run.executions + 1,
        lease=Lease(event.token, event.runner_id, at + timedelta(seconds=event.lease_s)),
        started_at=run.started_at or at,
    )
    return Decision(claimed, (RunClaimed(event.runner_id),), (_announce(run, "running"),))


def _holds(run: Run, token: UUID) -> bool:
    return run.state is RunState.RUNNING and run.lease is not None and run.lease.token == token


def _heartbeat(run: Run, event: Heartbeat, at: datetime) -> Decision:
    if not _holds(run, event.token) or run.lease is None:
        return _refuse(run, "somebody else has the run")
    until = at + timedelta(seconds=event.lease_s)
    if run.cancel:
        # A heartbeat must not outlive the cancel's deadline: a runner that beats and never ends
        # its run would hold the session open for ever.
        until = min(until, run.cancel.at + timedelta(seconds=event.lease_s))
    extended = replace(run, version=run.version + 1, lease=replace(run.lease, until=until))
    return Decision(extended, (LeaseExtended(stop=run.cancel is not None),))


def _report(run: Run, event: Reported, at: datetime) -> Decision:
    if not _holds(run, event.token):
        return _refuse(run, "somebody else has the run")
    outcome = outcome_that_counts(event.outcome, cancel_asked=run.cancel is not None)
    if outcome.has_failures and run.retry is not None and is_retried(run.retry, outcome):
        return _failed_attempt(run, run.retry, outcome, at)
    return _finish(run, outcome, at)


def outcome_that_counts(reported: Outcome, *, cancel_asked: bool) -> Outcome:
    """What a runner's word about the end of a run is taken for."""
    if reported.is_cancelled and not cancel_asked:
        # Only a person's request cancels. A runner that stops by itself (shutdown) says ERRORED.
        return Outcome(Verdict.ERRORED, Blame.RUNNER, "STOPPED_BY_RUNNER", "The runner stopped the run.")
    if reported.has_errors and cancel_asked:
        # A fault of the runner or the platform says nothing about the suite: the cancel is honoured.
        return CANCELLED
    return reported


def _failed_attempt(run: Run, policy: RetryPolicy, outcome: Outcome, at: datetime) -> Decision:
    elapsed_s = (at - run.queued_at).total_seconds()
    wait_s = wait_before_retry_s(policy, run.attempt, elapsed_s)
    if wait_s is None:
        return _finish(run, outcome, at)
    failed = AttemptFailed(run.attempt, outcome, run.location)
    if run.cancel:
        return _finish(run, CANCELLED, at, failed)
    if wait_s <= 0:
        return _requeue(_next_attempt(run), RequeueReason.RETRY, at, failed)
    waiting = replace(
        run,
        state=RunState.RETRY_WAIT,
        version=run.version + 1,
        lease=None,
        retry_at=at + timedelta(seconds=wait_s),
    )
    return Decision(waiting, (failed,), (_announce(run, "retry_wait"),))


def _cancel(run: Run, event: CancelAsked, at: datetime) -> Decision:
    if not is_cancellable(run.check_type, run.source):
        return _refuse(run, "runs of this kind go on to their end")
    if run.cancel:
        return _refuse(run, "a cancel was accepted before")
    stamped = replace(run, cancel=CancelRequest(at, event.by, event.via))
    if run.state is not RunState.RUNNING:
        return _finish(stamped, CANCELLED, at)
    orders = (SignalRunner(run.id, run.location), _announce(run, "cancelling"))
    return Decision(replace(stamped, version=run.version + 1), (CancelStamped(),), orders)


def _lease_ran_out(run: Run, at: datetime) -> Decision:
    if run.state is not RunState.RUNNING or run.lease is None or run.lease.until > at:
        return _refuse(run, "the lease holds")
    expired = LeaseExpired(run.lease.runner_id)
    if run.cancel:
        return _finish(run, CANCELLED, at, expired, fenced=True)
    if run.executions >= MAX_EXECUTIONS:
        message = f"The runner vanished in the middle of the run, {run.executions} times."
        lost = Outcome(Verdict.LOST, Blame.RUNNER, "RUNNER_LOST", message)
        return _finish(run, lost, at, expired, fenced=True)
    return _requeue(run, RequeueReason.RUNNER_LOST, at, expired)


def _never_runs(run: Run, event: QueueTimeRanOut | NotSupported, at: datetime) -> Decision:
    if run.state is not RunState.QUEUED:
        return _refuse(run, f"the run is {run.state}")
    if isinstance(event, NotSupported):
        message = f"This version of Bellrock keeps {run.check_type} checks and cannot run them yet."
        return _finish(run, Outcome(Verdict.ERRORED, Blame.PLATFORM, "NOT_SUPPORTED", message), at)
    message = f"No runner at {run.location} took the run within {event.waited_s:.0f} s."
    return _finish(run, Outcome(Verdict.LOST, Blame.PLATFORM, "NO_RUNNER", message), at)


def _retry_due(run: Run, at: datetime) -> Decision:
    if run.state is not RunState.RETRY_WAIT or run.retry_at is None or run.retry_at > at:
        return _refuse(run, "no retry is due")
    return _requeue(_next_attempt(run), RequeueReason.RETRY, at)


def _next_attempt(run: Run) -> Run:
    location = location_of_retry(run.retry, run.attempt, run.location) if run.retry else run.location
    # Vanished runners are counted per attempt: else a run with many retries would be given up early.
    return replace(run, attempt=run.attempt + 1, executions=0, location=location)
