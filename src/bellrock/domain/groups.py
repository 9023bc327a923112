"""Check groups: a folder of checks, and what it says for them.

What holds for a check is decided here in two steps. `placed` is about where and whether it runs, and is
asked when a session begins. `prepared` is about what it runs, and is asked when a runner takes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from bellrock.domain.checks import Check, CheckPolicy, EnvironmentVariable, Subscription
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.specs import ApiCheck, Assertion, BasicAuth, HttpRequest, KeyValue, Spec

FALLBACK: Final = "FALLBACK"
GroupRetry = RetryPolicy | Literal["FALLBACK"]
"""`FALLBACK`: each check keeps its own. None instead of either: no check is tried again."""


@dataclass(frozen=True, slots=True)
class ApiDefaults:
    """What every API check of a group starts from. ``url`` is the checks' `{{GROUP_BASE_URL}}`."""

    url: str = ""
    headers: tuple[KeyValue, ...] = ()
    query: tuple[KeyValue, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    basic_auth: BasicAuth | None = None


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """A group of one account. None, and no location at all, leave it to each check.

    What is for alerting is kept as the contract says it.
    """

    id: int
    account_id: UUID
    name: str
    created_at: datetime
    updated_at: datetime | None = None
    activated: bool = True
    muted: bool = False
    tags: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    private_locations: tuple[str, ...] = ()
    concurrency: int = 3
    api_defaults: ApiDefaults = ApiDefaults()
    browser_check_defaults: str | None = None
    environment: tuple[EnvironmentVariable, ...] = ()
    double_check: bool = False
    use_global_alert_settings: bool | None = None
    alert_settings: Mapping[str, Any] | None = None
    subscriptions: tuple[Subscription, ...] = ()
    setup_snippet_id: int | None = None
    teardown_snippet_id: int | None = None
    setup_script: str | None = None
    teardown_script: str | None = None
    runtime_id: str | None = None
    retry: GroupRetry | None = FALLBACK
    run_parallel: bool | None = None
    project_id: str | None = None
    logical_id: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Everywhere its checks run: public locations, then private ones."""
        return (*self.locations, *self.private_locations)


def placed(check: Check, group: CheckGroup | None) -> Check:
    """The check where and when its group lets it run, under its tags as well. Twice is the same as once."""
    if group is None:
        return check
    return replace(
        check,
        activated=check.activated and group.activated,
        muted=check.muted or group.muted,
        tags=(*check.tags, *(tag for tag in group.tags if tag not in check.tags)),
        locations=group.locations if group.places else check.locations,
        private_locations=group.private_locations if group.places else check.private_locations,
        run_parallel=check.run_parallel if group.run_parallel is None else group.run_parallel,
        policy=_policy(check.policy, group),
    )


def _policy(own: CheckPolicy, group: CheckGroup) -> CheckPolicy:
    policy = replace(own, retry=retry_in(group, own.retry), runtime_id=runtime_in(group, own.runtime_id))
    if group.retry != FALLBACK:
        policy = replace(policy, double_check=group.double_check)
    if group.use_global_alert_settings is None:
        return policy
    return replace(
        policy,
        use_global_alert_settings=group.use_global_alert_settings,
        alert_settings=group.alert_settings,
    )


def retry_in(group: CheckGroup | None, own: RetryPolicy | None) -> RetryPolicy | None:
    """When a check whose own policy is given is tried again."""
    return own if group is None or group.retry == FALLBACK else group.retry


def runtime_in(group: CheckGroup | None, own: str | None) -> str | None:
    """What a check runs on: its own runtime, else its group's, else None, which is the account's."""
    return own or (group.runtime_id if group else None)


def variables_in(
    group: CheckGroup | None,
    own: Iterable[EnvironmentVariable],
    *,
    of_account: Iterable[EnvironmentVariable] = (),
) -> tuple[EnvironmentVariable, ...]:
    """The variables of a run. Of those with the same key the check's wins, then the group's."""
    layers = (of_account, group.environment if group else (), own)
    return tuple({each.key: each for layer in layers for each in layer}.values())


def with_api_defaults(spec: Spec, group: CheckGroup | None) -> Spec:
    """An API check whose request has the group's defaults; any other type as it is."""
    if group is None or not isinstance(spec, ApiCheck):
        return spec
    return replace(spec, request=_request(spec.request, group.api_defaults))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run executes, complete: defaults merged, the scripts around a check's own, all variables."""

    spec: Spec
    environment: tuple[EnvironmentVariable, ...]
    setup_scripts: tuple[str, ...] = ()
    teardown_scripts: tuple[str, ...] = ()


def prepared(
    spec: Spec,
    own: Iterable[EnvironmentVariable],
    *,
    group: CheckGroup | None = None,
    of_account: Iterable[EnvironmentVariable] = (),
    snippets: Mapping[int, str] | None = None,
) -> Prepared:
    """What a run executes. Ids of snippets become scripts.

    ``own`` are the check's variables; ``snippets`` the scripts of `snippets_of` that exist, by id.
    """
    variables = variables_in(group, own, of_account=of_account)
    if not isinstance(spec, ApiCheck):
        return Prepared(spec, variables)
    scripts = snippets or {}
    complete = _without_snippets(spec, scripts)
    if group is None:
        return Prepared(complete, variables)
    if group.api_defaults.url:
        variables = (*variables, EnvironmentVariable("GROUP_BASE_URL", group.api_defaults.url))
    setup = _script(group.setup_snippet_id, group.setup_script, scripts)
    teardown = _script(group.teardown_snippet_id, group.teardown_script, scripts)
    return Prepared(
        with_api_defaults(complete, group),
        variables,
        setup_scripts=(setup,) if setup.strip() else (),
        teardown_scripts=(teardown,) if teardown.strip() else (),
    )


def snippets_of(spec: Spec, group: CheckGroup | None) -> frozenset[int]:
    """The ids of the snippets that a run needs."""
    if not isinstance(spec, ApiCheck):
        return frozenset()
    named = [spec.setup_snippet_id, spec.teardown_snippet_id]
    if group is not None:
        named += [group.setup_snippet_id, group.teardown_snippet_id]
    return frozenset(each for each in named if each is not None)


def _request(own: HttpRequest, defaults: ApiDefaults) -> HttpRequest:
    headers = {each.key.lower() for each in own.headers}
    parameters = {each.key for each in own.query}
    has_name = own.basic_auth is not None and (own.basic_auth.username or own.basic_auth.password)
    return replace(
        own,
        headers=(*(each for each in defaults.headers if each.key.lower() not in headers), *own.headers),
        query=(*(each for each in defaults.query if each.key not in parameters), *own.query),
        assertions=(*own.assertions, *defaults.assertions),
        basic_auth=own.basic_auth if has_name else defaults.basic_auth or own.basic_auth,
    )


def _without_snippets(check: ApiCheck, snippets: Mapping[int, str]) -> ApiCheck:
    """The check with scripts in place of snippets. The files beside a script are none of a snippet's."""
    if check.setup_snippet_id is not None:
        setup = _script(check.setup_snippet_id, None, snippets)
        check = replace(check, setup_script=setup, setup_script_path=None, setup_dependencies=())
    if check.teardown_snippet_id is not None:
        teardown = _script(check.teardown_snippet_id, None, snippets)
        check = replace(check, teardown_script=teardown, teardown_script_path=None, teardown_dependencies=())
    return replace(check, setup_snippet_id=None, teardown_snippet_id=None)


def _script(snippet_id: int | None, script: str | None, snippets: Mapping[int, str]) -> str:
    if snippet_id is None:
        return script or ""
    # A run must not go on as if a deleted snippet had done its part.
    return snippets.get(snippet_id, f'throw new Error("There is no snippet {snippet_id} any more.");')
