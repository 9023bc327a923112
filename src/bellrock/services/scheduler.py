"""The scheduler: in each lane one server of all leads, by a lease in SQL, and runs the ticks of every check.

It keeps the next tick of every check in memory and follows changes of checks: those of this server at
once, those of others within a second, and by reading everything again, page after page, also those that a
clock or a long transaction hid. What it must not forget is in SQL: until when all ticks are dealt with.
Whoever leads next goes on from there.
"""

import asyncio
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bellrock.domain.checks import RUNNABLE
from bellrock.services.due_index import FOLLOWED, Batch, DueIndex
from bellrock.services.platform import Platform
from bellrock.services.tick import SUITES, Lane, LeaseLost, miss_ticks, move_on, run_ticks
from bellrock.services.tick_batches import offer_batches
from bellrock.services.work import unit_of_work
from bellrock.store.leases import Lease, keep_lease, load_lease, take_lease
from bellrock.store.schedules import schedules_changed, schedules_page

log = structlog.get_logger(__name__)

_POLL_S = 1.0
_FOLLOWS_AGAIN_AFTER_S = 0.2
_TICKS_AT_ONCE = 500
_ROWS_AT_ONCE = 500
_READS_AGAIN_AFTER = timedelta(seconds=5)
_RESIGN_S = 2.0


class Scheduler:
    """One server's part in scheduling. `step` is its loop's; `act` does what is due, without a wait."""

    def __init__(self, platform: Platform, lane: Lane = SUITES) -> None:
        self.lane = lane
        self.holder = f"{socket.gethostname()[:100]}-{uuid4().hex}"
        self._platform = platform
        self._types = lane.types & RUNNABLE
        self._ahead = timedelta(seconds=lane.ahead_s)
        self._lease: Lease | None = None
        self._index = DueIndex()
        self._followed_at: datetime | None = None
        self._page_after: UUID | None = None
        self._page_at: datetime | None = None

    @property
    def leads(self) -> bool:
        """Whether this server schedules, as far as it knows."""
        return self._lease is not None

    async def step(self) -> int:
        """Wait until there is something to do, a second at most, and do it; how many ticks were run."""
        await self._wait()
        return await self.act()

    async def act(self) -> int:
        """Do what is due now; how many ticks were run."""
        try:
            if self._lease is None:
                await self._take_over()
            if self._lease is not None:
                await self._follow_changes()
                return await self._run_due(self._lease)
        except LeaseLost:
            log.warning("scheduler.follows", lane=self.lane.name, holder=self.holder)
            self._forget()
        except BaseException:
            # What was written, only the database knows: everything is read from there again.
            self._forget()
            raise
        return 0

    async def resign(self) -> None:
        """Leave the lease to others at once. What cannot be written is over in a few seconds anyway."""
        lease, at = self._lease, self._platform.clock()
        self._forget()
        if lease is None:
            return
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(_RESIGN_S), self._platform.database.write() as connection:
                await keep_lease(connection, lease, until=at, done_until=lease.done_until)

    # --- leading ------------------------------------------------------------------------------

    async def _take_over(self) -> None:
        platform = self._platform
        at, lease_s = platform.clock(), platform.settings.scheduler_lease_s
        self._hush()  # whoever leads finds out by itself what rang
        async with platform.database.read() as connection:
            known = await load_lease(connection, self.lane.name)
        if known is not None and not known.is_over(at):
            return
        async with platform.database.write() as connection:
            lease = await take_lease(connection, self.lane.name, self.holder, at=at, lease_s=lease_s)
        if lease is None:
            return
        await self._read_all(lease.done_until)
        self._lease = lease
        platform.measures.schedule.is_leader.labels(self.lane.name).set(1)
        behind_s = round((at - lease.done_until).total_seconds(), 1)
        log.info(
            "scheduler.leads",
            lane=self.lane.name,
            holder=self.holder,
            checks=len(self._index),
            behind_s=behind_s,
        )

    async def _read_all(self, done_until: datetime) -> None:
        self._index = DueIndex()
        self._page_after = None
        while await self._read_page(done_until, _ROWS_AT_ONCE):
            pass
        self._followed_at = self._platform.clock()

    async def _read_page(self, done_until: datetime, rows: int) -> bool:
        """Read the next page of checks; whether there are more after it."""
        async with self._platform.database.read() as connection:
            page = await schedules_page(connection, self._types, after_id=self._page_after, limit=rows)
        for stored in page:
            self._index.follow(stored, done_until=done_until)
        is_last = len(page) < rows
        self._page_after = None if is_last else page[-1].check_id
        return not is_last

    async def _follow_changes(self) -> None:
        at, lease = self._platform.clock(), self._lease
        if lease is None or not self._is_time_to_follow(at):
            return
        self._hush()
        async with self._platform.database.read() as connection:
            changed = await schedules_changed(connection, self._types, at - FOLLOWED)
        for stored in changed:
            self._index.follow(stored, done_until=lease.done_until)
        if self._page_at is None or not timedelta(0) <= at - self._page_at < _READS_AGAIN_AFTER:
            await self._read_page(lease.done_until, _ROWS_AT_ONCE)
            self._page_at = at
        self._followed_at = at
        self._platform.measures.schedule.checks.labels(self.lane.name).set(len(self._index))

    def _is_time_to_follow(self, at: datetime) -> bool:
        if self._followed_at is None or at < self._followed_at:
            return True
        rings = self._platform.schedule_bell.is_set()
        pause_s = _FOLLOWS_AGAIN_AFTER_S if rings else _POLL_S
        return (at - self._followed_at).total_seconds() >= pause_s

    def _hush(self) -> None:
        """The bell was heard. It is the lane's that acts at once; one that looks ahead has time."""
        if not self._ahead:
            self._platform.schedule_bell.clear()

    def _forget(self) -> None:
        self._lease, self._index, self._followed_at = None, DueIndex(), None
        self._platform.measures.schedule.is_leader.labels(self.lane.name).set(0)
        self._platform.measures.schedule.checks.labels(self.lane.name).set(0)

    # --- ticks --------------------------------------------------------------------------------

    async def _run_due(self, lease: Lease) -> int:
        at, late = self._platform.clock(), timedelta(seconds=self._platform.settings.tick_late_s)
        if at - lease.done_until > late:
            lease = await self._skip(lease, at - late)
        elif lease.done_until - at - self._ahead > late:
            lease = await self._go_back(lease, at)
        done, is_over = 0, False
        while not is_over:
            batch = self._index.take(at + self._ahead, most=_TICKS_AT_ONCE)
            is_over = batch.until >= at + self._ahead
            if batch.due or (lease.until - at).total_seconds() <= self._renew_below_s:
                lease, number = await self._run_batch(lease, batch)
                done += number
        return done

    async def _run_batch(self, lease: Lease, batch: Batch) -> tuple[Lease, int]:
        batch = Batch(batch.due, max(batch.until, lease.done_until))
        ticked = await run_ticks(self._platform, self.lane, lease, batch)
        self._lease = ticked.lease
        self._index.done(batch)
        for stored in ticked.changed:
            self._index.remove(stored.check_id)
            self._index.follow(stored, done_until=batch.until)
        await offer_batches(self._platform, ticked.offered)
        return ticked.lease, len(ticked.run)

    @property
    def _renew_below_s(self) -> float:
        return self._platform.settings.scheduler_lease_s * 2 / 3

    async def _skip(self, lease: Lease, until: datetime) -> Lease:
        """Nobody scheduled for a while: what is too late to run is missed."""
        missed = self._index.skip(lease.done_until, until)
        ticked = await miss_ticks(self._platform, lease, missed, until=until)
        self._lease = ticked.lease
        return ticked.lease

    async def _go_back(self, lease: Lease, at: datetime) -> Lease:
        """The clock was set back by more than a moment: to wait would be to stop scheduling."""
        log.warning("scheduler.clock_set_back", by_s=round((lease.done_until - at).total_seconds()))
        async with unit_of_work(self._platform) as work:
            self._lease = lease = await move_on(work, lease, at)
        await self._read_all(at)
        return lease

    # --- waiting ------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until a tick is due, a check was changed here, or a second is over."""
        await asyncio.sleep(self.lane.pause_s)
        due_at, wait_s = self._index.next_due_at, _POLL_S - self.lane.pause_s
        if due_at is not None:
            wait_s = min(wait_s, (due_at - self._ahead - self._platform.clock()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._platform.schedule_bell.wait()
