"""The published `checkly` command, unchanged, against a Bellrock server: real suites in real Chromium."""

import asyncio
import os
import platform
import random
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import pytest

from tests.compat.checkly_rig import COMMAND_S, CONFIG, HERE, NEWEST, Shell, Site
from tests.system.dev_server import BELLROCK, LOCATION, until
from tests.system.terminal import Terminal, exit_code

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]

OF_BOTH_GENERATIONS = pytest.mark.parametrize("installed", ["8.2.0", NEWEST], indirect=True, scope="module")
# It wants a newer Node than ours, and brings it from the registry.
OF_THE_NEXT = pytest.mark.parametrize("installed", ["9.5.0"], indirect=True, scope="module")
A_PERSONS_PAUSE_S = 0.3  # closer presses count as one
CUTS = int(os.environ.get("BELLROCK_TEST_CUTS", "1"))
ENDLESS = """
import { test } from '@playwright/test';
test('first', async () => {});
test('waits', async ({ page }) => {
  await page.goto(SITE);
  await page.waitForTimeout(120_000);
});
"""
MONITOR = """
const { UrlMonitor, UrlAssertionBuilder } = require('checkly/constructs');
new UrlMonitor('front', {
  name: 'Front page', activated: true, maxResponseTime: 30000, degradedResponseTime: 30000,
  request: { url: '%s', assertions: [UrlAssertionBuilder.statusCode().equals(200)] },
});
"""

SNAPSHOT_CHECK = """
const { BrowserCheck } = require('checkly/constructs');
new BrowserCheck('home', { name: 'Home', code: { entrypoint: './home.spec.ts' } });
"""
SNAPSHOT_SPEC = """
import { test, expect } from '@playwright/test';
test('looks as ever', async ({ page }) => {
  await page.setContent('<body style="background: %s">');
  await expect(page).toHaveScreenshot('home.png');
});
"""
BESIDE = """
import { test, expect } from '@playwright/test';
import { greeting } from './greeting';
test('greets', async () => { expect(greeting()).toBe('of-the-group'); });
"""
SIGNED = """
const { ApiCheck, AssertionBuilder } = require('checkly/constructs');
new ApiCheck('signed', {
  name: 'Signed', activated: true, tags: ['signed'],
  setupScript: { entrypoint: './sign-in.ts' }, tearDownScript: { entrypoint: './sign-out.ts' },
  request: { method: 'GET', url: '%s', assertions: [AssertionBuilder.textBody().equals('for-ada, ok')] },
});
"""
SIGN_IN = """
import { token } from './lib/token';
declare const request: { queryParameters: Record<string, string> };
request.queryParameters.token = await token('ada');
"""
TOKEN = """
export const token = async (who: string): Promise<string> => `for-${who}`;
"""
SIGN_OUT = """
import { token } from './lib/token';
response.body = `${await token('ada')}, ${response.body}`;
"""
KEPT = """
const { EmailAlertChannel, StatusPage, StatusPageService } = require('checkly/constructs');
new EmailAlertChannel('mail', { address: 'ops@shop.test' });
const service = new StatusPageService('web', { name: 'Web' });
new StatusPage('page', { name: 'How we do', url: 'how-we', cards: [{ name: 'All', services: [service] }] });
"""
READ = {
    "checks": "Front page",
    "a suite": "Shop suite",
    "a result": "200",
    "figures": "Front page",
    "assets": "log",
    "channels": "ops@shop.test",
    "a channel": "ops@shop.test",
    "pages": "How we do",
    "a page": "Web",
    "members": "@members.invalid",
    "a plan": "Playwright",
}
"""Commands that read, and a word that each says."""
EVERY_TYPE = HERE / "every_type.check.js"


@dataclass
class Wire:
    """A way to the server that can be cut."""

    target: str
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    async def connected(self) -> None:
        self.news.clear()
        await asyncio.wait_for(self.news.wait(), COMMAND_S)

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        there, back = await asyncio.open_connection(address.hostname, address.port)
        self.connections += 1
        self.open |= {writer, back}
        self.news.set()
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self.open -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def test_it_knows_who_it_is_and_finds_the_project_valid(shell: Shell) -> None:
    assert "Bellrock" in await shell.must("whoami")
    assert "valid" in await shell.must("validate")


async def test_test_runs_the_suite_and_says_how_it_ended(shell: Shell) -> None:
    said = await shell.must("test")
    assert "Shop suite" in said
    assert "1 passed, 1 total" in said
    failed = await shell.must("test", "-e", "EXPECTED=5", code=1)
    assert "1 failed, 1 total" in failed
    assert "adds up" in failed


async def test_an_unrecorded_test_ends_too(shell: Shell) -> None:
    assert "1 passed, 1 total" in await shell.must("test", "--no-record")


async def test_pw_test_prints_what_the_suite_prints(shell: Shell) -> None:
    said = await shell.must("pw-test", "--", "--grep", "adds")
    assert "printed by the suite" in said
    assert "1 passed" in said


@OF_BOTH_GENERATIONS
async def test_a_project_is_tried_deployed_triggered_and_destroyed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    assert "1 passed, 1 total" in await shell.must("test", "front.check")
    preview = await shell.must("deploy", "--preview")
    assert "shop-suite" in preview
    assert "front" in preview
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    again = await shell.must("deploy", "--preview")
    assert "shop-suite" not in again
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "shop")
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


async def test_checks_of_every_type_are_told_as_they_ended_and_deployed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/all.check.js", EVERY_TYPE.read_text())
    shell.variables["SITE_URL"] = site.url
    said = await shell.must("test", "--reporter=ci", code=1)
    ended = {mark[2]: mark[1] for mark in re.finditer(r"^  ([✔✖]) (\w[\w ]*) \(", said, re.MULTILINE)}
    assert ended == {
        "Url": "✔",
        "Api": "✖",
        "Down": "✖",
        "Tcp": "✖",
        "Dns": "✖",
        "Icmp": "✔",
        "Browser": "✖",
        "Steps": "✔",
        "Shop suite": "✔",
    }
    assert 'status code equals target "418". Received: 200.' in said
    assert "No connection could be made" in said
    assert "refused the connection" in said
    assert "5 failed, 4 passed, 9 total" in said
    deployed = await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert f"{shell.dev.url}/ping/" in deployed
    assert "Create" not in await shell.must("deploy", "--preview")
    await shell.must("destroy", "--force")


async def test_snapshots_are_made_by_a_run_and_compared_with_by_the_next(shell: Shell) -> None:
    shell.write("checkly.config.js", CONFIG.replace("'**/__checks__/*.check.js'", "'**/*.check.js'"))
    shell.write("home.check.js", SNAPSHOT_CHECK)
    shell.write("home.spec.ts", SNAPSHOT_SPEC % "green")
    assert "1 passed, 1 total" in await shell.must("test", "-u", "--no-record", "home.check.js")
    (picture,) = (shell.folder / "home.spec.ts-snapshots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    shell.write("home.spec.ts", SNAPSHOT_SPEC % "red")
    assert "are different" in await shell.must("test", "home.check.js", code=1)


async def test_snapshots_of_a_suite_are_written_back_into_the_project(shell: Shell) -> None:
    shell.write("tests/looks.spec.ts", SNAPSHOT_SPEC % "green")
    assert "1 passed, 1 total" in await shell.must("test", "-u", "--no-record")
    (picture,) = (shell.folder / "tests/looks.spec.ts-snapshots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "1 passed, 1 total" in await shell.must("test")
    shell.write("tests/looks.spec.ts", SNAPSHOT_SPEC % "red")
    assert "are different" in await shell.must("test", code=1)


async def test_a_group_and_shared_files_hold_before_a_deploy_and_after_it(shell: Shell, site: Site) -> None:
    shell.write("__checks__/grouped.check.js", (HERE / "grouped.check.js").read_text())
    shell.write("__checks__/beside.spec.js", BESIDE)
    shell.write("__checks__/greeting.js", "exports.greeting = () => process.env.PLACE;")
    shell.variables["SITE_URL"] = site.url
    assert "2 passed, 2 total" in await shell.must("test", "grouped.check")
    assert "/of-the-group" in site.asked
    new = {"team", "mail", "beside"}
    preview = await shell.must("deploy", "--preview")
    assert {word for word in new if word in preview} == new
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    again = await shell.must("deploy", "--preview")
    assert not {word for word in new if word in again}
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "beside")
    await shell.must("destroy", "--force")


async def test_setup_and_teardown_scripts_bring_what_they_import(shell: Shell, site: Site) -> None:
    shell.write("__checks__/signed.check.js", SIGNED % site.url)
    shell.write("__checks__/sign-in.ts", SIGN_IN)
    shell.write("__checks__/lib/token.ts", TOKEN)
    shell.write("__checks__/sign-out.ts", SIGN_OUT)
    assert "1 passed, 1 total" in await shell.must("test", "signed.check")
    assert site.asked == ["/?token=for-ada"]
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert "Signed" not in await shell.must("deploy", "--preview")
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "signed")
    assert site.asked == ["/?token=for-ada"] * 2
    await shell.must("destroy", "--force")


async def test_what_an_account_has_is_listed_read_run_and_removed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    shell.write("__checks__/kept.check.js", KEPT)
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    ids = {each["name"]: each["id"] for each in await shell.dev.call("GET", "/v1/checks")}
    suite, front = ids["Shop suite"], ids["Front page"]
    assert "PASSED" in (await shell.must("checks", "run", "--check-id", f"{suite},{front}")).upper()
    result = (await shell.dev.call("GET", f"/v1/check-results/{suite}"))[0]["id"]
    of_result = ("--check-id", suite, "--result-id", result)
    (channel,) = await shell.dev.call("GET", "/v1/alert-channels")
    (page,) = (await shell.dev.call("GET", "/v1/status-pages"))["entries"]
    said = dict(
        zip(
            READ,
            await asyncio.gather(
                shell.must("checks", "list"),
                shell.must("checks", "get", suite),
                shell.must("checks", "get", front, "--result", await newest_result(shell, front)),
                shell.must("checks", "stats"),
                shell.must("assets", "list", *of_result),
                shell.must("alert-channels", "list"),
                shell.must("alert-channels", "get", str(channel["id"])),
                shell.must("status-pages", "list"),
                shell.must("status-pages", "get", page["id"]),
                shell.must("members", "--output", "json"),
                shell.must("account", "plan", "--output", "json"),
            ),
            strict=True,
        )
    )
    assert {what for what, word in READ.items() if word not in said[what]} == set(), said
    await shell.must("assets", "download", *of_result, "--dir", "kept", "--type", "log")
    assert any(each.stat().st_size for each in (shell.folder / "kept").rglob("*") if each.is_file())
    await shell.must("incidents", "create", "--status-page-id", page["id"], "--title", "Slow", "--force")
    (incident,) = (await shell.dev.call("GET", "/v1/status-pages/incidents"))["entries"]
    assert "Slow" in await shell.must("incidents", "list")
    await shell.must("incidents", "resolve", incident["id"], "--force")
    await shell.must("checks", "delete", front, "--force")
    assert [each["id"] for each in await shell.dev.call("GET", "/v1/checks")] == [suite]
    await shell.must("destroy", "--force")


async def newest_result(shell: Shell, check_id: str) -> str:
    return str((await shell.dev.call("GET", f"/v1/check-results/{check_id}"))[0]["id"])


async def test_results_are_reported_for_machines_and_a_detached_session_goes_on(
    shell: Shell, site: Site
) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    said = await shell.must("test", "front.check", "--reporter=json", "--retries", "1")
    assert "1 passed" in said
    assert "Front page" in (shell.folder / "checkly-json-report.json").read_text()
    await shell.must("test", "front.check", "--reporter=github")
    assert "Front page" in (shell.folder / "checkly-github-report.md").read_text()
    assert "1 passed, 1 total" in await shell.must("test", "front.check", "--reporter=dot")
    await shell.must("test", "--detach")
    sessions = await shell.dev.call("GET", "/v1/test-sessions?limit=1")
    session_id = sessions["entries"][0]["id"]
    assert "passed" in await shell.must("test-sessions", "get", session_id, "--watch")


async def test_the_error_of_a_failed_session_is_told_and_finds_the_sessions_that_had_it(
    shell: Shell, site: Site
) -> None:
    failing = (MONITOR % site.url).replace("equals(200)", "equals(418)")
    shell.write("__checks__/front.check.js", failing)
    await shell.must("test", "front.check", code=1)
    (group, *_) = await shell.dev.call("GET", "/v1/test-session-error-groups")
    (session,) = (await shell.dev.call("GET", f"/v1/test-sessions?errorGroupId={group['id']}"))["entries"]
    assert group["id"] in await shell.must("test-sessions", "get", session["id"])
    told = await shell.must("test-sessions", "get", session["id"], "--error-group", group["id"])
    assert "418" in told
    listed = await shell.must("test-sessions", "list", "--error-group", group["id"], "--output", "json")
    assert session["id"] in listed


async def test_variables_are_added_changed_listed_and_removed(shell: Shell) -> None:
    await shell.must("env", "add", "GREETING", "hello")
    assert "GREETING=hello" in await shell.must("env", "ls")
    await shell.must("env", "update", "GREETING", "bye")
    await shell.must("env", "pull", "--force")
    assert "GREETING=bye" in (shell.folder / ".env").read_text()
    await shell.must("env", "rm", "GREETING", "--force")
    assert "GREETING" not in await shell.must("env", "ls")


async def test_a_connection_for_events_that_is_cut_loses_no_result(shell: Shell) -> None:
    async with Wire(shell.dev.url) as wire:
        shell.variables["CHECKLY_EVENTS_URL"] = wire.url
        for _ in range(CUTS):
            command = asyncio.create_task(shell.must("test", "--no-record"))
            await wire.connected()
            await asyncio.sleep(random.uniform(0, 2))
            wire.cut()
            assert "1 passed, 1 total" in await command
        assert wire.connections > CUTS  # it came back each time that it still had to


@pytest.mark.parametrize("command", ["test", "pw-test", "trigger"])
async def test_ctrl_c_cancels_the_suite_and_lets_other_checks_end(
    shell: Shell, site: Site, command: str
) -> None:
    terminal = await in_the_middle(shell, site, command)
    terminal.sendintr()
    terminal.expect("Cancelling")
    terminal.expect("1 cancelled")
    assert exit_code(terminal) == 0
    assert await status_of_the_last_session(shell) == "CANCELLED"
    assert site.asked.count("/suite") == 1
    await shell.must("destroy", "--force")


async def test_a_second_ctrl_c_leaves_at_once_and_the_session_is_cancelled(shell: Shell, site: Site) -> None:
    terminal = await in_the_middle(shell, site, "test")
    terminal.sendintr()
    terminal.expect("Cancelling")
    await asyncio.sleep(A_PERSONS_PAUSE_S)
    terminal.sendintr()
    assert exit_code(terminal) == 1
    session = (await shell.dev.call("GET", "/v1/test-sessions?limit=1"))["entries"][0]
    await shell.dev.call("GET", f"/v1/test-sessions/{session['id']}/completion?maxWaitSeconds=30")
    assert await status_of_the_last_session(shell) == "CANCELLED"


async def in_the_middle(shell: Shell, site: Site, command: str) -> Terminal:
    """The command in a terminal, in the middle of a suite's second test; beside a monitor in `test`."""
    shell.write("tests/shop.spec.ts", ENDLESS.replace("SITE", repr(f"{site.url}suite")))
    words = [command]
    if command == "test":
        shell.write("__checks__/front.check.js", MONITOR % f"{site.url}monitor")
    if command == "trigger":
        await shell.must("deploy", "--force", "--no-schedule-on-deploy")
        words += ["--tags", "shop"]
    terminal = shell.in_terminal(*words)
    await until(lambda: "/suite" in site.asked, timeout_s=60, what="the second test begins")
    return terminal


async def status_of_the_last_session(shell: Shell) -> str:
    sessions = await shell.dev.call("GET", "/v1/test-sessions?limit=1")
    return str(sessions["entries"][0]["status"])


async def test_a_check_of_the_account_is_imported_changed_and_committed(shell: Shell, site: Site) -> None:
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    body = {"name": "By hand", "request": {"url": site.url}, "locations": [LOCATION], "doubleCheck": False}
    made = await shell.dev.call("POST", "/v1/checks/url", json=body)
    terminal = shell.in_terminal("import", "plan", f"check:{made['id']}", "--root", "__checks__")
    terminal.expect("apply the plan now")
    terminal.send("n")
    assert exit_code(terminal) == 0
    (plan,) = await shell.dev.call("GET", "/next/projects/shop/imports")
    code = next((shell.folder / "__checks__").rglob("by-hand.check.ts"))
    await shell.must("import", "apply", "--plan-id", plan["id"], "--no-commit")
    shell.write("checkly.config.js", CONFIG.replace("*.check.js", "**/*.check.ts"))
    assert "by-hand" not in await shell.must("deploy", "--preview")
    code.write_text(code.read_text().replace("By hand", "By code"))
    preview = await shell.must("deploy", "--preview")
    assert "Create" not in preview
    assert "by-hand" in preview
    await shell.must("import", "commit", "--plan-id", plan["id"], "--force")
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


async def test_groups_and_what_they_are_tied_to_are_imported_with_their_checks(
    shell: Shell, site: Site
) -> None:
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    call = shell.dev.call
    lab = await call("POST", "/v1/private-locations", json={"name": "Lab", "slugName": "compat-lab"})
    mail = {"type": "EMAIL", "config": {"address": "ops@shop.test"}}
    channel = await call("POST", "/v1/alert-channels", json=mail)
    heard = [{"alertChannelId": channel["id"], "activated": True}]
    said = {"name": "Team", "privateLocations": ["compat-lab"], "alertChannelSubscriptions": heard}
    team = await call("POST", "/v2/check-groups", json={**said, "tags": ["team"]})
    front = {"name": "By hand", "request": {"url": site.url}, "locations": [LOCATION], "doubleCheck": False}
    check = await call("POST", "/v1/checks/url", json={**front, "groupId": team["id"]})
    web = await call("POST", "/v1/status-pages/services", json={"name": "Web"})
    cards = [{"name": "All", "services": [{"id": web["id"]}]}]
    page = {"name": "How we do", "url": "compat-imported", "cards": cards}
    page = await call("POST", "/v1/status-pages", json=page)
    things = {
        "private-location": lab,
        "alert-channel": channel,
        "check-group": team,
        "check": check,
        "status-page-service": web,
        "status-page": page,
    }
    named = [f"{type_}:{thing['id']}" for type_, thing in things.items()]
    terminal = shell.in_terminal("import", "plan", *named, "--root", "__checks__")
    terminal.expect("apply the plan now")
    terminal.send("n")
    assert exit_code(terminal) == 0
    (plan,) = await call("GET", "/next/projects/shop/imports")
    await shell.must("import", "apply", "--plan-id", plan["id"], "--no-commit")
    shell.write("checkly.config.js", CONFIG.replace("*.check.js", "**/*.check.ts"))
    preview = await shell.must("deploy", "--preview")
    assert not {word for word in ("Team", "compat-lab", "By hand") if word in preview}, preview
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert (await call("GET", f"/v1/checks/{check['id']}"))["groupId"] == team["id"]
    assert len(await call("GET", "/v1/check-groups")) == 1
    await shell.must("import", "commit", "--plan-id", plan["id"], "--force")
    await shell.must("destroy", "--force")
    for path in ("/v1/checks", "/v1/check-groups", "/v1/private-locations", "/v1/alert-channels"):
        assert await call("GET", path) == []


@OF_THE_NEXT
@pytest.mark.skipif(platform.machine() != "x86_64", reason="its Node is one for x64")
async def test_the_next_generation_tests_deploys_triggers_and_destroys(shell: Shell, site: Site) -> None:
    assert "Bellrock" in await shell.must("whoami")
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    # In a repository each resource says which file it comes from.
    await asyncio.to_thread(subprocess.run, ["git", "init", "--quiet"], cwd=shell.folder, check=True)
    assert "2 passed, 2 total" in await shell.must("test")
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert "front" not in await shell.must("deploy", "--preview")
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "shop")
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


async def test_bellrock_checkly_is_the_projects_own_command_led_here(shell: Shell) -> None:
    environment = shell.dev.environment(shell.folder)
    whoami = await asyncio.create_subprocess_exec(
        *(BELLROCK, "checkly", "--", "whoami"),
        cwd=shell.folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(whoami.communicate(), COMMAND_S)
    assert whoami.returncode == 0
    assert re.search("account .?Bellrock", said.decode())
