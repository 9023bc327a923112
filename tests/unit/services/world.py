"""A platform on a fresh database and the in-memory bus, with a clock that a test moves by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bellrock.artifacts.store import ArtifactStore, memory_store
from bellrock.domain.access import KeyKind, Principal, Role
from bellrock.domain.checks import Check
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.receipts import RunnerReceipt, TestCounts
from bellrock.domain.specs import CheckType, HttpRequest, PlaywrightSuite, UrlMonitor
from bellrock.engine.memory_bus import MemoryBroker, MemoryBus
from bellrock.services.accounts import authenticate, create_key, ensure_first_account
from bellrock.services.bundles import store_bundle
from bellrock.services.checks import CheckDraft, create_check
from bellrock.services.claim_run import claim_run
from bellrock.services.platform import ControlSettings, Platform, create_platform
from bellrock.services.record_result import record_report
from bellrock.services.runners import greet_runner
from bellrock.store.database import Database, open_database
from bellrock.store.vault import Vault, new_key
from bellrock.wire.messages import ClaimReply, ClaimRequest, Hello, Report, ReportReply
from tests.support.api_client import bundle
from tests.support.migrated import new_sqlite

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HERE = "eu-central-1"
THERE = "us-east-1"
BUNDLE = bundle()

PASSED = Outcome(Verdict.PASSED)
FAILED = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "1 of 3 tests failed.")
CANCELLED = Outcome(Verdict.CANCELLED)


@dataclass(slots=True)
class Clock:
    """Stands still until a test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class World:
    """A platform and what a test does with it."""

    platform: Platform
    owner: Principal
    clock: Clock
    broker: MemoryBroker
    bundle_key: str = ""
    tokens: dict[UUID, UUID] = field(default_factory=dict)

    async def principal(self, role: Role) -> Principal:
        made = await create_key(self.platform, self.owner, name=f"{role} key", kind=KeyKind.USER, role=role)
        return await authenticate(self.platform, made.secret, None)

    async def suite(self, name: str = "shop", *locations: str, **changes: object) -> Check:
        draft = CheckDraft(
            type=CheckType.PLAYWRIGHT,
            name=name,
            spec=PlaywrightSuite(self.bundle_key),
            locations=locations or (HERE, THERE),
        )
        return await create_check(self.platform, self.owner, replace(draft, **changes))  # type: ignore[arg-type]

    async def url_monitor(self, name: str = "home", *locations: str) -> Check:
        spec = UrlMonitor(HttpRequest("http://127.0.0.1:1/"))
        draft = CheckDraft(type=CheckType.URL, name=name, spec=spec, locations=locations or (HERE,))
        return await create_check(self.platform, self.owner, draft)

    async def hello(self, *locations: str, runner_id: str = "runner-1", orphans_swept: int = 0) -> None:
        for location in locations:
            hello = Hello(
                runner_id=runner_id,
                location=location,
                version="1",
                slots=2,
                isolation="namespace",
                guarantees="all processes end with the run",
                started_at=self.clock.now,
                orphans_swept=orphans_swept,
            )
            await greet_runner(self.platform, hello)

    async def claim(self, run_id: UUID, location: str = HERE, *, token: UUID | None = None) -> ClaimReply:
        token = token or uuid4()
        request = ClaimRequest(run_id=run_id, token=token, runner_id="runner-1")
        reply = await claim_run(self.platform, location, request)
        if reply.granted:
            self.tokens[run_id] = token
        return reply

    def a_report(self, run_id: UUID, outcome: Outcome = PASSED, **changes: object) -> Report:
        fields: dict[str, object] = {
            "run_id": run_id,
            "token": self.tokens[run_id],
            "outcome": outcome,
            "started_at": self.clock.now,
            "stopped_at": self.clock.now,
            "response_time_ms": 1_200,
            "tests": TestCounts(total=3, passed=2, failed=1),
        }
        return Report(**(fields | changes))  # type: ignore[arg-type]

    async def report(self, run_id: UUID, outcome: Outcome = PASSED, **changes: object) -> ReportReply:
        return await record_report(self.platform, self.a_report(run_id, outcome, **changes))

    def runner_receipt(self) -> RunnerReceipt:
        return RunnerReceipt(
            stage="testing",
            isolation="namespace",
            received_at=self.clock.now,
            steps=(),
            last_process_gone_at=self.clock.now,
            processes_left=0,
            proof="the namespace is empty",
            tests=TestCounts(total=3, passed=1, interrupted=1, not_started=1),
        )


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body that arrives in parts."""
    for part in parts:
        yield part


async def eventually(holds: Callable[[], bool], *, deadline_s: float = 5.0) -> None:
    """Wait until something holds, at most so long."""
    async with asyncio.timeout(deadline_s):
        while not holds():  # noqa: ASYNC110 - the condition is not ours to signal
            await asyncio.sleep(0.005)


@asynccontextmanager
async def world_on(
    database: Database, *, settings: ControlSettings | None = None, artifacts: ArtifactStore | None = None
) -> AsyncIterator[World]:
    """A world on an open database, with files in memory unless said."""
    clock, broker = Clock(), MemoryBroker()
    bus = MemoryBus(broker)
    platform = create_platform(
        database,
        bus,
        artifacts=artifacts or memory_store(),
        vault=Vault(new_key()),
        settings=settings,
        clock=clock,
    )
    await platform.live.start()
    first = await ensure_first_account(platform, account_id=None, api_key=None)
    owner = await authenticate(platform, first.api_key or "", None)
    world = World(platform, owner, clock, broker)
    world.bundle_key = (await store_bundle(platform, owner, chunks(BUNDLE))).key
    try:
        yield world
    finally:
        await platform.live.close()
        await bus.close()


@asynccontextmanager
async def sqlite_world(folder: Path) -> AsyncIterator[World]:
    """A world on SQLite."""
    database = await open_database(await new_sqlite(folder))
    try:
        async with world_on(database) as world:
            yield world
    finally:
        await database.close()
