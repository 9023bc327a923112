import pytest

from bellrock.project import PlaywrightCheck, StatusCode, UrlCheck
from bellrock.project.errors import ProjectError
from bellrock.project.packing import PackedSuite
from bellrock.project.payloads import UploadedSuite, check_payload, playwright_command

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


def test_a_suite_carries_bundle_command_and_variables() -> None:
    check = PlaywrightCheck.model_validate(
        {
            "environment": {"A": "1", "B": {"from_env": "B_HERE", "secret": True}},
            "locations": ["eu-central-1"],
        }
    )
    payload = check_payload("suite", check, suite=SUITE, environ={"B_HERE": "2"})
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
        check_payload("suite", check, suite=SUITE, environ={})


def test_a_url_check_carries_its_request() -> None:
    check = UrlCheck(url="https://shop.test/", assertions=(StatusCode(target=204),))
    payload = check_payload("ping", check, suite=None, environ={})
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
