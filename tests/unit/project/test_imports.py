"""Checks read back into a project file: what is deployed from it again is the same check."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bellrock.domain.checks import Check
from bellrock.project.errors import ProjectError
from bellrock.project.imports import import_checks
from bellrock.project.payloads import Surroundings, check_payload
from bellrock.project.yaml_file import read_project_file, write_project_file
from bellrock.services.check_payload import draft_from_payload
from bellrock.services.check_payload.said import payload_of
from bellrock.services.checks import CheckDraft
from tests.support.check_kinds import KINDS

EVERYTHING: dict[str, Any] = {
    "activated": False,
    "muted": True,
    "tags": ["shop", "eu"],
    "locations": ["us-east-1", "eu-central-1"],
    "runParallel": True,
    "description": "What people come for.",
}
RETRIED: dict[str, Any] = {
    "retryStrategy": {
        "type": "LINEAR",
        "baseBackoffSeconds": 5,
        "maxRetries": 3,
        "maxDurationSeconds": 100,
        "sameRegion": False,
        "onlyOn": ["NETWORK_ERROR"],
    },
    "doubleCheck": False,
    "shouldFail": True,
    "frequency": 0,
    "frequencyOffset": 20,
}


def deployed(payload: dict[str, Any]) -> CheckDraft:
    return draft_from_payload(payload)


def as_the_api_says_it(draft: CheckDraft) -> dict[str, Any]:
    check = Check(
        id=uuid4(),
        account_id=uuid4(),
        type=draft.type,
        name=draft.name,
        spec=draft.spec,
        created_at=datetime.now(UTC),
        activated=draft.activated,
        muted=draft.muted,
        locations=draft.locations,
        tags=draft.tags,
        frequency_min=draft.frequency_min,
        frequency_offset_s=draft.frequency_offset_s,
        run_parallel=draft.run_parallel,
        environment=draft.environment or (),
        description=draft.description,
        policy=draft.policy,
    )
    return payload_of(check)


def through_a_file(said: dict[str, Any], folder: Path) -> CheckDraft:
    """Read back, written down, read again, and taken by the server."""
    imported = import_checks([said])
    for name, content in imported.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    write_project_file(folder / "bellrock.yaml", project_id="shop", checks=imported.checks)
    project = read_project_file(folder / "bellrock.yaml")
    ((logical_id, check),) = project.resolved_checks().items()
    around = Surroundings(folder, {"TOKEN": "known here"})
    return draft_from_payload(check_payload(logical_id, check, suite=None, around=around))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "heartbeat"])
@pytest.mark.parametrize("more", [{}, EVERYTHING | RETRIED], ids=["plain", "with everything"])
def test_a_check_of_every_type_comes_back_as_it_was(tmp_path: Path, kind: str, more: dict[str, Any]) -> None:
    check_type, fields, _ = KINDS[kind]
    locations = {"locations": ["eu-central-1"]}
    first = deployed({"checkType": check_type, "name": "Front page", **locations, **fields, **more})
    again = through_a_file(as_the_api_says_it(first), tmp_path)
    assert again.policy.retry == first.policy.retry
    assert comparable(again) == comparable(first)


def comparable(draft: CheckDraft) -> dict[str, Any]:
    """What the API says of it, without what a project file has no word for.

    That a header is locked, and a heartbeat's address; there is one word for both ways to ask for a retry,
    and a script that had no path gets one.
    """
    said = as_the_api_says_it(draft)
    for name in ("doubleCheck", "retryStrategy", "scriptPath"):
        said.pop(name, None)
    said.get("heartbeat", {}).pop("pingToken", None)
    for header in said.get("request", {}).get("headers", ()):
        header.pop("locked")
    return said


def test_a_heartbeat_comes_back_but_for_its_address(tmp_path: Path) -> None:
    first = deployed({"checkType": "HEARTBEAT", "name": "Backup", **KINDS["heartbeat"][1]})
    again = through_a_file(as_the_api_says_it(first), tmp_path)
    assert comparable(again) == comparable(first)


def test_a_suite_comes_back_without_its_files_and_says_so() -> None:
    said = as_the_api_says_it(
        deployed(
            {
                "checkType": "PLAYWRIGHT",
                "name": "Shop suite",
                "codeBundlePath": "key",
                "testCommand": "npx playwright test --config e2e.ts",
                "installCommand": "npm ci",
                "locations": ["eu-central-1"],
                "environmentVariables": [
                    {"key": "PLAIN", "value": "1"},
                    {"key": "TOKEN", "value": "x", "secret": True},
                ],
            }
        )
    )
    imported = import_checks([said])
    suite = imported.checks["shop-suite"].model_dump(exclude_defaults=True)
    assert suite["test_command"] == "npx playwright test --config e2e.ts"
    assert suite["environment"]["PLAIN"] == {"value": "1"}
    assert suite["environment"]["TOKEN"] == {"from_env": "TOKEN", "secret": True}
    assert any("files of a suite are not read back" in note for note in imported.notes)
    assert any("set TOKEN" in note for note in imported.notes)


def test_ids_are_those_of_the_deploy_or_made_of_names_and_never_the_same() -> None:
    _, fields, _ = KINDS["url"]
    said = as_the_api_says_it(deployed({"checkType": "URL", "name": "Ünïcode & co", **fields}))
    other = {**said, "logicalId": "front"}
    assert list(import_checks([said, other, said, other]).checks) == [
        "n-code-co",
        "front",
        "n-code-co-2",
        "front-2",
    ]


def test_what_a_project_file_cannot_say_is_noted() -> None:
    _, fields, _ = KINDS["api"]
    said = as_the_api_says_it(deployed({"checkType": "API", "name": "Api", **fields}))
    (note, password) = import_checks([{**said, "groupId": 3, "privateLocations": ["office"]}]).notes
    assert note == "api: the password of its basic authentication is written down in clear."
    assert password == "api: a project file cannot say its private locations, its group."


def test_a_type_that_a_project_cannot_have_is_refused() -> None:
    with pytest.raises(ProjectError, match="'Trace'"):
        import_checks([{"checkType": "TRACEROUTE", "name": "Trace", "request": {}}])


def test_a_project_file_cannot_name_what_scripts_import_and_that_is_noted() -> None:
    _, fields, _ = KINDS["api"]
    files = {"setupScriptPath": "in.ts", "setupScriptDependencies": [{"path": "lib.ts", "content": "1"}]}
    said = as_the_api_says_it(deployed({"checkType": "API", "name": "Api", **fields, **files}))
    assert "api: a project file cannot name what its scripts import." in import_checks([said]).notes
