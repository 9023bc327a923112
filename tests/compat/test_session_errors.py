"""Errors of test sessions, as the `checkly` command tells them."""

import pytest

from tests.compat.checkly_rig import MONITOR, Shell, Site

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]


async def test_the_error_of_a_failed_session_is_told_and_finds_the_sessions_that_had_it(
    shell: Shell, site: Site
) -> None:
    # An error that no other test of the same project makes.
    failing = (MONITOR % site.url).replace("equals(200)", "equals(417)")
    shell.write("__checks__/front.check.js", failing)
    await shell.must("test", "front.check", code=1)
    (group, *_) = await shell.dev.call("GET", "/v1/test-session-error-groups")
    (session,) = (await shell.dev.call("GET", f"/v1/test-sessions?errorGroupId={group['id']}"))["entries"]
    assert group["id"] in await shell.must("test-sessions", "get", session["id"])
    told = await shell.must("test-sessions", "get", session["id"], "--error-group", group["id"])
    assert "417" in told
    listed = await shell.must("test-sessions", "list", "--error-group", group["id"], "--output", "json")
    assert session["id"] in listed
