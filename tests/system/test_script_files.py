"""Setup and teardown scripts that are files and import others: compiled and run in the real sandbox."""

import tempfile
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from bellrock.domain.specs import Assertion, Dependency
from bellrock.runner.executors.http import HttpProbes, ScriptRunner
from bellrock.runner.executors.script import ScriptExecutor
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.playwright.toolkit import Toolkit
from bellrock.runner.supervisor import Mechanism, probe_isolation
from tests.support.probe_rig import ProbeRig
from tests.support.wild_server import WildServer, answers, response, serving

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

TOKENS = Dependency(
    "src/lib/tokens.ts",
    "export interface Token { value: string }\n"
    "export const token = async (name: string): Promise<Token> => ({ value: `token of ${name}` });\n",
)
SIGN_IN = """
import { token, type Token } from '../lib/tokens';
import { createHash } from 'node:crypto';

const found: Token = await token(process.env.WHO as string);
request.headers['X-Token'] = found.value;
request.headers['X-Digest'] = createHash('sha256').update(found.value).digest('hex').slice(0, 4);
"""


def toolkit_in(folder: Path, options: PlaywrightOptions | None = None) -> Toolkit:
    found = probe_isolation()
    return ScriptExecutor(options or PlaywrightOptions(), isolation=found, cache_folder=folder).toolkit


@pytest.fixture(scope="module")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Toolkit:
    return toolkit_in(tmp_path_factory.mktemp("toolkit"))


@pytest.fixture
async def rig(tmp_path: Path, toolkit: Toolkit) -> AsyncIterator[ProbeRig]:
    probes = HttpProbes(ScriptRunner(toolkit=toolkit))
    yield ProbeRig(tmp_path, probes, probe_isolation(), context={"WHO": "Ada"})
    probes.close()


@pytest.fixture
async def shop() -> AsyncIterator[WildServer]:
    async with serving(answers(response(b"hello"))) as server:
        yield server


async def test_a_typed_setup_script_imports_the_files_beside_it(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(
        f"{shop.url}/",
        setup_script=SIGN_IN,
        setup_script_path="src/checks/sign-in.ts",
        setup_dependencies=(TOKENS,),
    )
    assert ended.verdict == "PASSED", ended.printed
    (asked,) = shop.asked
    assert asked.headers["x-token"] == "token of Ada"
    assert asked.headers["x-digest"] == sha256(b"token of Ada").hexdigest()[:4]


async def test_a_typed_script_is_compiled_where_nothing_can_be_mounted(shop: WildServer) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # without mounts, a run's user must be able to reach everything
        bare = probe_isolation(forced=Mechanism.SHEPHERD)
        toolkit = ScriptExecutor(PlaywrightOptions(), isolation=bare, cache_folder=folder / "cache").toolkit
        probes = HttpProbes(ScriptRunner(toolkit=toolkit))
        ended = await ProbeRig(folder, probes, bare, context={"WHO": "Ada"}).api(
            f"{shop.url}/",
            setup_script=SIGN_IN,
            setup_script_path="src/checks/sign-in.ts",
            setup_dependencies=(TOKENS,),
        )
        probes.close()
    assert ended.verdict == "PASSED", ended.printed
    assert shop.asked[0].headers["x-token"] == "token of Ada"


async def test_a_teardown_script_has_its_own_files(rig: ProbeRig, shop: WildServer) -> None:
    upper = Dependency("src/upper.ts", "export default (text: string) => text.toUpperCase();")
    ended = await rig.api(
        f"{shop.url}/",
        setup_script=SIGN_IN,
        setup_script_path="src/checks/sign-in.ts",
        setup_dependencies=(TOKENS,),
        teardown_script="import upper from './upper.js';\nresponse.body = upper(response.body);",
        teardown_script_path="src/tidy.ts",
        teardown_dependencies=(upper,),
        assertions=(Assertion("TEXT_BODY", "EQUALS", "HELLO"),),
    )
    assert ended.verdict == "PASSED", ended.printed


async def test_a_plain_script_requires_the_files_beside_it_without_a_compiler(
    tmp_path: Path, shop: WildServer
) -> None:
    probes = HttpProbes(ScriptRunner())
    ended = await ProbeRig(tmp_path, probes, probe_isolation()).api(
        f"{shop.url}/",
        setup_script="const { page } = require('./lib/pages');\nrequest.queryParameters.page = page.number;",
        setup_script_path="setup.js",
        setup_dependencies=(
            Dependency("lib/pages.js", "exports.page = require('./page.json');"),
            Dependency("lib/page.json", '{"number": 2}'),
        ),
    )
    probes.close()
    assert ended.verdict == "PASSED", ended.printed
    assert shop.asked[0].target == "/?page=2"


async def test_an_inline_script_may_import_too(rig: ProbeRig, shop: WildServer) -> None:
    setup = "import path from 'node:path';\nrequest.headers.name = path.basename('/a/b');"
    ended = await rig.api(f"{shop.url}/", setup_script=setup)
    assert ended.verdict == "PASSED", ended.printed
    assert shop.asked[0].headers["name"] == "b"


async def test_an_error_names_the_line_of_the_file_as_it_was_written(rig: ProbeRig, shop: WildServer) -> None:
    broken = Dependency(
        "lib/broken.ts", "type A = 1;\ntype B = 2;\nexport const fail = () => nowhere.at.all;\n"
    )
    ended = await rig.api(
        f"{shop.url}/",
        setup_script="import { fail } from './lib/broken';\n\n\nfail();",
        setup_script_path="setup.ts",
        setup_dependencies=(broken,),
    )
    assert (ended.verdict, ended.code, ended.blame) == ("FAILED", "SETUP_FAILED", "check")
    assert "lib/broken.ts:3" in ended.printed
    assert "setup.ts:4" in ended.printed


async def test_an_import_that_nobody_brought_fails_the_check_by_its_name(
    rig: ProbeRig, shop: WildServer
) -> None:
    ended = await rig.api(
        f"{shop.url}/", setup_script="import { x } from './not-there';\nx();", setup_script_path="setup.ts"
    )
    assert (ended.code, ended.blame) == ("SETUP_FAILED", "check")
    assert "./not-there" in ended.message
    assert shop.asked == []


async def test_a_path_out_of_the_folder_is_refused_and_named(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(
        f"{shop.url}/",
        setup_script="1",
        setup_script_path="a.js",
        setup_dependencies=(Dependency("../b", "1"),),
    )
    assert (ended.code, ended.blame) == ("SETUP_FAILED", "check")
    assert "setupScriptDependencies[0].path" in ended.message


async def test_a_runner_that_cannot_get_a_compiler_is_to_blame(tmp_path: Path, shop: WildServer) -> None:
    unreachable = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    offline = toolkit_in(tmp_path / "cache", PlaywrightOptions(install_environment=unreachable))
    probes = HttpProbes(ScriptRunner(toolkit=offline))
    ended = await ProbeRig(tmp_path, probes, probe_isolation()).api(f"{shop.url}/", setup_script="export {};")
    probes.close()
    assert (ended.verdict, ended.blame, ended.code) == ("ERRORED", "runner", "TOOLKIT_NOT_INSTALLED")
