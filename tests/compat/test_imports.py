"""Things that an account has become code of a project, by the `checkly` command."""

import pytest

from tests.compat.checkly_rig import CONFIG, Shell, Site
from tests.system.dev_server import LOCATION
from tests.system.terminal import exit_code

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]


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
