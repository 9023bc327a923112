"""The `bellrock` command as a person uses it, against a real server: output, reports, exit codes."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.kept_packages import KeptPackages
from tests.system.dev_server import BELLROCK, LOCATION, PACKAGES, DevServer

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("commands"),
]

COMMAND_S = 120
EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SPEC = """
const { test, expect } = require('@playwright/test');
test('adds up', async () => { expect(1 + 1).toBe(2); });
test('subtracts', async () => { expect(3 - 1).toBe(Number(process.env.EXPECTED)); });
"""
PROJECT = f"""
project: {{id: sums, name: Sums}}
defaults:
  locations: [{LOCATION}]
checks:
  sums:
    type: playwright
    name: Sums suite
    config: playwright.config.js
    tags: [sums]
    environment: {{EXPECTED: "2"}}
"""
FAILING = ("-e", "EXPECTED=3")


@pytest.fixture(scope="module")
async def dev(
    tmp_path_factory: pytest.TempPathFactory, kept_packages: KeptPackages
) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("commands"), packages=kept_packages)
    await server.start()
    yield server
    await server.clean_up()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, tmp_path)
    (tmp_path / "playwright.config.js").write_text("module.exports = { workers: 1, reporter: 'list' };")
    (tmp_path / "sums.spec.js").write_text(SPEC)
    (tmp_path / "bellrock.yaml").write_text(PROJECT)
    return tmp_path


Done = subprocess.CompletedProcess[str]


class Shell:
    """A person in a folder, whose environment names the server."""

    def __init__(self, dev: DevServer, folder: Path) -> None:
        self.folder = folder
        self.variables = dev.environment(folder)

    async def bellrock(self, *words: str, said: str = "", **variables: str) -> Done:
        return await asyncio.to_thread(self._run, words, said, variables)

    def _run(self, words: tuple[str, ...], said: str, variables: dict[str, str]) -> Done:
        return subprocess.run(
            [BELLROCK, *words],
            cwd=self.folder,
            env={**self.variables, **variables},
            input=said,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    async def must(self, *words: str, code: int = 0) -> str:
        done = await self.bellrock(*words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    async def deploy(self) -> None:
        await self.must("deploy", "--force", "--no-schedule-on-deploy")


@pytest.fixture
def shell(dev: DevServer, project: Path) -> Shell:
    return Shell(dev, project)


# ------------------------------------------------------------------------------------- who, where


async def test_login_tries_the_key_and_stores_it_for_its_owner_only(shell: Shell, dev: DevServer) -> None:
    for name in ("BELLROCK_URL", "BELLROCK_API_KEY", "BELLROCK_ACCOUNT_ID"):
        del shell.variables[name]
    refused = await shell.bellrock("login", "--url", dev.url, said="cu_wrong\n")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    done = await shell.bellrock("login", "--url", dev.url, said=dev.credentials["api_key"] + "\n")
    assert done.returncode == 0, done.stderr
    stored = shell.folder / ".config" / "bellrock" / "credentials.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert dev.credentials["account_id"] in await shell.must("whoami")
    assert dev.credentials["api_key"] not in done.stdout


async def test_without_a_key_the_ways_to_give_one_are_listed(shell: Shell) -> None:
    done = await shell.bellrock("whoami", BELLROCK_API_KEY="")
    assert done.returncode == 1
    assert "bellrock login" in done.stderr


async def test_a_server_that_is_not_there_is_said_in_one_line(shell: Shell) -> None:
    done = await shell.bellrock("whoami", BELLROCK_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


async def test_keys_are_created_with_a_role_that_holds_and_revoked(shell: Shell) -> None:
    secret = (await shell.must("keys", "create", "reader", "--role", "READ_ONLY")).split()[-1]
    assert secret.startswith("sv_")
    refused = await shell.bellrock("trigger", "--tags", "sums", BELLROCK_API_KEY=secret)
    assert refused.returncode == 1
    assert "READ_ONLY" in refused.stderr
    listed = next(line for line in (await shell.must("keys", "list")).splitlines() if " reader " in line)
    await shell.must("keys", "revoke", listed.split()[0])
    assert (await shell.bellrock("checks", "list", BELLROCK_API_KEY=secret)).returncode == 1


# ------------------------------------------------------------------------------------- projects


async def test_a_project_that_is_right_is_valid_and_one_that_is_not_names_line_and_field(
    shell: Shell,
) -> None:
    await shell.must("validate")
    wrong = PROJECT.replace("playwright.config.js", "nowhere.config.js")
    (shell.folder / "bellrock.yaml").write_text(wrong)
    done = await shell.bellrock("validate")
    assert done.returncode == 1
    assert "nowhere.config.js" in done.stderr
    (shell.folder / "bellrock.yaml").write_text(PROJECT.replace("tags: [sums]", "tagz: [sums]"))
    done = await shell.bellrock("validate")
    assert done.returncode == 1
    assert re.search(r"bellrock\.yaml:10\b.*tagz", done.stderr)


async def test_a_suite_without_a_lock_file_is_refused_before_anything_is_sent(shell: Shell) -> None:
    (shell.folder / "package-lock.json").unlink()
    done = await shell.bellrock("deploy", "--force")
    assert done.returncode == 1
    assert "lock file" in done.stderr


async def test_the_published_schema_is_the_one_of_this_version(shell: Shell) -> None:
    published = json.loads(Path("docs/bellrock.schema.json").read_text())
    assert json.loads(await shell.must("schema")) == published


async def test_a_preview_changes_nothing_and_a_second_deploy_has_nothing_to_change(shell: Shell) -> None:
    own = (
        PROJECT.replace("id: sums", "id: previewed")
        .replace("tags: [sums]", "tags: []")
        .replace("Sums suite", "Previewed suite")
    )
    (shell.folder / "bellrock.yaml").write_text(own)
    assert "+ create check" in await shell.must("deploy", "--preview")
    assert "Previewed suite" not in await shell.must("checks", "list")
    first = await shell.must("deploy", "--force")
    assert "First session of Previewed suite" in first
    listed = await shell.must("checks", "list", "--search", "Previewed")
    check_id = next(line for line in listed.splitlines() if "Previewed suite" in line).split()[0]
    assert LOCATION in await shell.must("checks", "get", check_id)
    assert "nothing changes" in await shell.must("deploy", "--preview")
    (shell.folder / "bellrock.yaml").write_text(own.replace("Previewed suite", "Renamed suite"))
    unconfirmed = await shell.bellrock("deploy")
    assert unconfirmed.returncode == 2
    assert "--force" in unconfirmed.stderr


# ----------------------------------------------------------------------------------- running


async def test_a_suite_that_passes_exits_0_and_one_that_fails_exits_1_with_the_error(shell: Shell) -> None:
    passed = await shell.must("test")
    assert "1 passed, 1 total" in passed
    failed = await shell.must("test", *FAILING, code=1)
    assert "subtracts" in failed
    assert "Expected: 3" in failed
    assert "1 failed, 1 total" in failed


async def test_a_failing_suite_is_read_by_machines_as_json_junit_and_github(shell: Shell) -> None:
    reports = ("--reporter", "json", "--reporter", "junit", "--reporter", "github", "--output", "out")
    done = await shell.bellrock(
        "test", *FAILING, *reports, GITHUB_STEP_SUMMARY=str(shell.folder / "summary.md")
    )
    assert done.returncode == 1
    document: Any = json.loads((shell.folder / "out" / "bellrock.json").read_text())
    assert (document["session"]["status"], document["hasFailures"]) == ("FAILED", True)
    assert {test["title"][-1]: test["status"] for test in document["runs"][0]["tests"]} == {
        "adds up": "passed",
        "subtracts": "failed",
    }
    junit = ET.parse(shell.folder / "out" / "bellrock.xml").getroot()
    assert (junit.get("tests"), junit.get("failures"), junit.get("errors")) == ("2", "1", "0")
    (failure,) = junit.iter("failure")
    assert "Expected: 3" in (failure.text or "")
    (annotation,) = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert "file=sums.spec.js,line=" in annotation
    assert "❌ failed" in (shell.folder / "summary.md").read_text()


async def test_reports_on_standard_output_are_alone_there(shell: Shell) -> None:
    done = await shell.bellrock("test", "--reporter", "list", "--reporter", "json")
    assert json.loads(done.stdout)["session"]["status"] == "PASSED"
    assert "adds up" in done.stderr


async def test_dots_are_one_sign_a_test(shell: Shell) -> None:
    assert "·F" in await shell.must("test", *FAILING, "--reporter", "dot", code=1)


async def test_only_the_checks_meant_are_run_and_it_is_an_error_to_mean_none(shell: Shell) -> None:
    assert (await shell.must("test", "--list", "--tags", "sums")).split()[0] == "sums"
    none = await shell.bellrock("test", "--tags", "other")
    assert none.returncode == 1
    assert "sums" in none.stderr
    assert (await shell.bellrock("trigger", "--tags", "no-such-tag")).returncode == 1
    assert (
        await shell.bellrock("trigger", "--tags", "no-such-tag", "--no-fail-on-no-matching")
    ).returncode == 0


@pytest.mark.parametrize("reporter", ["json", "junit", "github"])
async def test_detach_refuses_reporters_that_need_results(shell: Shell, reporter: str) -> None:
    done = await shell.bellrock("test", "--detach", "--reporter", reporter)
    assert done.returncode == 1
    assert reporter in done.stderr


async def test_a_project_is_destroyed_once_somebody_confirms(shell: Shell) -> None:
    await shell.deploy()
    assert "- delete check sums" in await shell.must("destroy", "--preview")
    refused = await shell.bellrock("destroy")
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)
    assert "Destroyed." in await shell.must("destroy", "--force")
    assert "nothing changes" in await shell.must("destroy", "--force")
    assert "No checks." in await shell.must("checks", "list", "--tag", "sums")


async def test_deployed_checks_are_written_into_a_project_file_that_is_valid(shell: Shell) -> None:
    await shell.deploy()
    said = await shell.must("import-checks", "--tag", "sums", "--folder", "again", "--project", "again")
    assert "again/bellrock.yaml: 1 check." in said
    written = (shell.folder / "again" / "bellrock.yaml").read_text()
    assert "npx playwright test --config playwright.config.js" in written
    assert "EXPECTED: '2'" in written
    refused = await shell.bellrock("import-checks", "--tag", "sums", "--folder", "again")
    assert (refused.returncode, "would be overwritten" in refused.stderr) == (1, True)
    for name in ("package.json", "package-lock.json", "playwright.config.js", "sums.spec.js"):
        shutil.copy(shell.folder / name, shell.folder / "again")
    assert "is valid: 1 check" in await shell.must("validate", "--config", "again/bellrock.yaml")


async def test_trigger_runs_what_is_deployed(shell: Shell) -> None:
    await shell.deploy()
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "sums")
    assert "1 failed, 1 total" in await shell.must("trigger", "--tags", "sums", *FAILING, code=1)


async def test_pw_test_passes_playwrights_own_arguments_on(shell: Shell) -> None:
    words = ("pw-test", "-e", "EXPECTED=3", "--", "--grep", "adds up")
    assert "1 passed, 1 total" in await shell.must(*words)
    refused = await shell.bellrock("pw-test", "--", "--reporter", "html")
    assert refused.returncode == 1
    assert "--reporter" in refused.stderr


async def test_an_unknown_location_is_refused_and_names_what_is_known(shell: Shell) -> None:
    done = await shell.bellrock("test", "--location", "atlantis")
    assert done.returncode == 1
    assert "atlantis" in done.stderr
    assert LOCATION in done.stderr


async def test_a_session_is_cancelled_listed_and_shown_with_its_receipt(shell: Shell) -> None:
    (shell.folder / "sums.spec.js").write_text(
        "require('@playwright/test').test('waits', () => new Promise(r => setTimeout(r, 60000)));"
    )
    started = await shell.must("test", "--detach", "--session-name", "Waits and waits")
    match = re.search(r"Session ([0-9a-f-]{36})", started)
    assert match
    session_id = match[1]
    await shell.must("sessions", "cancel", session_id)
    assert "cancelled" in await shell.must("sessions", "watch", session_id)
    assert session_id in await shell.must("sessions", "list", "--status", "cancelled")
    shown = await shell.must("sessions", "get", session_id)
    assert "0 processes left" in shown or "never reached a runner" in shown
    document = json.loads(await shell.must("sessions", "get", session_id, "--output", "json"))
    assert document["runs"][0]["receipt"]["requestedBy"]["via"] == "CLI"


async def test_checks_run_exits_1_where_a_session_fails_or_is_cancelled(shell: Shell) -> None:
    """C32."""
    await shell.deploy()
    assert "Sums suite: PASSED" in await shell.must("checks", "run", "--tags", "sums")
    (shell.folder / "bellrock.yaml").write_text(PROJECT.replace('EXPECTED: "2"', 'EXPECTED: "3"'))
    await shell.deploy()
    assert "Sums suite: FAILED" in await shell.must("checks", "run", "--tags", "sums", code=1)


async def test_a_suite_of_pytest_is_tested_deployed_and_cancelled_like_any_other(
    dev: DevServer, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLES / "pytest-suite", tmp_path / "suite")
    shell = Shell(dev, tmp_path / "suite")
    assert "5 passed" in (tested := await shell.must("test")), tested
    assert "1 passed, 1 total" in tested
    await shell.deploy()
    assert "Guest book: PASSED" in await shell.must("checks", "run", "--tags", "example")
    (shell.folder / "tests" / "test_guest_book.py").write_text(
        "def test_waits(page): page.get_by_role('button').click(timeout=60_000)"
    )
    match = re.search(r"Session ([0-9a-f-]{36})", await shell.must("test", "--detach"))
    assert match
    await shell.must("sessions", "cancel", match[1])
    assert "cancelled" in await shell.must("sessions", "watch", match[1])
    shown = await shell.must("sessions", "get", match[1])
    assert "0 processes left" in shown or "never reached a runner" in shown
