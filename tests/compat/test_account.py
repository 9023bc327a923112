"""What an account has, through the `checkly` command: listed, read, run, changed, imported and removed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.compat.checkly_rig import CONFIG, MONITOR, Shell, Site
from tests.compat.versions import OLDEST, USUAL, with_versions
from tests.system.dev_server import LOCATION
from tests.system.terminal import exit_code

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
    with_versions(USUAL),
]

DOWN = "\x1b[B"
KEPT = """
const { EmailAlertChannel, StatusPage, StatusPageService } = require('checkly/constructs');
new EmailAlertChannel('mail', { address: 'ops@shop.test' });
const service = new StatusPageService('web', { name: 'Web' });
new StatusPage('page', { name: 'How we do', url: 'how-we', cards: [{ name: 'All', services: [service] }] });
"""
READ = {
    "checks list": "Front page",
    "checks get {suite}": "Shop suite",
    "checks get {front} --result {front_result}": "200",
    "checks stats": "Front page",
    "api /v1/checks": "Front page",
    "assets list --check-id {suite} --result-id {suite_result}": "log",
    "alert-channels list": "ops@shop.test",
    "alert-channels get {channel}": "ops@shop.test",
    "alert-channels logs {channel}": "No alert channel logs",
    "status-pages list": "How we do",
    "status-pages get {page}": "Web",
    "incidents list": "Slow",
    "members --output json": "@members.invalid",
    "account members --output json": "@members.invalid",
    "account plan --output json": "Playwright",
}
"""Commands that read, and a word that each says."""


async def test_what_an_account_has_is_listed_read_run_and_removed(shell: Shell, site: Site) -> None:
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    shell.write("__checks__/kept.check.js", KEPT)
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    ids = await ids_of_the_account(shell)
    await run_each(shell, ids)
    for name in ("suite", "front"):
        (result, *_) = await shell.dev.call("GET", f"/v1/check-results/{ids[name]}")
        ids[f"{name}_result"] = result["id"]
    await shell.must(*f"incidents create --status-page-id {ids['page']} --title Slow --force".split())
    asked = {each: each.format_map(ids).split() for each in READ if shell.has(command_of(each))}
    said = dict(
        zip(asked, await asyncio.gather(*(shell.must(*each) for each in asked.values())), strict=True)
    )
    assert {each: text for each, text in said.items() if READ[each] not in text} == {}
    if shell.has("assets download"):
        of_result = ("--check-id", ids["suite"], "--result-id", ids["suite_result"])
        await shell.must("assets", "download", *of_result, "--dir", "kept", "--type", "log")
        assert any(each.stat().st_size for each in (shell.folder / "kept").rglob("*") if each.is_file())
    await end_the_incident(shell)
    if shell.has("checks delete"):
        await shell.must("checks", "delete", ids["front"], "--force")
        assert [each["id"] for each in await shell.dev.call("GET", "/v1/checks")] == [ids["suite"]]
    await shell.must("destroy", "--force")


def command_of(line: str) -> str:
    """Its words before those that are no part of its name."""
    return " ".join(line.partition(" {")[0].partition(" -")[0].partition(" /")[0].split())


async def ids_of_the_account(shell: Shell, *, suite: str = "Shop suite") -> dict[str, str]:
    checks = {each["name"]: each["id"] for each in await shell.dev.call("GET", "/v1/checks")}
    (channel,) = await shell.dev.call("GET", "/v1/alert-channels")
    (page,) = (await shell.dev.call("GET", "/v1/status-pages"))["entries"]
    return {
        "suite": checks[suite],
        "front": checks["Front page"],
        "channel": str(channel["id"]),
        "page": page["id"],
    }


async def run_each(shell: Shell, ids: Mapping[str, str]) -> None:
    """Runs that count as the checks' own, by the command where it can."""
    checks = [ids["suite"], ids["front"]]
    if shell.has("checks run"):
        assert "PASSED" in (await shell.must("checks", "run", "--check-id", ",".join(checks))).upper()
        return
    target = {"target": {"checkId": checks}}
    started = await shell.dev.call("POST", "/v2/check-sessions/trigger", json=target)
    for each in started["sessions"]:
        await shell.dev.await_final(each["checkSessionId"], timeout_s=60)


async def end_the_incident(shell: Shell) -> None:
    incident = await last_incident(shell)
    await shell.must("incidents", "update", incident["id"], "--message", "Looking", "--force")
    await shell.must("incidents", "resolve", incident["id"], "--force")
    assert (await last_incident(shell))["lastUpdateStatus"] == "RESOLVED"


async def last_incident(shell: Shell) -> dict[str, Any]:
    """The one that was opened last: those of pages that are gone are kept."""
    incidents = (await shell.dev.call("GET", "/v1/status-pages/incidents"))["entries"]
    newest: dict[str, Any] = max(incidents, key=lambda each: str(each["created_at"]))
    return newest


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
    await settle(shell, "apply", plan["id"])
    shell.write("checkly.config.js", CONFIG.replace("*.check.js", "**/*.check.ts"))
    assert "by-hand" not in await shell.must("deploy", "--preview")
    code.write_text(code.read_text().replace("By hand", "By code"))
    preview = await shell.must("deploy", "--preview")
    assert "Create" not in preview
    assert "by-hand" in preview
    await settle(shell, "commit", plan["id"])
    await shell.must("destroy", "--force")
    assert await shell.dev.call("GET", "/v1/checks") == []


async def settle(shell: Shell, step: str, plan_id: str) -> None:
    """Apply or commit a plan; the oldest version takes no answer but from a person."""
    if shell.version != OLDEST:
        flags = {"apply": "--no-commit", "commit": "--force"}
        await shell.must("import", step, "--plan-id", plan_id, flags[step])
        return
    terminal = shell.in_terminal("import", step)
    terminal.expect(f"Which one to {step}")
    terminal.send(f"{DOWN}\r")  # the first choice is to leave
    if step == "apply":
        terminal.expect("commit the plan now")
        terminal.send("n")
    assert exit_code(terminal) == 0
