"""What every service needs, in one frozen value that bootstrap makes and passes in."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bellrock.artifacts.store import ArtifactStore
from bellrock.engine.port import Bus
from bellrock.measures import Measures
from bellrock.services.live import LiveHub
from bellrock.services.measuring import new_measures
from bellrock.services.pings import Pings
from bellrock.services.prepared_jobs import PreparedJobs
from bellrock.store.database import Database
from bellrock.store.vault import Vault
from bellrock.wire.messages import Limits


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The numbers of the control plane. Times in seconds, sizes in bytes.

    ``control_url`` is the base address under which runners reach `/runner/v1/...`.
    """

    control_url: str = "http://127.0.0.1:3000"
    heartbeat_s: float = 2.0
    lease_s: float = 15.0
    runner_seen_s: float = 20.0  # without a word for this long, a runner counts as gone
    queue_ttl_s: float = 3_600.0  # nobody took the run: LOST
    reoffer_after_s: float = 30.0  # queued this long without a claim: offered once more
    late_evidence_s: float = 120.0  # a token stays good for artifacts after its own final
    relay_poll_s: float = 1.0
    reaper_interval_s: float = 0.5
    sweeper_interval_s: float = 5.0
    heartbeats_interval_s: float = 1.0
    heartbeat_event_days: float = 90.0  # events of heartbeat monitors are removed after that
    batches_interval_s: float = 1.0
    janitor_interval_s: float = 300.0
    artifact_days: float = 30.0  # files of runs that were final longer ago are removed
    result_days: float = 90.0  # sessions that ended longer ago are removed, once their files are
    artifact_store_bytes: int = 20 * 1024**3  # and beyond this in all, the oldest first
    unused_bundle_s: float = 86_400.0  # no check and no open run needs it: removed
    unfinished_upload_s: float = 3_600.0
    signal_timeout_s: float = 1.0
    schedules: bool = False  # whether this server may be the one that runs checks on their schedules
    scheduler_lease_s: float = 5.0  # a scheduler that died is followed by another within this and a second
    tick_late_s: float = 15.0  # a tick later than this is missed, and not run any more
    tick_queue_ttl_s: float = 360.0  # nobody took the run of a tick: LOST
    location_gone_s: float = 600.0  # no runner for this long: ticks of a location are missed, not queued
    max_bundle_bytes: int = 100 * 1024**2
    max_artifact_bytes: int = 150 * 1024**2
    limits: Limits = field(default_factory=Limits)
    bus_address: tuple[str, int] | None = None
    """Host and port of NATS, where runners beyond a firewall may be led to it."""


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts a service works with.

    ``outbox_bell`` wakes this process's relay after a commit, ``schedule_bell`` its scheduler when checks
    changed.
    """

    database: Database
    bus: Bus
    artifacts: ArtifactStore
    vault: Vault
    live: LiveHub
    pings: Pings
    settings: ControlSettings = field(default_factory=ControlSettings)
    clock: Callable[[], datetime] = utc_now
    outbox_bell: asyncio.Event = field(default_factory=asyncio.Event)
    schedule_bell: asyncio.Event = field(default_factory=asyncio.Event)
    measures: Measures = field(default_factory=new_measures)
    prepared_jobs: PreparedJobs = field(default_factory=PreparedJobs)


def create_platform(
    database: Database,
    bus: Bus,
    *,
    artifacts: ArtifactStore,
    vault: Vault,
    settings: ControlSettings | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Platform:
    """Put the parts together. The caller opens and closes them; `platform.live.start()` is its too."""
    measures = new_measures()
    live = LiveHub(bus, database=database, artifacts=artifacts)
    pings = Pings(database, clock, measures)
    settings = settings or ControlSettings()
    return Platform(database, bus, artifacts, vault, live, pings, settings, clock, measures=measures)
