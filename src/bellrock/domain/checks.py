"""What a person monitors: a check, with everything that holds whatever its type is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bellrock.domain.retries import RetryPolicy
from bellrock.domain.specs import CheckType, Spec

KEPT_TYPES = frozenset({CheckType.AGENTIC, CheckType.GRPC, CheckType.TRACEROUTE})
"""The types that are saved as they are said, and that this version cannot run."""

RUNNABLE = frozenset(CheckType) - KEPT_TYPES - {CheckType.HEARTBEAT}
"""The types that a runner executes in this version."""

FREQUENCIES_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440)
"""The contract's intervals in minutes."""

WITH_TESTS = frozenset({CheckType.PLAYWRIGHT, CheckType.BROWSER, CheckType.MULTI_STEP})
"""Types whose runs consist of tests; the others ask a target once."""
MINUTES_ONLY = WITH_TESTS | {CheckType.SSL, CheckType.AGENTIC}
"""Types that cannot run more often than every minute."""


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable of a check. ``secret`` values are encrypted at rest and never returned."""

    key: str
    value: str = field(repr=False)
    locked: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whether an alert channel hears of a check."""

    alert_channel_id: int
    activated: bool


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """What holds for a check whatever it does. What is for alerting is kept as the contract says it."""

    retry: RetryPolicy | None = None
    double_check: bool = False
    runtime_id: str | None = None
    use_global_alert_settings: bool = True
    alert_settings: Mapping[str, Any] | None = None
    subscriptions: tuple[Subscription, ...] = ()
    trigger_incident: Mapping[str, Any] | None = None
    intent: Mapping[str, Any] | None = None
    ai_auto_repair_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A deployed check of one account."""

    id: UUID
    account_id: UUID
    type: CheckType
    name: str
    spec: Spec
    created_at: datetime
    updated_at: datetime | None = None
    activated_at: datetime | None = None
    """When its first scheduled run is due; None for none (deactivated, or deployed without one)."""
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    private_locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency_min: int = 10
    frequency_offset_s: int | None = None
    run_parallel: bool = False
    environment: tuple[EnvironmentVariable, ...] = ()
    description: str | None = None
    policy: CheckPolicy = CheckPolicy()
    group_id: int | None = None
    group_order: int | None = None
    project_id: str | None = None
    logical_id: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Everywhere it runs: public locations, then private ones."""
        return (*self.locations, *self.private_locations)
