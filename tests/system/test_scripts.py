"""Setup and teardown scripts in real Node processes, in the sandbox that this machine has."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import Assertion, BasicAuth, BodyType, KeyValue
from bellrock.runner.executors.http import HttpProbes, ScriptRunner, scripts
from bellrock.runner.supervisor import probe_isolation
from tests.support.probe_rig import Ended, ProbeRig
from tests.support.wild_server import WildServer, answers, response, serving
from tests.system.dev_server import until

pytestmark = pytest.mark.system

GREETING = response(b'{"greeting": "hello"}', content_type="application/json")
SAYS_HELLO = Assertion("JSON_BODY", "EQUALS", "hello", "$.greeting")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[ProbeRig]:
    probes = HttpProbes()
    context = {"CHECKLY": "1", "CHECKLY_REGION": "eu-central-1"}
    yield ProbeRig(tmp_path, probes, probe_isolation(), context=context)
    probes.close()


@pytest.fixture
async def shop() -> AsyncIterator[WildServer]:
    async with serving(answers(GREETING)) as server:
        yield server


def lines(ended: Ended, step: str) -> list[str]:
    return [str(line["msg"]) for line in ended.details["jobLog"].get(step, [])]


async def test_a_setup_script_changes_everything_that_it_may(rig: ProbeRig, shop: WildServer) -> None:
    setup = """
        request.method = 'POST';
        request.url += 'orders';
        request.headers['X-Token'] = 'abc';
        delete request.headers['X-Old'];
        request.queryParameters.page = 2;
        request.body = JSON.stringify({ user: '{{NAME}}' });
        process.env.NAME = 'Ada';
    """
    headers = (KeyValue("X-Old", "1"), KeyValue("X-Kept", "{{NAME}}"))
    ended = await rig.api(f"{shop.url}/", setup_script=setup, headers=headers)
    assert ended.verdict == "PASSED", ended.message
    (asked,) = shop.asked
    assert (asked.method, asked.target) == ("POST", "/orders?page=2")
    assert json.loads(asked.body) == {"user": "Ada"}
    assert (asked.headers["x-token"], asked.headers["x-kept"]) == ("abc", "Ada")
    assert "x-old" not in asked.headers
    assert ended.details["request"]["method"] == "POST"


async def test_scripts_run_from_the_outside_in_and_back_out_again(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(
        f"{shop.url}/",
        setup_script="process.env.WAY += 'b'; console.log('setup', process.env.WAY)",
        teardown_script="process.env.WAY += 'c'; console.log('teardown', process.env.WAY)",
        headers=(KeyValue("X-Way", "{{WAY}}"),),
        job={
            "setup_scripts": ("process.env.WAY = 'a'",),
            "teardown_scripts": ("process.env.WAY += 'd'; console.log('teardown', process.env.WAY)",),
        },
    )
    assert ended.verdict == "PASSED", ended.message
    assert shop.asked[0].headers["x-way"] == "ab"
    assert lines(ended, "setup")[-1] == "setup ab"
    said = [line for line in lines(ended, "teardown") if line.startswith("teardown ")]
    assert said == ["teardown abc", "teardown abcd"]


async def test_a_teardown_script_changes_what_assertions_see_of_the_body_and_nothing_else(
    rig: ProbeRig, shop: WildServer
) -> None:
    teardown = """
        const found = JSON.parse(response.body);
        if (response.status !== 200) throw new Error();
        if (response.headers['content-type'] !== 'application/json') throw new Error();
        response.status = 500;
        response.headers = {};
        response.body = JSON.stringify({ greeting: found.greeting + ' wörld' });
    """
    asserted = Assertion("JSON_BODY", "EQUALS", "hello wörld", "$.greeting")
    ended = await rig.api(f"{shop.url}/", teardown_script=teardown, assertions=(asserted,))
    assert ended.verdict == "PASSED", ended.message
    assert (ended.response["status"], ended.response["headers"]["content-type"]) == (200, "application/json")
    assert ended.response["body"] == '{"greeting":"hello wörld"}'


BAD_SETUPS = {
    "throw new TypeError('no token')": "TypeError: no token",
    "throw 'a text'": "Thrown: a text",
    "await Promise.reject(new Error('refused'))": "Error: refused",
    "setTimeout(() => { throw new Error('late') }, 10); await new Promise(() => {})": "Error: late",
    "const = 5": "SyntaxError",
    "await new Promise(() => {})": "ended before it was done",
    "process.exit(3)": "process.exit(3)",
    "process.kill(process.pid, 'SIGKILL')": "exit code",
    "request.method = 'BREW'": "request.method to one of GET, POST",
    "request.url = ''": "request.url",
    "request.headers = 5": "an object in request.headers",
    "request = null": "an object in request",
    "request.body = 'a'.repeat(300000)": "left more than 262144 bytes",
    "request.body = 10n": "no JSON",
    "require('not-there')": "Cannot find module",
    "const loop = []; while (true) loop.push(new Array(1e6).fill(0.5))": "",
    "require('fs').symlinkSync('/etc/passwd', 'output.json'); "
    "process.kill(process.pid, 'SIGKILL')": "nothing",
    "require('child_process').execSync('rm -f output.json; mkfifo output.json'); "
    "process.kill(process.pid, 'SIGKILL')": "nothing",
}


@pytest.mark.parametrize("script", BAD_SETUPS)
async def test_a_setup_script_that_fails_ends_the_check_before_its_request(
    rig: ProbeRig, shop: WildServer, script: str
) -> None:
    ended = await rig.api(f"{shop.url}/", setup_script=script, assertions=(SAYS_HELLO,))
    assert (ended.verdict, ended.code, ended.blame) == ("FAILED", "SETUP_FAILED", "check"), ended.message
    assert BAD_SETUPS[script] in ended.message
    assert ended.message.startswith("The setup script ")
    assert (shop.connections, ended.details["assertions"], ended.response) == (0, [], {})
    assert ended.wall_s < 10


@pytest.mark.parametrize("script", ["while (true) {}", "await new Promise(done => setTimeout(done, 60000))"])
async def test_a_script_that_takes_too_long_is_stopped_with_all_it_started(
    rig: ProbeRig, shop: WildServer, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(scripts, "SCRIPT_S", 1.5)
    length = _a_length_of_its_own()
    options = "{ detached: true, stdio: 'ignore' }"
    started = f"require('child_process').spawn('sleep', ['{length}'], {options}).unref();"
    ended = await rig.api(f"{shop.url}/", setup_script=started + script)
    assert (ended.code, ended.blame) == ("SETUP_FAILED", "check")
    assert "took longer than 1.5 s" in ended.message
    assert ended.wall_s < 5
    assert not _sleeping(length)


def _a_length_of_its_own() -> str:
    """Seconds that no other process sleeps: tests look for it on the whole machine, beside one another."""
    return f"86399.{uuid4().int % 10**9}"


def _sleeping(argument: str) -> list[int]:
    return [one.pid for one in psutil.process_iter(["cmdline"]) if argument in (one.info["cmdline"] or [])]


async def test_scripts_have_ten_seconds_each() -> None:
    assert scripts.SCRIPT_S == 10


@pytest.mark.parametrize(
    "script", ["throw new Error('tidied nothing')", "response.body = 'a'.repeat(300000)"]
)
async def test_a_teardown_script_that_fails_is_noted_and_the_assertions_still_run(
    rig: ProbeRig, shop: WildServer, script: str
) -> None:
    next_one = "console.log('the next one ran')"
    ended = await rig.api(
        f"{shop.url}/",
        teardown_script=script,
        assertions=(SAYS_HELLO,),
        job={"teardown_scripts": (next_one,)},
    )
    assert ended.verdict == "PASSED"
    assert ended.details["assertions"][0]["actual"] == "hello"
    assert any("The teardown script" in line and "goes on" in line for line in lines(ended, "teardown"))
    assert "the next one ran" in lines(ended, "teardown")
    assert "The teardown script" in ended.printed


async def test_teardown_runs_without_a_response_too(rig: ProbeRig) -> None:
    async with serving(answers(b"")) as server:
        ended = await rig.api(f"{server.url}/", teardown_script="console.log('response is', response)")
    assert ended.code == "EMPTY_RESPONSE"
    assert "response is undefined" in lines(ended, "teardown")


async def test_what_a_script_prints_is_live_output_and_part_of_the_result(
    rig: ProbeRig, shop: WildServer
) -> None:
    setup = "console.log('from setup', { a: 1 }); console.error('a warning')"
    ended = await rig.api(f"{shop.url}/", setup_script=setup)
    assert "from setup { a: 1 }\n" in ended.printed
    log = ended.details["jobLog"]["setup"]
    assert [(line["level"], line["msg"]) for line in log[1:]] == [
        ("INFO", "from setup { a: 1 }"),
        ("ERROR", "a warning"),
    ]
    assert all(isinstance(line["time"], int) for line in log)


async def test_an_error_names_the_line_of_the_script(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(f"{shop.url}/", setup_script="// one\n// two\nnowhere.to.be.found();\n")
    assert "setup-1.js:3" in ended.printed


async def test_secrets_are_scrubbed_from_output_and_from_the_result(rig: ProbeRig, tmp_path: Path) -> None:
    rig.environment = (EnvironmentVariable("TOKEN", "s3cr3t-t0ken", secret=True),)
    setup = "console.log('the token is', process.env.TOKEN); throw new Error(process.env.TOKEN)"
    async with serving(answers(response(b"you sent s3cr3t-t0ken"))) as server:
        failed = await rig.api(f"{server.url}/", setup_script=setup)
        asserted = Assertion("TEXT_BODY", "EQUALS", "s3cr3t")
        headers = (KeyValue("Authorization", "Bearer {{TOKEN}}"),)
        echoed = await rig.api(f"{server.url}/?t={{{{TOKEN}}}}", headers=headers, assertions=(asserted,))
        assert server.asked[0].headers["authorization"] == "Bearer s3cr3t-t0ken"
    for ended in (failed, echoed):
        assert "s3cr3t-t0ken" not in ended.report.model_dump_json()
        assert "s3cr3t-t0ken" not in ended.printed
    assert echoed.code == "ASSERTION_FAILED"


async def test_a_script_finds_the_runs_variables_and_nothing_of_the_runners(
    rig: ProbeRig, shop: WildServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLROCK_NATS_TOKEN", "the-runners-own")
    rig.environment = (
        EnvironmentVariable("odd-name", "1"),
        EnvironmentVariable("NODE_OPTIONS", "--require=/nowhere.js"),
    )
    ended = await rig.api(f"{shop.url}/", setup_script="console.log(JSON.stringify(process.env))")
    found: dict[str, Any] = json.loads(lines(ended, "setup")[-1])
    assert set(found) == {
        *("PATH", "HOME", "TMPDIR", "LANG", "TZ"),
        *("CHECKLY", "CHECKLY_REGION", "odd-name", "NODE_OPTIONS"),
    } | ({"PWD"} & set(found))
    assert "the-runners-own" not in json.dumps(found)


async def test_a_script_sees_no_files_but_its_own(rig: ProbeRig, shop: WildServer, tmp_path: Path) -> None:
    if not rig.isolation.hides_files:
        pytest.skip("nothing on this machine hides files")
    (tmp_path / "of-the-runner.txt").write_text("x")
    script = f"console.log('sees', require('fs').existsSync({str(tmp_path / 'of-the-runner.txt')!r}))"
    ended = await rig.api(f"{shop.url}/", setup_script=script)
    assert lines(ended, "setup")[-1] == "sees false"


async def test_nodes_own_modules_can_be_required_and_imported(rig: ProbeRig, shop: WildServer) -> None:
    script = """
        const request = require('node:crypto').createHmac('sha256', 'key').update('a').digest('hex');
        const { join } = await import('node:path');
        console.log(request.length, join('a', 'b'));
    """
    ended = await rig.api(f"{shop.url}/", setup_script=script)
    assert ended.verdict == "PASSED", ended.message
    assert lines(ended, "setup")[-1] == "64 a/b"


async def test_a_large_body_reaches_a_teardown_script_cut_and_the_assertions_whole(rig: ProbeRig) -> None:
    body = b"a" * 400_000 + b"z"
    asserted = Assertion("TEXT_BODY", "EQUALS", "z", "a(z)$")
    script = "console.log(response.body.length < 262144)"
    async with serving(answers(response(body))) as server:
        ended = await rig.api(f"{server.url}/", teardown_script=script, assertions=(asserted,))
    assert ended.verdict == "PASSED", ended.message
    assert lines(ended, "teardown")[-1] == "true"


async def test_a_run_that_is_taken_away_leaves_no_process_of_a_script(
    rig: ProbeRig, shop: WildServer
) -> None:
    length = _a_length_of_its_own()
    script = f"require('child_process').spawn('sleep', ['{length}']); await new Promise(() => {{}})"
    run = asyncio.create_task(rig.api(f"{shop.url}/", setup_script=script))
    await until(lambda: bool(_sleeping(length)), timeout_s=10, what="the script runs")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not _sleeping(length)


async def test_without_node_it_is_the_runners_fault(rig: ProbeRig, shop: WildServer) -> None:
    probes = HttpProbes(ScriptRunner(Path("/nowhere/node")))
    try:
        ended = await ProbeRig(rig.folder, probes, rig.isolation).api(f"{shop.url}/", setup_script="1")
    finally:
        probes.close()
    assert (ended.verdict, ended.blame, ended.code) == ("ERRORED", "runner", "NO_NODE")
    assert shop.connections == 0


async def test_templates_are_filled_with_what_setup_left(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(
        f"{shop.url}/{{{{FOLDER}}}}",
        setup_script="process.env.FOLDER = 'a b'; process.env.USER_NAME = 'ada'",
        basic_auth=BasicAuth("{{USER_NAME}}", "pw"),
        method="POST",
        body_type=BodyType.RAW,
        body="{{{REQUEST_URL}}}",
    )
    assert ended.verdict == "PASSED", ended.message
    (asked,) = shop.asked
    assert asked.target == "/a%20b"
    assert asked.headers["authorization"] == "Basic YWRhOnB3"
    assert asked.body.decode() == f"{shop.url}/a%20b"
