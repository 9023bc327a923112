"""Check groups as they are said, alike in both versions."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bellrock.api.bodies.base import Answer, SnakeCreatedDay, SnakeUpdated, is_none
from bellrock.api.bodies.bindings import ProjectBindings, Projects, bindings
from bellrock.domain.groups import CheckGroup
from bellrock.services.check_payload.common import RetryPayload
from bellrock.services.group_said import group_said


class PairBody(Answer):
    """A header or a query parameter. The value of a locked one is for writers."""

    key: str
    value: str
    locked: bool


class GroupAssertionBody(Answer):
    """An assertion on a response."""

    source: str
    comparison: str
    property: str
    target: str
    regex: str | None


class BasicAuthBody(Answer):
    """Name and password."""

    username: str
    password: str


class ApiDefaultsBody(Answer):
    """What the group's API checks start from."""

    url: str
    headers: tuple[PairBody, ...]
    query_parameters: tuple[PairBody, ...]
    assertions: tuple[GroupAssertionBody, ...]
    basic_auth: BasicAuthBody | None


class GroupVariableBody(Answer):
    """A variable. The value of a secret one is never said, that of a locked one to writers only."""

    key: str
    value: str
    locked: bool
    secret: bool


class SubscriptionBody(Answer):
    """Whether an alert channel hears of the group's checks."""

    alert_channel_id: int
    activated: bool


class SavedGroup(Answer):
    """A group just saved. ``alertSettings`` is absent where checks keep their own."""

    id: int
    name: str
    activated: bool
    muted: bool
    tags: tuple[str, ...]
    locations: tuple[str, ...]
    private_locations: tuple[str, ...]
    concurrency: int
    api_check_defaults: ApiDefaultsBody
    browser_check_defaults: str | None = Field(None, exclude_if=is_none)
    environment_variables: tuple[GroupVariableBody, ...]
    double_check: bool
    use_global_alert_settings: bool | None
    alert_settings: Mapping[str, Any] | None = Field(None, exclude_if=is_none)
    alert_channel_subscriptions: tuple[SubscriptionBody, ...]
    setup_snippet_id: int | None
    tear_down_snippet_id: int | None
    local_setup_script: str | None
    local_tear_down_script: str | None
    runtime_id: str | None
    retry_strategy: RetryPayload | Literal["FALLBACK"] | None
    run_parallel: bool | None
    created_at: SnakeCreatedDay
    updated_at: SnakeUpdated


class GroupBody(SavedGroup):
    """A group as it is read."""

    project_bindings: ProjectBindings


def saved_group(group: CheckGroup) -> SavedGroup:
    """The answer to a change."""
    return SavedGroup.model_validate(_said(group))


def group_body(group: CheckGroup, projects: Projects) -> GroupBody:
    """A group as it is read."""
    return GroupBody.model_validate({**_said(group), "projectBindings": bindings(group, projects)})


def _said(group: CheckGroup) -> dict[str, Any]:
    return {**group_said(group), "created_at": group.created_at, "updated_at": group.updated_at}
