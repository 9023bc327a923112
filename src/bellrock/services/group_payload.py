"""Check groups as they are asked for: in version 1 they override checks, in 2 only where they say so."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from bellrock.domain.checks import EnvironmentVariable, Subscription
from bellrock.domain.errors import Invalid
from bellrock.domain.groups import FALLBACK, ApiDefaults, CheckGroup, GroupRetry
from bellrock.domain.retries import DOUBLE_CHECK
from bellrock.domain.specs import BasicAuth, KeyValue
from bellrock.services.asks import Ask
from bellrock.services.bad_input import first_problem
from bellrock.services.check_payload.common import (
    RUNTIMES,
    AlertSettingsPayload,
    AssertionPayload,
    RetryPayload,
    SubscriptionPayload,
    VariablePayload,
)
from bellrock.services.check_payload.monitors import AnyComparison

MOST_VARIABLES = 200
_NEVER = datetime.fromtimestamp(0, UTC)
SnippetId = Annotated[int, Field(gt=0, le=2_147_483_647)]


class PairAsk(Ask):
    """A header or a query parameter."""

    key: str
    value: str = ""
    locked: bool = False


class AssertionAsk(AssertionPayload):
    """An assertion on a response."""

    source: Literal["STATUS_CODE", "JSON_BODY", "HEADERS", "TEXT_BODY", "RESPONSE_TIME"]
    comparison: AnyComparison


class BasicAuthAsk(Ask):
    """Name and password."""

    username: str = ""
    password: Annotated[str, Field(repr=False)] = ""


class ApiDefaultsAsk(Ask):
    """What the group's API checks start from."""

    url: str | None = ""
    headers: tuple[PairAsk, ...] = ()
    query_parameters: tuple[PairAsk, ...] = ()
    assertions: tuple[AssertionAsk, ...] = ()
    basic_auth: BasicAuthAsk | None = None

    def defaults(self) -> ApiDefaults:
        """As ours."""
        auth = self.basic_auth
        return ApiDefaults(
            url=self.url or "",
            headers=tuple(KeyValue(each.key, each.value, each.locked) for each in self.headers),
            query=tuple(KeyValue(each.key, each.value, each.locked) for each in self.query_parameters),
            assertions=tuple(each.assertion() for each in self.assertions),
            basic_auth=BasicAuth(auth.username, auth.password) if auth else None,
        )


class GroupAsk(Ask):
    """What both versions say. What has no default is kept by a change that does not say it."""

    name: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 255})]
    activated: bool = True
    muted: bool = False
    tags: tuple[Annotated[str, Field(min_length=1)], ...] | None = None  # as those of checks, which get them
    locations: tuple[str, ...] | None = None
    private_locations: tuple[str, ...] | None = None
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 3
    api_check_defaults: ApiDefaultsAsk = ApiDefaultsAsk()
    browser_check_defaults: str | None = None
    environment_variables: Annotated[tuple[VariablePayload, ...], Field(max_length=MOST_VARIABLES)] | None = (
        None
    )
    alert_channel_subscriptions: tuple[SubscriptionPayload, ...] | None = None
    setup_snippet_id: SnippetId | None = None
    tear_down_snippet_id: SnippetId | None = None
    local_setup_script: str | None = None
    local_tear_down_script: str | None = None
    runtime_id: Literal[RUNTIMES] | None = None  # type: ignore[valid-type]  # a literal of a tuple
    retry_strategy: RetryPayload | Literal["FALLBACK"] | None = None

    def onto(self, before: CheckGroup) -> CheckGroup:
        """The group that is wanted, where this one is before."""
        return replace(
            before,
            name=self.name,
            activated=self.activated,
            muted=self.muted,
            tags=before.tags if self.tags is None else self.tags,
            locations=before.locations if self.locations is None else self.locations,
            private_locations=self._private(before),
            concurrency=self.concurrency,
            api_defaults=self.api_check_defaults.defaults(),
            browser_check_defaults=self.browser_check_defaults or before.browser_check_defaults,
            environment=self._environment(before),
            subscriptions=self._subscriptions(before),
            setup_snippet_id=self.setup_snippet_id,
            teardown_snippet_id=self.tear_down_snippet_id,
            setup_script=self.local_setup_script,
            teardown_script=self.local_tear_down_script,
            runtime_id=self.runtime_id,
        )

    def said(self, field: str) -> bool:
        """Whether the body has this field."""
        return field in self.model_fields_set

    def retry(self) -> GroupRetry | None:
        """The strategy as it is said: null means that nothing is tried again."""
        strategy = self.retry_strategy
        return strategy.policy() if isinstance(strategy, RetryPayload) else strategy

    def _private(self, before: CheckGroup) -> tuple[str, ...]:
        if not self.said("private_locations"):
            return before.private_locations
        return self.private_locations or ()

    def _environment(self, before: CheckGroup) -> tuple[EnvironmentVariable, ...]:
        if self.environment_variables is None:
            return () if self.said("environment_variables") else before.environment
        return tuple(
            EnvironmentVariable(each.key, each.value or "", locked=each.locked, secret=each.secret)
            for each in self.environment_variables
        )

    def _subscriptions(self, before: CheckGroup) -> tuple[Subscription, ...]:
        if self.alert_channel_subscriptions is None:
            return before.subscriptions
        return tuple(
            Subscription(each.alert_channel_id, each.activated) for each in self.alert_channel_subscriptions
        )


class GroupAskV1(GroupAsk):
    """A group that overrides: what is not said has the value that is the default of a check."""

    double_check: bool = True
    use_global_alert_settings: bool = True
    alert_settings: AlertSettingsPayload = AlertSettingsPayload()
    run_parallel: bool = False

    def onto(self, before: CheckGroup) -> CheckGroup:
        """The group that is wanted, where this one is before."""
        return replace(
            super().onto(before),
            use_global_alert_settings=self.use_global_alert_settings,
            alert_settings=_kept(self.alert_settings),
            run_parallel=self.run_parallel,
            **self._retries(before),
        )

    def _retries(self, before: CheckGroup) -> dict[str, Any]:
        """Who says a strategy, none included, and nothing of double checks wants no double check."""
        double_check = self.double_check and (self.said("double_check") or not self.said("retry_strategy"))
        if self.said("retry_strategy"):
            return {"retry": self.retry(), "double_check": double_check}
        if before.id and not self.said("double_check"):
            return {}
        return {"retry": DOUBLE_CHECK if double_check else None, "double_check": double_check}


class GroupChangeV1(GroupAskV1):
    """A change of a group: it may leave the name as it is."""

    name: str | None = None  # type: ignore[assignment]  # the one field that a change need not say

    def onto(self, before: CheckGroup) -> CheckGroup:
        """The group that is wanted, where this one is before."""
        wanted = super().onto(before)
        return wanted if self.name is not None else replace(wanted, name=before.name)


class GroupAskV2(GroupAsk):
    """A group whose checks keep their own settings where it says nothing."""

    retry_strategy: RetryPayload | Literal["FALLBACK"] | None = FALLBACK
    double_check: bool = False
    use_global_alert_settings: bool | None = None
    alert_settings: AlertSettingsPayload | None = None
    run_parallel: bool | None = None

    def onto(self, before: CheckGroup) -> CheckGroup:
        """The group that is wanted, where this one is before."""
        by_double_check = self.double_check and not self.said("retry_strategy")
        return replace(
            super().onto(before),
            retry=DOUBLE_CHECK if by_double_check else self.retry(),
            double_check=self.double_check,
            use_global_alert_settings=self.use_global_alert_settings,
            alert_settings=_kept(self.alert_settings) if self.alert_settings else None,
            run_parallel=self.run_parallel,
        )


_SECOND = 2
_OF_DEPLOYED_GROUPS = frozenset({"locations", "privateLocations", "alertChannelSubscriptions"})
"""What does not count where a check is tried, and may refer to what is not deployed."""


def group_shape(payload: Mapping[str, object]) -> type[GroupAskV1 | GroupAskV2]:
    """Which version of a group the payload is."""
    return GroupAskV2 if payload.get("v") == _SECOND else GroupAskV1


def group_of_job(payload: Mapping[str, object], *, where: str) -> CheckGroup:
    """A group that is not deployed, for a check that is tried in it. Raises Invalid.

    It has no id and no account, and says nothing of where its checks run and who hears of them.
    """
    said = {key: value for key, value in payload.items() if key not in _OF_DEPLOYED_GROUPS}
    try:
        ask = group_shape(said).model_validate(said)
    except ValidationError as error:
        raise Invalid(where + first_problem(error)) from error
    return ask.onto(CheckGroup(id=0, account_id=UUID(int=0), name="", created_at=_NEVER))


def _kept(settings: AlertSettingsPayload) -> Mapping[str, Any]:
    """As they are stored and shown: as they are said, with the contract's defaults."""
    return settings.model_dump(mode="json", by_alias=True, exclude_none=True)
