"""Files that the `checkly` command brings along with a check, and those that it takes home."""

import pytest

from tests.compat.checkly_rig import Shell, Site
from tests.compat.test_checkly import SNAPSHOT_SPEC

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]

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


async def test_snapshots_of_a_suite_are_written_back_into_the_project(shell: Shell) -> None:
    shell.write("tests/looks.spec.ts", SNAPSHOT_SPEC % "green")
    assert "1 passed, 1 total" in await shell.must("test", "-u", "--no-record")
    (picture,) = (shell.folder / "tests/looks.spec.ts-snapshots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "1 passed, 1 total" in await shell.must("test")
    shell.write("tests/looks.spec.ts", SNAPSHOT_SPEC % "red")
    assert "are different" in await shell.must("test", code=1)


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
