"""Checks: what is asked for when one is saved, and how one is said in versions 1 and 2."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from bellrock.api.bodies.base import Answer, Ask, SnakeCreated, SnakeUpdated, is_none
from bellrock.domain.checks import Check, CheckType, EnvironmentVariable, PlaywrightSuite, UrlMonitor
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.checks import CheckDraft


class CheckAsk(Ask):
    """What every check can say. Fields of the contract that mean nothing here yet are let pass."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(min_length=1)]
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] | None = None
    tags: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    frequency: int = 10
    run_parallel: bool = False
    description: Annotated[str | None, Field(max_length=510)] = None

    def draft(self, check_type: CheckType) -> CheckDraft:
        """As the service wants it. What is not said is not passed on, so that one place has the defaults."""
        payload = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return draft_from_payload({**payload, "checkType": check_type})


class PlaywrightAsk(CheckAsk):
    """A Playwright Check Suite as it is saved."""

    code_bundle_path: Annotated[str, Field(min_length=1)]


class UrlAsk(CheckAsk):
    """A URL monitor as it is saved."""

    request: dict[str, Any]


class VariableBody(Answer):
    """An environment variable. The value of a secret one is never said."""

    key: str
    value: str | None
    locked: bool
    secret: bool


class ProjectBody(Answer):
    """The project a check is deployed from."""

    id: str


class AssertionBody(Answer):
    """An assertion on a URL monitor's status code."""

    source: Literal["STATUS_CODE"] = "STATUS_CODE"
    property: str = ""
    comparison: str
    target: str
    regex: str | None = None


class UrlRequestBody(Answer):
    """The request of a URL monitor."""

    method: Literal["GET"] = "GET"
    url: str
    follow_redirects: bool
    skip_ssl: Annotated[bool, Field(alias="skipSSL")]
    ip_family: str
    assertions: tuple[AssertionBody, ...]


class CheckBody(Answer):
    """What every check says in every version."""

    id: UUID
    check_type: CheckType
    name: str
    activated: bool
    muted: bool
    locations: tuple[str, ...]
    private_locations: tuple[str, ...]
    tags: tuple[str, ...]
    frequency: int
    run_parallel: bool
    description: str | None
    group_id: None = None
    group_order: None = None
    use_global_alert_settings: bool = True
    alert_channel_subscriptions: tuple[()] = ()
    created_at: SnakeCreated
    updated_at: SnakeUpdated


class Version1(Answer):
    """What only version 1 says: the project, flat. Absent for a check that no project deployed."""

    project: ProjectBody | None
    logical_id: str | None


class PlaywrightParts(Answer):
    """What only a Playwright Check Suite says. ``pwProjects`` and ``pwTags`` are our addition."""

    code_bundle_path: str
    test_command: str
    install_command: str
    working_dir: str | None
    browsers: tuple[str, ...]
    playwright_version: str | None
    cache_hash: str | None
    engine: str | None
    engine_version: str | None
    pw_projects: tuple[str, ...]
    pw_tags: tuple[str, ...]
    environment_variables: tuple[VariableBody, ...]


class UrlParts(Answer):
    """What only a URL monitor says."""

    request: UrlRequestBody
    degraded_response_time: int
    max_response_time: int
    should_fail: bool
    double_check: bool = False


class PlaywrightCheck(CheckBody, PlaywrightParts):
    """A Playwright Check Suite in version 2."""


class UrlCheck(CheckBody, UrlParts):
    """A URL monitor in version 2. The contract's ``frequencyOffset`` is a number or absent."""

    frequency_offset: int | None = Field(None, exclude_if=is_none)


class PlaywrightCheckV1(PlaywrightCheck, Version1):
    """A Playwright Check Suite in version 1."""


class UrlCheckV1(UrlCheck, Version1):
    """A URL monitor in version 1."""


AnyCheck = PlaywrightCheck | UrlCheck
AnyCheckV1 = PlaywrightCheckV1 | UrlCheckV1


def check_body(check: Check) -> AnyCheck:
    """A check in version 2."""
    match check.spec:
        case PlaywrightSuite():
            return PlaywrightCheck(**_common(check), **_playwright(check, check.spec))
        case UrlMonitor():
            return UrlCheck(**_common(check), **_url(check.spec), frequency_offset=check.frequency_offset_s)


def check_body_v1(check: Check) -> AnyCheckV1:
    """A check in version 1."""
    flat: dict[str, Any] = {
        "project": ProjectBody(id=check.project_id) if check.project_id else None,
        "logical_id": check.logical_id,
    }
    body = check_body(check)
    if isinstance(body, PlaywrightCheck):
        return PlaywrightCheckV1(**dict(body), **flat)
    return UrlCheckV1(**dict(body), **flat)


def _common(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "check_type": check.type,
        "name": check.name,
        "activated": check.activated,
        "muted": check.muted,
        "locations": check.locations,
        "private_locations": (),
        "tags": check.tags,
        "frequency": check.frequency_min,
        "run_parallel": check.run_parallel,
        "description": check.description,
        "created_at": check.created_at,
        "updated_at": check.updated_at,
    }


def _playwright(check: Check, suite: PlaywrightSuite) -> dict[str, Any]:
    return {
        "code_bundle_path": suite.bundle_key,
        "test_command": suite.test_command,
        "install_command": suite.install_command,
        "working_dir": suite.working_dir,
        "browsers": suite.browsers,
        "playwright_version": suite.playwright_version,
        "cache_hash": suite.cache_hash,
        "engine": suite.engine,
        "engine_version": suite.engine_version,
        "pw_projects": suite.pw_projects,
        "pw_tags": suite.pw_tags,
        "environment_variables": tuple(_variable(variable) for variable in check.environment),
    }


def _variable(variable: EnvironmentVariable) -> VariableBody:
    value = "" if variable.secret else variable.value
    return VariableBody(key=variable.key, value=value, locked=variable.locked, secret=variable.secret)


def _url(monitor: UrlMonitor) -> dict[str, Any]:
    assertions = tuple(
        AssertionBody(comparison=assertion.comparison, target=assertion.target)
        for assertion in monitor.assertions
    )
    return {
        "request": UrlRequestBody(
            url=monitor.url,
            follow_redirects=monitor.follow_redirects,
            skip_ssl=monitor.skip_ssl,
            ip_family=monitor.ip_family,
            assertions=assertions,
        ),
        "degraded_response_time": monitor.degraded_response_time_ms,
        "max_response_time": monitor.max_response_time_ms,
        "should_fail": monitor.should_fail,
    }
