"""Scripts of browser and multistep checks, in the real sandbox: verdicts, findings, and what is kept."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import StepStarted, TestStarted
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import BrowserCheck, Dependency, MultistepCheck, Spec
from bellrock.runner.playwright.browsers import CHROME_CHANNEL
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.supervisor import Mechanism, probe_isolation
from bellrock.wire.messages import Report
from tests.system.playwright_rig import Run
from tests.system.script_rig import ScriptRig, Shop, shop

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(400)]

DEADLINE_S = 170.0

TEST = "import { test, expect } from '@playwright/test';\n"
HELPERS = "import { markCheckAsDegraded, getAPIResponseTime } from '@checkly/playwright-helpers';\n"
HANGS = f"{TEST}test('hangs', async () => {{ await new Promise(() => {{}}); }});"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> ScriptRig:
    folder = tmp_path_factory.mktemp("scripts")
    return ScriptRig(folder / "runs", folder / "cache")


@pytest.fixture(scope="module", name="shop")
def running_shop() -> Iterator[Shop]:
    with shop() as running:
        yield running


@pytest.fixture(scope="module")
async def broken(rig: ScriptRig, shop: Shop) -> tuple[Run, Report]:
    """A scheduled run that sees a broken page and fails."""
    script = f"""{TEST}
    test('buys', async ({{ page }}) => {{
      await page.goto('{shop.url}/');
      await page.goto('{shop.url}/broken');
      await expect(page.locator('h1')).toHaveText('shop', {{ timeout: 500 }});
    }});
    """
    run = rig.start(BrowserCheck(script=script))
    return run, await run.report(DEADLINE_S)


@pytest.fixture(scope="module")
async def requests(rig: ScriptRig, shop: Shop) -> tuple[Run, Report]:
    """A multistep check that a person asked for."""
    script = f"""{TEST}{HELPERS}
    test('shops', async ({{ request }}) => {{
      await test.step('cart', async () => {{
        await test.step('read', async () => {{
          const response = await request.get(`{shop.url}/api/cart`);
          expect(getAPIResponseTime(response)).toBeGreaterThan(0);
          expect((await response.json()).items).toBe(2);
        }});
        await request.post('{shop.url}/nowhere', {{ data: {{ token: process.env.TOKEN }} }});
      }});
      console.log(JSON.stringify(process.env));
    }});
    """
    token = EnvironmentVariable("TOKEN", "hunter2hunter2", secret=True)
    run = rig.start(MultistepCheck(script=script), source="TEST_RECORD", environment=(token,))
    return run, await run.report(DEADLINE_S)


# --- what failed, and what is kept of it


async def test_a_failing_script_is_kept_with_screenshot_trace_video_and_reports(
    broken: tuple[Run, Report],
) -> None:
    run, report = broken
    assert (report.outcome.verdict, report.outcome.code) == (Verdict.FAILED, "TESTS_FAILED")
    assert report.outcome.blame is Blame.TARGET
    kinds = {artifact.type for artifact in report.artifacts}
    assert kinds >= {"log", "report", "trace", "video", "screenshot"}
    assert {"logs.txt", "report.json", "report/index.html"} <= set(run.artifacts)
    assert run.leftovers() == []


async def test_errors_are_told_apart_by_where_they_come_from(broken: tuple[Run, Report]) -> None:
    _, report = broken
    assert report.details["traceSummary"] == {
        "consoleErrors": 1,
        "networkErrors": 1,
        "documentErrors": 1,
        "userScriptErrors": 1,
    }
    messages = {error["kind"]: error["message"] for error in _list(report, "pageErrors")}
    assert messages["console"] == "printed by the page"
    assert messages["document"] == "thrown by the page"
    assert messages["network"].endswith("/missing.png: status 404")


async def test_each_page_has_its_web_vitals(broken: tuple[Run, Report], shop: Shop) -> None:
    _, report = broken
    pages = _list(report, "pages")
    assert [page["url"] for page in pages] == [f"{shop.url}/", f"{shop.url}/broken"]
    vitals = pages[-1]["webVitals"]
    assert set(vitals) == {"FCP", "LCP", "CLS", "TBT", "TTFB"}
    assert 0 < vitals["TTFB"]["value"] <= vitals["FCP"]["value"] <= vitals["LCP"]["value"]
    assert vitals["CLS"] == {"score": "GOOD", "value": 0.0}


async def test_a_browser_says_who_asks_in_its_user_agent(broken: tuple[Run, Report], shop: Shop) -> None:
    (agent,) = shop.agents_of("/broken")
    assert agent.startswith("Mozilla/5.0")
    assert agent.endswith("Checkly, https://www.checklyhq.com")
    assert "Headless" not in agent


async def test_a_browser_that_a_script_starts_by_itself_is_recorded_too(rig: ScriptRig, shop: Shop) -> None:
    script = f"""
    const {{ chromium }} = require('playwright');
    const browser = await chromium.launch({{ headless: false }});
    const page = await browser.newPage();
    await page.goto('{shop.url}/broken');
    await page.click('#missing', {{ timeout: 500 }});
    """
    report = await rig.start(BrowserCheck(script=script)).report(DEADLINE_S)
    assert report.outcome.code == "TESTS_FAILED"
    assert "#missing" in (report.outcome.message or "")
    assert {artifact.type for artifact in report.artifacts} >= {"trace", "video", "screenshot"}


# --- scripts of all shapes

SHAPES = {
    "test file": TEST + "test('x', async ({ page }) => { await page.goto('URL/'); });",
    "page in reach": "await page.goto('URL/');\nconsole.log(await page.title());",
    "own browser": """const { chromium } = require('playwright');
        const browser = await chromium.launch();
        const page = await browser.newPage();
        await page.goto('URL/');
        await browser.close(); // the end""",
    "nobody waits": """const { chromium } = require('playwright');
        async function run() {
          const browser = await chromium.launch();
          const page = await browser.newPage();
          await page.goto('URL/');
          await browser.close();
        }
        run();""",
    "imports": """import {
          chromium,
        } from 'playwright';
        import { expect } from '@playwright/test';
        const browser = await chromium.launch();
        const page = await (await browser.newContext()).newPage();
        await page.goto('URL/');
        expect(await page.title()).toBe('shop');""",
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_script_is_a_test_file_or_plain_statements(rig: ScriptRig, shop: Shop, shape: str) -> None:
    report = await rig.start(BrowserCheck(script=SHAPES[shape].replace("URL", shop.url))).report(DEADLINE_S)
    assert report.outcome.verdict is Verdict.PASSED, report.outcome
    assert [page["url"] for page in _list(report, "pages")] == [f"{shop.url}/"]
    # Of a scheduled run that passed nothing is kept that was recorded.
    assert {artifact.name for artifact in report.artifacts} == {"logs.txt", "report.json"}


async def test_an_error_of_plain_statements_names_the_scripts_own_line(rig: ScriptRig) -> None:
    script = "import assert from 'assert';\n\nconst items = 1;\nassert.equal(items, 2, 'too few');"
    report = await rig.start(BrowserCheck(script=script, script_path="checks/home.js")).report(DEADLINE_S)
    assert report.outcome.code == "TESTS_FAILED"
    assert "too few" in (report.outcome.message or "")
    assert (report.test_list[0].title, report.test_list[0].errors[0]["line"]) == (("A suite",), 4)


async def test_dependencies_lie_beside_the_script(rig: ScriptRig) -> None:
    imported = "import { name } from '../lib/shop';"
    spec = BrowserCheck(
        script=f"{TEST}{imported} test('t', () => {{ expect(name).toBe('shop'); }});",
        script_path="checks/home.spec.ts",
        dependencies=(Dependency("lib/shop.ts", "export const name: string = 'shop';"),),
    )
    report = await rig.start(spec).report(DEADLINE_S)
    assert report.outcome.verdict is Verdict.PASSED, report.outcome


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        (BrowserCheck("1", dependencies=(Dependency("../../x", ""),)), "BAD_PATH", "dependencies[0].path"),
        (BrowserCheck("1", dependencies=(Dependency("/etc/x", ""),)), "BAD_PATH", "dependencies[0].path"),
        (
            BrowserCheck("1", dependencies=(Dependency("a", ""), Dependency("a/b", ""))),
            "BAD_PATH",
            "dependencies[1].path",
        ),
        (
            BrowserCheck("1", dependencies=(Dependency("script.spec.ts", ""),)),
            "BAD_PATH",
            "dependencies[0].path",
        ),
        (MultistepCheck("1", script_path="../up.ts"), "BAD_PATH", "scriptPath"),
        (MultistepCheck("1", script_path="script.sh"), "BAD_PATH", ".ts, .js"),
        (MultistepCheck(" \n"), "NO_SCRIPT", "script:"),
    ],
    ids=["leaves", "absolute", "file as folder", "the script's", "script leaves", "no script", "empty"],
)
async def test_what_cannot_be_written_is_the_checks_fault_and_named(
    rig: ScriptRig, spec: Spec, code: str, words: str
) -> None:
    run = rig.start(spec)
    report = await run.report(DEADLINE_S)
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.FAILED, Blame.CHECK)
    assert report.outcome.code == code
    assert words in (report.outcome.message or "")
    assert not (run.context.folder.parent / "x").exists()


async def test_a_script_that_does_not_parse_is_the_checks_fault(rig: ScriptRig) -> None:
    report = await rig.start(BrowserCheck(script="const = 1;")).report(DEADLINE_S)
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "SUITE_ERROR")
    assert "script.spec.ts" in (report.outcome.message or "")


async def test_a_script_runs_where_nothing_can_be_mounted(shop: Shop) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # without mounts, a run's user must be able to reach everything
        plain = ScriptRig(
            folder / "runs", folder / "cache", isolation=probe_isolation(forced=Mechanism.SHEPHERD)
        )
        script = f"{HELPERS}await page.goto('{shop.url}/'); markCheckAsDegraded();"
        run = plain.start(BrowserCheck(script=script, script_path="deep/home.mts"))
        report = await run.report(DEADLINE_S)
    assert report.outcome.code == "MARKED_DEGRADED", report.outcome
    assert not CHROME_CHANNEL.is_symlink()


# --- degraded

MARKS = {
    "a mark alone": ("markCheckAsDegraded('slow');", Verdict.DEGRADED, "MARKED_DEGRADED"),
    "soft failures with a mark": (
        "expect.soft(1, 'words').toBe(2); markCheckAsDegraded('slow');",
        Verdict.DEGRADED,
        "MARKED_DEGRADED",
    ),
    "soft failures without one": ("expect.soft(1).toBe(2);", Verdict.FAILED, "TESTS_FAILED"),
    "a hard failure": (
        "markCheckAsDegraded('slow'); expect.soft(1).toBe(2); expect(1).toBe(3);",
        Verdict.FAILED,
        "TESTS_FAILED",
    ),
}


@pytest.mark.parametrize("case", MARKS)
async def test_a_mark_degrades_a_check_in_which_nothing_fails_hard(rig: ScriptRig, case: str) -> None:
    body, verdict, code = MARKS[case]
    script = f"{TEST}{HELPERS}test('t', async () => {{ {body} }});"
    report = await rig.start(MultistepCheck(script=script)).report(DEADLINE_S)
    assert (report.outcome.verdict, report.outcome.code) == (verdict, code)
    if verdict is Verdict.DEGRADED:
        assert "slow" in (report.outcome.message or "")
        assert "trace" not in {artifact.type for artifact in report.artifacts}


# --- the end


async def test_a_script_over_its_cap_is_stopped_and_nothing_of_it_is_kept(rig: ScriptRig) -> None:
    short = ScriptRig(rig.folder, rig.cache, cap_s=6)
    run = short.start(BrowserCheck(script=HANGS), source="TEST_RECORD")
    report = await run.report(DEADLINE_S)
    assert (report.outcome.verdict, report.outcome.code) == (Verdict.FAILED, "SCRIPT_TIMED_OUT")
    assert report.outcome.blame is Blame.CHECK
    assert "6 s" in (report.outcome.message or "")
    assert run.artifacts == {}
    assert report.artifacts == ()
    assert report.processes_left == 0
    assert run.leftovers() == []


async def test_a_cancel_changes_nothing(rig: ScriptRig, tmp_path: Path) -> None:
    script = f"""{TEST}
    test('goes on', async ({{ request }}) => {{
      const server = require('http').createServer((_, answer) => setTimeout(() => answer.end('done'), 2000));
      await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
      const answer = await request.get(`http://127.0.0.1:${{server.address().port}}/`);
      expect(await answer.text()).toBe('done');
      server.close();
    }});
    """
    run = rig.start(MultistepCheck(script=script))
    await run.until(lambda event: isinstance(event, TestStarted), DEADLINE_S)
    run.cancel()
    report = await run.report(DEADLINE_S)
    assert report.outcome.verdict is Verdict.PASSED, report.outcome
    assert report.receipt is None
    assert "cancelling" not in run.stages
    assert run.cancel_actions == []
    assert report.evidence_complete


async def test_a_run_that_is_taken_away_leaves_no_process(rig: ScriptRig) -> None:
    run = rig.start(BrowserCheck(script=HANGS))
    await run.until(lambda event: isinstance(event, TestStarted), DEADLINE_S)
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert run.leftovers() == []


# --- multistep


async def test_requests_are_told_with_the_steps_they_were_made_in(
    requests: tuple[Run, Report], shop: Shop
) -> None:
    run, report = requests
    assert report.outcome.verdict is Verdict.PASSED, report.outcome
    told = [
        (each["steps"], each["method"], each["url"], each["status"]) for each in _list(report, "requests")
    ]
    assert told == [
        (["cart", "read"], "GET", f"{shop.url}/api/cart", 200),
        (["cart"], "POST", f"{shop.url}/nowhere", 501),
    ]
    assert all(each["durationMs"] > 0 for each in _list(report, "requests"))
    # Whoever watches live sees the same tree as steps.
    steps = {event.step: event for event in run.events if isinstance(event, StepStarted)}
    get = next(step for step in steps.values() if step.title.startswith("GET"))
    read = steps[get.parent or 0]
    assert (read.title, steps[read.parent or 0].title) == ("read", "cart")


async def test_a_multistep_check_says_who_asks_and_has_no_pages(
    requests: tuple[Run, Report], shop: Shop
) -> None:
    _, report = requests
    assert shop.agents_of("/api/cart") == {"Checkly/1.0 (https://www.checklyhq.com)"}
    assert "pages" not in report.details


async def test_what_a_person_asked_for_is_kept_though_it_passed(requests: tuple[Run, Report]) -> None:
    _, report = requests
    assert "trace" in {artifact.type for artifact in report.artifacts}


async def test_a_script_finds_the_contracts_variables_and_nothing_of_the_runner(
    requests: tuple[Run, Report],
) -> None:
    run, report = requests
    text = next(line for line in run.read("logs.txt").decode().splitlines() if line.startswith("{"))
    environment = json.loads(text)
    assert {name: environment[name] for name in ("CHECKLY", "CHECK_TYPE", "CHECK_NAME", "REGION")} == {
        "CHECKLY": "1",
        "CHECK_TYPE": "MULTI_STEP",
        "CHECK_NAME": "A suite",
        "REGION": "eu-central-1",
    }
    assert environment["ACCOUNT_ID"] == str(run.context.job.account_id)
    assert environment["RUNTIME_VERSION"] == report.details["runtimeVersion"]
    assert "hunter2hunter2" not in text
    assert "PYTEST_CURRENT_TEST" not in environment
    assert "VIRTUAL_ENV" not in environment


async def test_a_multistep_check_gets_no_browser(rig: ScriptRig) -> None:
    script = TEST + "test('t', async ({ page }) => { await page.goto('about:blank'); });"
    report = await rig.start(MultistepCheck(script=script)).report(DEADLINE_S)
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "BROWSER_NOT_AVAILABLE")
    assert "request API" in (report.outcome.message or "")


async def test_a_secret_that_a_script_comes_to_know_does_not_leave_the_runner(rig: ScriptRig) -> None:
    script = f"""{TEST}
    test('logs in', async ({{}}, info) => {{
      process.env.CHECKLY_SECRET_TOKEN = ['came', 'later', '42'].join('-');
      console.log('token', process.env.CHECKLY_SECRET_TOKEN);
      require('fs').writeFileSync(info.outputPath('token.txt'), process.env.CHECKLY_SECRET_TOKEN);
      await test.step(`uses ${{process.env.CHECKLY_SECRET_TOKEN}}`, async () => {{}});
      throw new Error(`refused ${{process.env.CHECKLY_SECRET_TOKEN}}`);
    }});
    """
    run = rig.start(MultistepCheck(script=script))
    report = await run.report(DEADLINE_S)
    assert report.outcome.code == "TESTS_FAILED"
    assert "refused ********" in (report.outcome.message or "")
    assert any(name.endswith("token.txt") for name in run.artifacts)
    assert "token ********" in run.printed
    told = [run.read(name) for name in run.artifacts if not name.endswith((".zip", ".html"))]
    told += [run.context.events.path.read_bytes(), report.model_dump_json().encode()]
    assert not any(b"came-later-42" in text for text in told)


# --- the toolkit


async def test_a_toolkit_that_cannot_be_installed_is_the_runners_fault_until_it_can(
    tmp_path: Path, rig: ScriptRig
) -> None:
    unreachable = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    offline = PlaywrightOptions(install_environment=unreachable)
    script = f"{TEST}test('t', async () => {{}});"
    alone = ScriptRig(tmp_path / "runs", tmp_path / "cache", options=offline)
    report = await alone.start(MultistepCheck(script=script)).report(DEADLINE_S)
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.ERRORED, Blame.RUNNER)
    assert report.outcome.code == "TOOLKIT_NOT_INSTALLED"
    # What another runner process has put into the cache is used without asking anybody.
    await rig.start(MultistepCheck(script=script)).report(DEADLINE_S)
    beside = ScriptRig(tmp_path / "runs", rig.cache, options=offline)
    assert (
        await beside.start(MultistepCheck(script=script)).report(DEADLINE_S)
    ).outcome.verdict is Verdict.PASSED


def _list(report: Report, name: str) -> list[dict[str, Any]]:
    found = report.details[name]
    assert isinstance(found, list)
    return found
