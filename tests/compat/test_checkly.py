"""The published `checkly` command, unchanged, against a Bellrock server: projects and their runs."""

import asyncio
import re
import subprocess

import pytest

from tests.compat.checkly_rig import (
    COMMAND_S,
    CONFIG,
    HERE,
    MONITOR,
    SPEC_WITH_A_PAGE,
    Shell,
    Site,
    last_sessions,
)
from tests.compat.versions import COMMANDS, LEFT_OUT, NEXT, OLDEST, USUAL, commands_of, with_versions
from tests.system.dev_server import BELLROCK

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]

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
GONE = """
const { ApiCheck } = require('checkly/constructs');
new ApiCheck('gone', {
  name: 'Gone', activated: true, request: { method: 'GET', url: 'http://127.0.0.1:9/' },
});
"""
PAGE_OF_COMPONENTS = """
const { StatusPageV3, StatusPageV3AutomationRule, StatusPageV3Component } = require('checkly/constructs');
const statusPage = new StatusPageV3('components-page', { name: 'How we do', url: 'how-we-do-now' });
const component = new StatusPageV3Component('cart', { statusPage, name: 'Cart', displayOrder: 1 });
new StatusPageV3AutomationRule('rule', {
  statusPage, name: 'Cart is down', firstUpdate: 'We look.', lastUpdate: 'All is well.', tags: ['shop'],
  components: [{ component, targetImpact: 'MAJOR_OUTAGE' }],
});
"""
EVERY_TYPE = HERE / "every_type.check.js"


@with_versions(OLDEST, USUAL, NEXT)
async def test_a_command_is_left_out_only_where_its_version_does_not_have_it(shell: Shell) -> None:
    known = commands_of(shell.program.parents[2])
    assert COMMANDS - known == LEFT_OUT[shell.version]


@with_versions(USUAL, NEXT)
async def test_it_knows_who_it_is_and_a_project_is_valid_and_lists_its_checks(
    shell: Shell, site: Site
) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    who, valid, runtimes, listed, listed_by_tag = await asyncio.gather(
        shell.must("whoami"),
        shell.must("validate"),
        shell.must("runtimes"),
        shell.must("test", "--list"),
        shell.must("test", "--list", "--tags", "absent"),
    )
    assert "Bellrock" in who
    assert "valid" in valid
    assert "@playwright/test" in runtimes
    assert {name for name in ("Shop suite", "Front page") if name in listed} == {"Shop suite", "Front page"}
    assert "Shop suite" not in listed_by_tag
    assert site.asked == []
    if shell.has("account usage summary"):
        not_built = await shell.must("account", "usage", "summary", code=1)
        assert "is not part of this version of Bellrock yet" in not_built


@with_versions(USUAL)
async def test_a_suite_in_a_browser_is_told_by_every_reporter_as_it_ended(shell: Shell) -> None:
    shell.write("tests/shop.spec.ts", SPEC_WITH_A_PAGE)
    passed, failed, unrecorded, streamed = await asyncio.gather(
        shell.must("test", "--reporter=list"),
        shell.must("test", "--reporter=ci", "-e", "EXPECTED=5", code=1),
        shell.must("test", "--reporter=dot", "--no-record"),
        shell.must("pw-test", "--", "--grep", "adds"),
    )
    assert "Shop suite" in passed
    assert "1 passed, 1 total" in passed
    assert "1 failed, 1 total" in failed
    assert "adds up" in failed
    assert "1 passed, 1 total" in unrecorded
    assert "/sessions/" not in unrecorded
    assert "printed by the suite" in streamed
    assert "1 passed" in streamed


@with_versions(USUAL)
async def test_results_are_reported_for_machines_and_a_failed_one_is_tried_again(
    shell: Shell, site: Site
) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    shell.write("__checks__/gone.check.js", GONE)
    said, _, dots, retried = await asyncio.gather(
        shell.must("test", "front.check", "--reporter=json"),
        shell.must("test", "front.check", "--reporter=github"),
        shell.must("test", "front.check", "--reporter=dot"),
        shell.must("test", "gone.check", "--reporter=ci", "--retries", "1", code=1),
    )
    assert "1 passed" in said
    assert "Front page" in (shell.folder / "checkly-json-report.json").read_text()
    assert "Front page" in (shell.folder / "checkly-github-report.md").read_text()
    assert "1 passed, 1 total" in dots
    assert "↺ Gone" in retried
    assert "1 failed, 1 total" in retried


@with_versions(USUAL)
async def test_a_detached_session_goes_on_and_is_watched_to_its_end(shell: Shell) -> None:
    # Before 8.6 the command stays for the end nonetheless.
    detached = await shell.must("test", "--detach")
    (session,) = await last_sessions(shell, 1)
    if shell.has("test-sessions get"):
        assert session["id"] in detached
        watched = await shell.must("test-sessions", "get", session["id"], "--watch")
        assert "passed" in watched
        assert session["id"] in await shell.must("test-sessions", "list")
    (session,) = await last_sessions(shell, 1)
    assert session["status"] == "PASSED"


@with_versions(OLDEST, NEXT)
async def test_a_project_is_tried_deployed_triggered_and_destroyed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    if shell.version == NEXT:
        shell.write("__checks__/page.check.js", PAGE_OF_COMPONENTS)
    # In a repository each resource says, to the next generation, which file it comes from.
    await asyncio.to_thread(subprocess.run, ["git", "init", "--quiet"], cwd=shell.folder, check=True)
    tried, preview = await asyncio.gather(shell.must("test"), shell.must("deploy", "--preview"))
    assert "2 passed, 2 total" in tried
    assert "shop-suite" in preview
    assert "front" in preview
    assert await shell.dev.call("GET", "/v1/checks") == []
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    again, triggered = await asyncio.gather(
        shell.must("deploy", "--preview"), shell.must("trigger", "--tags", "shop")
    )
    assert "Create" not in again
    assert "Update" not in again
    assert "No checks were detected" in again
    assert "2 passed, 2 total" in triggered
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert len(await shell.dev.call("GET", "/v1/checks")) == len(("shop-suite", "front"))
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


@with_versions(USUAL)
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


@with_versions(USUAL)
async def test_snapshots_are_made_by_a_run_and_compared_with_by_the_next(shell: Shell) -> None:
    shell.write("checkly.config.js", CONFIG.replace("'**/__checks__/*.check.js'", "'**/*.check.js'"))
    shell.write("home.check.js", SNAPSHOT_CHECK)
    shell.write("home.spec.ts", SNAPSHOT_SPEC % "green")
    assert "1 passed, 1 total" in await shell.must("test", "-u", "--no-record", "home.check.js")
    (picture,) = (shell.folder / "home.spec.ts-snapshots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    shell.write("home.spec.ts", SNAPSHOT_SPEC % "red")
    assert "are different" in await shell.must("test", "home.check.js", code=1)


@with_versions(USUAL)
async def test_a_group_and_shared_files_hold_before_a_deploy_and_after_it(shell: Shell, site: Site) -> None:
    shell.write("__checks__/grouped.check.js", (HERE / "grouped.check.js").read_text())
    shell.write("__checks__/beside.spec.js", BESIDE)
    shell.write("__checks__/greeting.js", "exports.greeting = () => process.env.PLACE;")
    shell.variables["SITE_URL"] = site.url
    tried, preview = await asyncio.gather(
        shell.must("test", "grouped.check"), shell.must("deploy", "--preview")
    )
    assert "2 passed, 2 total" in tried
    assert "/of-the-group" in site.asked
    new = {"team", "mail", "beside"}
    assert {word for word in new if word in preview} == new
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    again, triggered = await asyncio.gather(
        shell.must("deploy", "--preview"), shell.must("trigger", "--tags", "beside")
    )
    assert not {word for word in new if word in again}
    assert "1 passed, 1 total" in triggered
    await shell.must("destroy", "--force")


@with_versions(USUAL)
async def test_variables_are_added_changed_listed_and_removed(shell: Shell) -> None:
    await shell.must("env", "add", "GREETING", "hello")
    assert "GREETING=hello" in await shell.must("env", "ls")
    await shell.must("env", "update", "GREETING", "bye")
    await shell.must("env", "pull", "--force")
    assert "GREETING=bye" in (shell.folder / ".env").read_text()
    await shell.must("env", "rm", "GREETING", "--force")
    assert "GREETING" not in await shell.must("env", "ls")


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
