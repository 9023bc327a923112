from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bellrock.domain.checks import Check
from bellrock.project import PlaywrightCheck, Project, StatusCode, UrlCheck
from bellrock.project.errors import ProjectError
from bellrock.project.packing import PackedSuite
from bellrock.project.payloads import Surroundings, UploadedSuite, check_payload, playwright_command
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.check_payload.said import payload_of
from bellrock.services.checks import CheckDraft

HERE = Surroundings(Path(), {})
SUITE = UploadedSuite(
    "key-1",
    PackedSuite(b"", "sha", (), "e2e/playwright.config.ts", "cache", "npm", "1.58.2"),
)


def test_projects_and_tags_are_folded_into_a_quoted_command() -> None:
    check = PlaywrightCheck(projects=("a b", "c"), playwright_tags=("@x", "@y"))
    command = playwright_command(
        check, "playwright.config.ts", arguments=["tests/a.spec.ts", "--grep", "it's"]
    )
    assert command == (
        "npx playwright test tests/a.spec.ts --grep 'it'\"'\"'s' --config playwright.config.ts "
        "--project 'a b' c --grep '@x|@y'"
    )


def test_tags_choose_pytests_tests_by_their_markers() -> None:
    check = PlaywrightCheck(test_command="pytest", playwright_tags=("@smoke", "cart"))
    assert playwright_command(check, None) == "pytest -m 'smoke or cart'"
    assert playwright_command(PlaywrightCheck(test_command="pytest"), None) == "pytest"


def test_a_suite_carries_bundle_command_and_variables() -> None:
    check = PlaywrightCheck.model_validate(
        {
            "environment": {"A": "1", "B": {"from_env": "B_HERE", "secret": True}},
            "locations": ["eu-central-1"],
        }
    )
    payload = check_payload("suite", check, suite=SUITE, around=Surroundings(Path(), {"B_HERE": "2"}))
    assert payload["checkType"] == "PLAYWRIGHT"
    assert payload["name"] == "suite"
    assert payload["codeBundlePath"] == "key-1"
    assert payload["testCommand"] == "npx playwright test --config e2e/playwright.config.ts"
    assert payload["environmentVariables"] == [
        {"key": "A", "value": "1", "locked": False, "secret": False},
        {"key": "B", "value": "2", "locked": False, "secret": True},
    ]


def test_a_variable_that_the_machine_does_not_have_is_named() -> None:
    check = PlaywrightCheck.model_validate({"environment": {"B": {"from_env": "B_HERE"}}})
    with pytest.raises(ProjectError, match=r"checks\.suite\.environment\.B: the variable B_HERE is not set"):
        check_payload("suite", check, suite=SUITE, around=HERE)


def test_a_url_check_carries_its_request() -> None:
    check = UrlCheck(url="https://shop.test/", assertions=(StatusCode(target=204),))
    payload = check_payload("ping", check, suite=None, around=HERE)
    assert payload["checkType"] == "URL"
    assert payload["request"] == {
        "method": "GET",
        "url": "https://shop.test/",
        "followRedirects": True,
        "skipSSL": False,
        "ipFamily": "IPv4",
        "assertions": [
            {"source": "STATUS_CODE", "comparison": "EQUALS", "property": "", "target": "204", "regex": None}
        ],
    }


PROJECT: dict[str, dict[str, Any]] = {
    "api": {
        "type": "api",
        "url": "{{BASE}}/items",
        "method": "POST",
        "headers": {"X-Key": "{{KEY}}"},
        "query": {"q": "a b"},
        "body": '{"a": 1}',
        "body_type": "JSON",
        "basic_auth": {"username": "ada", "password": "{{PW}}"},
        "setup": "scripts/sign.js",
        "assertions": [{"source": "JSON_BODY", "property": "$.a", "target": 1}],
        "retry": {"type": "exponential", "most": 3, "only_network_errors": True},
        "frequency": "10s",
    },
    "tcp": {"type": "tcp", "hostname": "db.example", "port": 5432, "data": "x"},
    "dns": {"type": "dns", "query": "shop.example", "record_type": "MX", "name_server": "9.9.9.9"},
    "icmp": {"type": "icmp", "hostname": "shop.example", "ping_count": 3},
    "ssl": {"type": "ssl", "hostname": "shop.example", "alert_days_before_expiry": 30},
    "beat": {"type": "heartbeat", "period": 1, "period_unit": "days", "grace": 10},
    "login": {
        "type": "browser",
        "script": "checks/login.spec.ts",
        "dependencies": ["checks/pages/login.ts"],
        "environment": {"USER": "ada"},
    },
    "flow": {"type": "multistep", "script": "checks/flow.spec.ts"},
}


@pytest.mark.parametrize("logical_id", list(PROJECT))
def test_the_server_takes_every_type_as_a_project_says_it(tmp_path: Path, logical_id: str) -> None:
    for name in ("scripts/sign.js", "checks/login.spec.ts", "checks/pages/login.ts", "checks/flow.spec.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"// {name}")
    project = Project.model_validate({"id": "shop", "name": "Shop", "checks": PROJECT})
    check = project.resolved_checks()[logical_id]
    payload = check_payload(logical_id, check, suite=None, around=Surroundings(tmp_path, {}))
    said = payload_of(_saved(draft_from_payload(payload)))
    for name, value in payload.items():
        if name != "retryStrategy" or value is not None:
            _holds(said[name], value)


def test_a_script_that_is_not_there_is_named() -> None:
    project = Project.model_validate({"id": "s", "name": "S", "checks": {"flow": PROJECT["flow"]}})
    check = project.resolved_checks()["flow"]
    with pytest.raises(ProjectError, match=r"checks\.flow\.script: checks/flow\.spec\.ts cannot be read"):
        check_payload("flow", check, suite=None, around=HERE)


def test_a_dependency_lies_beside_its_script(tmp_path: Path) -> None:
    said = {"type": "browser", "script": "checks/a.spec.ts", "dependencies": ["lib/b.ts"]}
    project = Project.model_validate({"id": "s", "name": "S", "checks": {"a": said}})
    check = project.resolved_checks()["a"]
    with pytest.raises(ProjectError, match="does not lie beside"):
        check_payload("a", check, suite=None, around=Surroundings(tmp_path, {}))


def _saved(draft: CheckDraft) -> Check:
    values = {each.name: getattr(draft, each.name) for each in fields(draft)} | {
        "environment": draft.environment or ()
    }
    return Check(id=uuid4(), account_id=uuid4(), created_at=datetime.now(UTC), **values)


def _holds(whole: Any, part: Any) -> None:
    if isinstance(part, dict):
        for name, value in part.items():
            _holds(whole[name], value)
    elif isinstance(part, list):
        assert len(whole) == len(part)
        for one, other in zip(whole, part, strict=True):
            _holds(one, other)
    else:
        assert whole == part
