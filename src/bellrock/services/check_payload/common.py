"""What the contract's payloads of all check types have in common, and how it becomes ours."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from bellrock.domain.checks import CheckPolicy, EnvironmentVariable, Subscription
from bellrock.domain.retries import DOUBLE_CHECK, Backoff, RetryPolicy
from bellrock.domain.specs import Assertion, IpFamily, Spec

RUNTIMES = ("2026.04", "2025.04", "2024.09", "2024.02", "2023.09", "2023.02", "2022.10")
_MOST_VARIABLES = 200
_LARGEST_ID = 2_147_483_647
_NO_DEFAULT_RETRY = frozenset({"retry_strategy", "double_check"})

Milliseconds = Annotated[int, Field(ge=0, le=45_000)]
Family = Literal["IPv4", "IPv6"]


class Payload(BaseModel):
    """Base of all parts. Fields that we do not know are let pass: clients may be newer.

    The contract says null where it means the default; only a retry strategy of null means that there is none.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        extra="ignore",
        frozen=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        for key, value in data.items():
            if isinstance(value, str) and "\x00" in value:
                message = f"{key} holds a NUL character"
                raise ValueError(message)
        return {key: value for key, value in data.items() if value is not None or key == "retryStrategy"}


def is_empty(value: object) -> bool:
    """For fields that the contract knows as absent, never as null: ``Field(exclude_if=is_empty)``."""
    return value is None or value == ()


class VariablePayload(Payload):
    key: Annotated[str, Field(min_length=1, max_length=200)]
    value: str | None = ""
    locked: bool = False
    secret: bool = False


_Variables = Annotated[tuple[VariablePayload, ...], Field(max_length=_MOST_VARIABLES)]


class RetryPayload(Payload):
    type: Backoff
    base_backoff_seconds: Annotated[float, Field(ge=0, le=3_600)] = 60
    same_region: bool = True
    max_retries: Annotated[int | None, Field(ge=1, le=10, exclude_if=is_empty)] = None
    max_duration_seconds: Annotated[float | None, Field(ge=0, le=600, exclude_if=is_empty)] = None
    only_on: Annotated[tuple[Literal["NETWORK_ERROR"], ...], Field(exclude_if=is_empty)] = ()

    def policy(self) -> RetryPolicy:
        """As ours. A single retry has no budget."""
        return RetryPolicy(
            self.type,
            base_backoff_s=self.base_backoff_seconds,
            max_retries=self.max_retries or 2,
            max_duration_s=600 if self.max_duration_seconds is None else self.max_duration_seconds,
            same_region=self.same_region,
            only_on_network_error=bool(self.only_on),
        )


class SubscriptionPayload(Payload):
    alert_channel_id: int
    activated: bool


class RemindersPayload(Payload):
    amount: Literal[0, 1, 2, 3, 4, 5, 100_000] = 0
    interval: Literal[1, 2, 3, 4, 5, 10, 15, 30] = 5


class RunBasedPayload(Payload):
    failed_run_threshold: Annotated[int, Field(ge=1, le=5)] = 1


class TimeBasedPayload(Payload):
    minutes_failing_threshold: Literal[5, 10, 15, 30] = 5


class ParallelPayload(Payload):
    enabled: bool = False
    percentage: Annotated[int, Field(ge=10, le=100, multiple_of=10)] = 10


class CertificatesPayload(Payload):
    enabled: bool = True
    alert_threshold: int = 30


class AlertSettingsPayload(Payload):
    escalation_type: Literal["RUN_BASED", "TIME_BASED"] = "RUN_BASED"
    run_based_escalation: RunBasedPayload = RunBasedPayload()
    time_based_escalation: TimeBasedPayload | None = None
    reminders: RemindersPayload = RemindersPayload()
    parallel_run_failure_threshold: ParallelPayload = ParallelPayload()
    ssl_certificates: CertificatesPayload | None = None


class IncidentPayload(Payload):
    service_id: Annotated[str, Field(min_length=1)]
    severity: Literal["CRITICAL", "MAJOR", "MEDIUM", "MINOR"]
    name: str
    description: str
    notify_subscribers: bool


_Outcome = Annotated[str, Field(min_length=1, max_length=1_000)]


class IntentPayload(Payload):
    goal: Annotated[str, Field(min_length=1, max_length=2_000)]
    must_preserve: Annotated[tuple[_Outcome, ...], Field(max_length=20)] = ()
    required_outcomes: Annotated[tuple[_Outcome, ...], Field(max_length=20)] = ()


class AssertionPayload(Payload):
    """Any assertion. Types narrow ``source`` and ``comparison``."""

    source: str
    comparison: str
    property: str = ""
    target: str = ""
    regex: str | None = None

    def assertion(self) -> Assertion:
        """As ours. No regular expression is the same as an empty one."""
        return Assertion(self.source, self.comparison, self.target, self.property, self.regex or None)


class CheckPayload(Payload):
    """What every type has."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    private_locations: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    tags: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    frequency: Annotated[int, Field(ge=0, le=1_440)] = 10
    frequency_offset: Annotated[int, Field(ge=1, le=86_400)] | None = None
    run_parallel: bool = False
    description: Annotated[str | None, Field(max_length=510)] = None
    group_id: Annotated[int, Field(gt=0, le=_LARGEST_ID)] | None = None
    group_order: Annotated[int, Field(ge=0, le=_LARGEST_ID)] | None = None
    environment_variables: _Variables | None = None
    runtime_id: Literal[RUNTIMES] | None = None  # type: ignore[valid-type]  # a literal of a tuple
    use_global_alert_settings: bool = True
    alert_settings: AlertSettingsPayload | None = None
    alert_channel_subscriptions: tuple[SubscriptionPayload, ...] = ()
    retry_strategy: RetryPayload | None = None
    double_check: bool = True
    trigger_incident: IncidentPayload | None = None
    intent: IntentPayload | None = None
    ai_auto_repair_enabled: bool | None = None

    @abstractmethod
    def spec(self) -> Spec:
        """What the check does."""

    def policy(self) -> CheckPolicy:
        """What holds for the check whatever it does."""
        return CheckPolicy(
            retry=self._retry(),
            double_check=self._double_check(),
            runtime_id=self.runtime_id,
            use_global_alert_settings=self.use_global_alert_settings,
            alert_settings=_said(self.alert_settings),
            subscriptions=tuple(
                Subscription(each.alert_channel_id, each.activated)
                for each in self.alert_channel_subscriptions
            ),
            trigger_incident=_said(self.trigger_incident),
            intent=_said(self.intent),
            ai_auto_repair_enabled=self.ai_auto_repair_enabled,
        )

    def _double_check(self) -> bool:
        """Who says a retry strategy, none included, and nothing of double checks wants none."""
        said = self.model_fields_set & _NO_DEFAULT_RETRY
        return self.double_check if said != {"retry_strategy"} else False

    def _retry(self) -> RetryPolicy | None:
        if self.retry_strategy is not None:
            return self.retry_strategy.policy()
        return DOUBLE_CHECK if self._double_check() else None

    def environment(self) -> tuple[EnvironmentVariable, ...] | None:
        """The variables; None keeps those the check has."""
        if self.environment_variables is None:
            return None
        return tuple(
            EnvironmentVariable(each.key, each.value or "", locked=each.locked, secret=each.secret)
            for each in self.environment_variables
        )


def _said(part: Payload | None) -> Mapping[str, Any] | None:
    return None if part is None else part.model_dump(mode="json", by_alias=True, exclude_none=True)


def family(word: str) -> IpFamily:
    """Which addresses are meant."""
    return IpFamily(word)
