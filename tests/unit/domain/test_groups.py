"""What a group makes of its checks, case by case."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bellrock.domain.checks import Check, CheckPolicy, EnvironmentVariable
from bellrock.domain.groups import (
    FALLBACK,
    ApiDefaults,
    CheckGroup,
    GroupRetry,
    Prepared,
    placed,
    prepared,
    retry_in,
    runtime_in,
    snippets_of,
    variables_in,
    with_api_defaults,
)
from bellrock.domain.retries import DOUBLE_CHECK, Backoff, RetryPolicy
from bellrock.domain.specs import (
    ApiCheck,
    Assertion,
    BasicAuth,
    CheckType,
    Dependency,
    HttpRequest,
    KeyValue,
    PlaywrightSuite,
    UrlMonitor,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)
GROUP = CheckGroup(id=7, account_id=uuid4(), name="Shop", created_at=AT)
URL = "https://shop.example"
CHECK = Check(
    id=uuid4(),
    account_id=GROUP.account_id,
    type=CheckType.API,
    name="Cart",
    spec=ApiCheck(HttpRequest(URL)),
    created_at=AT,
    locations=("eu-central-1",),
    tags=("cart", "shop"),
    group_id=7,
)
FIXED = RetryPolicy(Backoff.FIXED)


def group(**says: object) -> CheckGroup:
    return replace(GROUP, **says)  # type: ignore[arg-type]


# --- where and whether -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "changes"),
    [
        ({}, {}),
        ({"activated": False}, {"activated": False}),
        ({"muted": True}, {"muted": True}),
        ({"tags": ("shop", "team-a")}, {"tags": ("cart", "shop", "team-a")}),
        ({"locations": ("us-east-1",)}, {"locations": ("us-east-1",)}),
        ({"private_locations": ("office",)}, {"locations": (), "private_locations": ("office",)}),
        (
            {"locations": ("us-east-1",), "private_locations": ("office",)},
            {"locations": ("us-east-1",), "private_locations": ("office",)},
        ),
        (
            {"retry": DOUBLE_CHECK, "double_check": True},
            {"policy": CheckPolicy(DOUBLE_CHECK, double_check=True)},
        ),
        ({"runtime_id": "2025.04"}, {"policy": CheckPolicy(runtime_id="2025.04")}),
        (
            {"use_global_alert_settings": False, "alert_settings": {"reminders": {}}},
            {"policy": CheckPolicy(use_global_alert_settings=False, alert_settings={"reminders": {}})},
        ),
        ({"use_global_alert_settings": None, "alert_settings": {"reminders": {}}}, {}),
        ({"run_parallel": True}, {"run_parallel": True}),
        ({"run_parallel": False}, {}),
        ({"run_parallel": None}, {}),
    ],
)
def test_a_group_places_its_checks_and_leaves_what_it_does_not_say(
    says: dict[str, object], changes: dict[str, object]
) -> None:
    once = placed(CHECK, group(**says))
    assert once == replace(CHECK, **changes)  # type: ignore[arg-type]
    assert placed(once, group(**says)) == once


@pytest.mark.parametrize("own", [True, False])
def test_a_group_overrides_whether_a_check_runs_everywhere_at_once(own: bool) -> None:
    check = replace(CHECK, run_parallel=own)
    says = [None, True, False]
    assert [placed(check, group(run_parallel=each)).run_parallel for each in says] == [own, True, False]


def test_a_group_does_not_activate_or_unmute_a_check() -> None:
    off = replace(CHECK, activated=False, muted=True)
    assert placed(off, group(activated=True, muted=False)) == off


def test_without_a_group_a_check_is_as_it_is() -> None:
    assert placed(CHECK, None) == CHECK
    assert prepared(CHECK.spec, ()) == Prepared(CHECK.spec, ())


@pytest.mark.parametrize("own", [FIXED, None])
@pytest.mark.parametrize(
    ("says", "keeps_own", "result"),
    [(FALLBACK, True, None), (None, False, None), (DOUBLE_CHECK, False, DOUBLE_CHECK)],
)
def test_a_group_overrides_retries_unless_it_falls_back(
    own: RetryPolicy | None, says: GroupRetry | None, keeps_own: bool, result: RetryPolicy | None
) -> None:
    assert retry_in(group(retry=says), own) == (own if keeps_own else result)
    assert retry_in(None, own) == own


@pytest.mark.parametrize(
    ("own", "of_group", "result"),
    [
        ("2025.04", "2024.09", "2025.04"),
        (None, "2024.09", "2024.09"),
        (None, None, None),
    ],
)
def test_the_runtime_is_the_checks_then_the_groups_then_the_accounts(
    own: str | None, of_group: str | None, result: str | None
) -> None:
    assert runtime_in(group(runtime_id=of_group), own) == result
    assert runtime_in(None, own) == own


# --- variables ---------------------------------------------------------------------------------


def variables(**values: str) -> tuple[EnvironmentVariable, ...]:
    return tuple(EnvironmentVariable(key, value) for key, value in values.items())


@pytest.mark.parametrize(
    ("of_account", "of_group", "own", "result"),
    [
        ({"A": "account"}, {}, {}, {"A": "account"}),
        ({"A": "account"}, {"A": "group"}, {}, {"A": "group"}),
        ({"A": "account"}, {"A": "group"}, {"A": "check"}, {"A": "check"}),
        ({"A": "account"}, {}, {"A": "check"}, {"A": "check"}),
        ({"A": "account"}, {"B": "group"}, {"C": "check"}, {"A": "account", "B": "group", "C": "check"}),
        ({}, {"A": "group"}, {"A": ""}, {"A": ""}),
    ],
)
def test_of_variables_the_checks_win_then_the_groups_then_the_accounts(
    of_account: dict[str, str], of_group: dict[str, str], own: dict[str, str], result: dict[str, str]
) -> None:
    found = variables_in(
        group(environment=variables(**of_group)), variables(**own), of_account=variables(**of_account)
    )
    assert {each.key: each.value for each in found} == result
    assert len(found) == len(result)


def test_a_variable_is_as_secret_as_the_one_that_wins() -> None:
    secret = EnvironmentVariable("A", "s3cret", secret=True)
    assert variables_in(None, (secret,), of_account=variables(A="plain")) == (secret,)


def test_every_type_of_check_gets_the_variables() -> None:
    suite = PlaywrightSuite("bundle")
    found = prepared(
        suite, variables(C="c"), group=group(environment=variables(B="b")), of_account=variables(A="a")
    )
    assert found == Prepared(suite, variables(A="a", B="b", C="c"))


# --- the defaults of API checks ----------------------------------------------------------------


def pairs(**values: str) -> tuple[KeyValue, ...]:
    return tuple(KeyValue(key, value) for key, value in values.items())


OK = Assertion("STATUS_CODE", "EQUALS", "200")
FAST = Assertion("RESPONSE_TIME", "LESS_THAN", "500")
ADA, BOB = BasicAuth("ada", "pw"), BasicAuth("bob", "pw")


@pytest.mark.parametrize(
    ("defaults", "own", "result"),
    [
        ({}, {}, {}),
        ({"headers": pairs(A="group")}, {}, {"headers": pairs(A="group")}),
        (
            {"headers": pairs(A="group")},
            {"headers": pairs(B="check")},
            {"headers": pairs(A="group", B="check")},
        ),
        ({"headers": pairs(A="group")}, {"headers": pairs(A="check")}, {"headers": pairs(A="check")}),
        (
            {"headers": pairs(ACCEPT="group")},
            {"headers": pairs(accept="check")},
            {"headers": pairs(accept="check")},
        ),
        ({"query": pairs(q="group")}, {"query": pairs(q="check")}, {"query": pairs(q="check")}),
        ({"query": pairs(Q="group")}, {"query": pairs(q="check")}, {"query": pairs(Q="group", q="check")}),
        ({"assertions": (OK,)}, {"assertions": (FAST,)}, {"assertions": (FAST, OK)}),
        ({"basic_auth": ADA}, {}, {"basic_auth": ADA}),
        ({"basic_auth": ADA}, {"basic_auth": BOB}, {"basic_auth": BOB}),
        ({"basic_auth": ADA}, {"basic_auth": BasicAuth()}, {"basic_auth": ADA}),
        ({}, {"basic_auth": BOB}, {"basic_auth": BOB}),
    ],
)
def test_an_api_check_has_the_groups_defaults_and_wins_by_name(
    defaults: dict[str, object], own: dict[str, object], result: dict[str, object]
) -> None:
    says = group(api_defaults=replace(ApiDefaults(), **defaults))  # type: ignore[arg-type]
    spec = ApiCheck(replace(HttpRequest(URL), **own))  # type: ignore[arg-type]
    wanted = ApiCheck(replace(HttpRequest(URL), **result))  # type: ignore[arg-type]
    assert with_api_defaults(spec, says) == wanted
    assert prepared(spec, (), group=says) == Prepared(wanted, ())


def test_the_base_address_of_a_group_is_a_variable_of_its_api_checks_alone() -> None:
    says = group(api_defaults=ApiDefaults(url="https://api.example"))
    assert prepared(CHECK.spec, (), group=says).environment == variables(GROUP_BASE_URL="https://api.example")
    assert prepared(PlaywrightSuite("bundle"), (), group=says).environment == ()


def test_other_types_of_checks_have_none_of_the_defaults() -> None:
    monitor = UrlMonitor(HttpRequest(URL))
    says = group(
        api_defaults=ApiDefaults("https://api.example", pairs(A="group"), assertions=(OK,), basic_auth=ADA),
        setup_script="a()",
        setup_snippet_id=1,
    )
    assert prepared(monitor, (), group=says) == Prepared(monitor, ())
    assert snippets_of(monitor, says) == frozenset()


# --- scripts -----------------------------------------------------------------------------------


def of_scripts(
    spec: ApiCheck, says: CheckGroup | None, snippets: dict[int, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What runs before the request, and what after it."""
    found = prepared(spec, (), group=says, snippets=snippets)
    assert isinstance(found.spec, ApiCheck)
    assert (found.spec.setup_snippet_id, found.spec.teardown_snippet_id) == (None, None)
    before = (*found.setup_scripts, found.spec.setup_script)
    after = (found.spec.teardown_script, *found.teardown_scripts)
    return tuple(each for each in before if each), tuple(each for each in after if each)


@pytest.mark.parametrize(
    ("own", "says", "setup", "teardown"),
    [
        ({}, {}, (), ()),
        ({"setup_script": "check()"}, {}, ("check()",), ()),
        ({}, {"setup_script": "group()"}, ("group()",), ()),
        ({"setup_script": "check()"}, {"setup_script": " "}, ("check()",), ()),
        ({"setup_script": "check()"}, {"setup_script": "group()"}, ("group()", "check()"), ()),
        ({"teardown_script": "check()"}, {"teardown_script": "group()"}, (), ("check()", "group()")),
        ({"setup_snippet_id": 1}, {}, ("one()",), ()),
        ({"setup_snippet_id": 1, "setup_script": "check()"}, {}, ("one()",), ()),
        ({"teardown_snippet_id": 2}, {"teardown_snippet_id": 1}, (), ("two()", "one()")),
        ({"setup_script": "check()"}, {"setup_snippet_id": 2}, ("two()", "check()"), ()),
    ],
)
def test_the_groups_scripts_go_around_the_checks(
    own: dict[str, object], says: dict[str, object], setup: tuple[str, ...], teardown: tuple[str, ...]
) -> None:
    spec = replace(ApiCheck(HttpRequest(URL)), **own)  # type: ignore[arg-type]
    assert of_scripts(spec, group(**says), {1: "one()", 2: "two()"}) == (setup, teardown)


def test_a_snippet_has_none_of_the_files_of_the_script_that_it_stands_for() -> None:
    files = (Dependency("lib.js", "1"),)
    spec = ApiCheck(
        HttpRequest(URL),
        setup_script="check()",
        setup_script_path="setup.js",
        setup_dependencies=files,
        setup_snippet_id=1,
        teardown_script="check()",
        teardown_script_path="teardown.js",
        teardown_dependencies=files,
    )
    found = prepared(spec, (), snippets={1: "one()"}).spec
    assert isinstance(found, ApiCheck)
    assert (found.setup_script_path, found.setup_dependencies) == (None, ())
    assert (found.teardown_script_path, found.teardown_dependencies) == ("teardown.js", files)


def test_a_snippet_that_is_gone_is_a_script_that_fails_and_says_so() -> None:
    spec = ApiCheck(HttpRequest(URL), setup_snippet_id=7)
    setup, _ = of_scripts(spec, None, {})
    assert setup == ('throw new Error("There is no snippet 7 any more.");',)


def test_the_snippets_of_a_run_are_the_checks_and_the_groups() -> None:
    spec = ApiCheck(HttpRequest(URL), setup_snippet_id=1, teardown_snippet_id=2)
    assert snippets_of(spec, None) == {1, 2}
    assert snippets_of(spec, group(setup_snippet_id=2, teardown_snippet_id=3)) == {1, 2, 3}
