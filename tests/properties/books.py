"""What the database says after every action, held against twins that move by the pure core alone.

A twin hears what its run heard, but for cancels that must not matter: those of runs that cannot be
cancelled, and all but the first. That a stored run always equals its twin is the proof that such cancels
change nothing, and that a crash leaves the whole of an action behind or nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from bellrock.domain.outcomes import Outcome
from bellrock.domain.runs import Event, Reported, Run, decide
from bellrock.domain.sessions import Session
from bellrock.store.records import StoredResult
from bellrock.store.results import results_of_runs
from bellrock.store.runs import runs_of_sessions
from bellrock.store.sessions import load_sessions
from bellrock.store.tables import sessions
from tests.properties.crash_world import CrashWorld
from tests.properties.model import LEASE_S, may_be_cancelled
from tests.support.folds import terminal_status


@dataclass(frozen=True, slots=True)
class Page:
    """Everything stored at one moment."""

    sessions: dict[UUID, Session]
    members: dict[UUID, list[Run]]
    runs: dict[UUID, Run]
    results: dict[UUID, list[StoredResult]]


@dataclass(slots=True)
class Books:
    """``accepted`` are the outcomes of reports that moved a run; ``finals`` what was once terminal."""

    world: CrashWorld
    page: Page = field(default_factory=lambda: Page({}, {}, {}, {}))
    twins: dict[UUID, Run] = field(default_factory=dict)
    accepted: dict[UUID, list[Outcome]] = field(default_factory=dict)
    finals: dict[UUID, tuple[Run, StoredResult]] = field(default_factory=dict)
    frozen: dict[UUID, Session] = field(default_factory=dict)

    def turn_page(
        self, events: Mapping[UUID, Event], *, answered: bool, together: bool, certain: bool = True
    ) -> set[UUID]:
        """Read the database anew and check every rule; the runs that changed.

        ``events``: what may have happened to which run. ``answered``: the control plane outlived it, so
        that it did happen (if ``certain``). ``together``: to all of them or to none.
        """
        at = self.world.clock.now
        self.page = self.world.run(_read(self.world))
        changed = set()
        for run_id, run in self.page.runs.items():
            twin = self.twins.setdefault(run_id, run)
            if run.version != twin.version:
                assert run_id in events, f"a run changed though nothing happened to it: {run}"
                self.twins[run_id] = decide(twin, events[run_id], at=at).run
                changed.add(run_id)
            elif run_id in events and answered and certain:
                assert decide(twin, events[run_id], at=at).run == twin, "an event was lost"
            assert self.twins[run_id] == run
        assert set(self.twins) == set(self.page.runs), "a run is gone"
        fitting = {run_id for run_id in events if run_id in changed or self._would_change(run_id, events)}
        assert not together or changed in (set(), fitting), "half of a transaction is left"
        self._note_reports(events, changed)
        self._check_sessions()
        self._check_results()
        return changed

    def check_deadlines(self) -> None:
        """While the control plane lives and looks, a cancel is over within a lease."""
        for run in self.page.runs.values():
            if run.cancel is not None and not run.is_final:
                waited_s = (self.world.clock.now - run.cancel.at).total_seconds()
                assert waited_s < LEASE_S, f"an accepted cancel is not over after {waited_s:g} s"

    def _would_change(self, run_id: UUID, events: Mapping[UUID, Event]) -> bool:
        twin = self.twins[run_id]
        return decide(twin, events[run_id], at=self.world.clock.now).run != twin

    def _note_reports(self, events: Mapping[UUID, Event], changed: set[UUID]) -> None:
        for run_id in changed:
            event = events[run_id]
            if isinstance(event, Reported):
                self.accepted.setdefault(run_id, []).append(event.outcome)

    def _check_sessions(self) -> None:
        for session_id, session in self.page.sessions.items():
            members = self.page.members[session_id]
            assert members, "a session without runs would never end"
            if not all(run.is_final for run in members):
                assert session.status is None
                assert session.stopped_at is None
                continue
            outcomes = [run.outcome for run in members]
            assert session.status == terminal_status(session.kind, outcomes)
            cancelled = any(outcome is not None and outcome.is_cancelled for outcome in outcomes)
            assert (session.status == "CANCELLED") == cancelled
            assert self.frozen.setdefault(session_id, session) == session, "terminal is for ever"

    def _check_results(self) -> None:
        for run_id, run in self.page.runs.items():
            rows = self.page.results[run_id]
            finals = [row for row in rows if row.result_type == "FINAL"]
            assert len(finals) == (1 if run.is_final else 0)
            attempts = [row.attempt for row in rows if row.result_type == "ATTEMPT"]
            assert attempts == sorted(set(attempts))
            for final in finals:
                assert (final.id, final.outcome) == (run.result_id, run.outcome)
                assert self.finals.setdefault(run_id, (run, final)) == (run, final), "terminal is for ever"
                self._check_outcome(run, final)

    def _check_outcome(self, run: Run, final: StoredResult) -> None:
        """Only an accepted cancel cancels, and it is honoured but for a verdict that came first."""
        assert run.outcome is not None
        if run.cancel is not None:
            assert may_be_cancelled(run.check_type, run.source)
        if run.outcome.is_cancelled:
            assert run.cancel is not None
            assert final.receipt is not None
            assert final.receipt.requested_by == run.cancel.by
        elif run.cancel is not None:
            assert run.outcome in self.accepted[run.id]
            assert not run.outcome.has_errors


async def _read(world: CrashWorld) -> Page:
    async with world.ground.database.read() as connection:
        ids = list(await connection.scalars(select(sessions.c.id).order_by(sessions.c.id)))
        stored = await runs_of_sessions(connection, ids)
        members = {session_id: [each.run for each in group] for session_id, group in stored.items()}
        runs = {run.id: run for group in members.values() for run in group}
        return Page(
            await load_sessions(connection, ids), members, runs, await results_of_runs(connection, list(runs))
        )
