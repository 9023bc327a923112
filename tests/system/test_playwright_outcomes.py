"""What a suite's run tells: its verdict and blame, its live events, its artifacts."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.live import Output, StepEnded, StepStarted, TestEnded, TestsFound, TestStarted
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.runner.executors.playwright import PlaywrightOptions
from bellrock.wire.messages import Limits, Report
from tests.system.playwright_rig import CONFIG, Rig, Run

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

MIXED = """
const { test, expect } = require('@playwright/test');
test('passes @smoke', async ({ page }) => {
  await page.setContent('<h1>shop</h1>');
  console.log('printed by a test');
  await expect(page.locator('h1')).toHaveText('shop');
});
test('flaky', async ({}, info) => { expect(info.retry).toBe(1); });
test('fails', async ({ page }) => { expect(await page.title()).toBe('no'); });
test.skip('skipped', async () => {});
test('sees the contract', async ({}, info) => {
  await info.attach('environment', { body: JSON.stringify(process.env), contentType: 'application/json' });
  require('fs').writeFileSync(info.outputPath('environment.json'), JSON.stringify(process.env));
});
"""
MIXED_CONFIG = """
module.exports = {
  testDir: '.', retries: 1, workers: 1, reporter: [['list'], ['json', { outputFile: 'mine/own.json' }]],
  use: { headless: false, trace: 'off', video: 'on', screenshot: 'on' },
};
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder = tmp_path_factory.mktemp("playwright")
    return Rig(folder / "runs", folder / "cache")


@pytest.fixture(scope="module")
async def mixed(rig: Rig) -> tuple[Run, Report]:
    run = rig.start(
        {"shop.spec.js": MIXED, "playwright.config.js": MIXED_CONFIG},
        environment=(EnvironmentVariable("SHOP_URL", "http://shop.test"),),
        test_command="npx playwright test --headed --output elsewhere",
    )
    # Live means: known before the suite has ended.
    await run.until(lambda event: isinstance(event, TestEnded) and event.outcome == "expected")
    assert not run.task.done()
    assert run.context.events.progress.stage == "testing"
    return run, await run.report()


async def test_a_failing_test_fails_the_run_and_blames_the_target(mixed: tuple[Run, Report]) -> None:
    _, report = mixed
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.FAILED, Blame.TARGET)
    assert report.outcome.code == "TESTS_FAILED"
    assert "shop.spec.js › fails" in (report.outcome.message or "")
    assert report.receipt is None
    assert report.processes_left == 0


async def test_counts_tell_passed_failed_flaky_and_skipped_apart(mixed: tuple[Run, Report]) -> None:
    _, report = mixed
    counts = report.tests
    assert counts is not None
    assert (counts.total, counts.passed, counts.failed, counts.flaky, counts.skipped) == (5, 3, 1, 1, 1)
    assert {test.title[-1]: test.status for test in report.test_list} == {
        "passes @smoke": "passed",
        "flaky": "flaky",
        "fails": "failed",
        "skipped": "skipped",
        "sees the contract": "passed",
    }


async def test_an_execution_that_will_be_retried_is_not_final(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    assert [(event.retry, event.status, event.final) for event in run.ended("flaky")] == [
        (0, "failed", False),
        (1, "passed", True),
    ]
    assert [event.final for event in run.ended("fails")] == [False, True]


async def test_live_events_are_numbered_without_gaps_and_in_order(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    assert [event.seq for event in run.events] == list(range(1, len(run.events) + 1))
    assert run.stages == ["preparing", "installing", "starting", "testing", "reporting", "uploading"]
    kinds = [type(event) for event in run.events]
    assert (
        kinds.index(TestsFound) < kinds.index(TestStarted) < kinds.index(StepStarted) < kinds.index(StepEnded)
    )
    titles = [event.title for event in run.events if isinstance(event, StepStarted)]
    assert any("toHaveText" in title for title in titles)


async def test_what_a_test_prints_is_attributed_to_it_and_in_the_log(mixed: tuple[Run, Report]) -> None:
    run, report = mixed
    test_id = next(test.id for test in report.test_list if test.title == ("passes @smoke",))
    said = [event.text for event in run.events if isinstance(event, Output) and event.test_id == test_id]
    assert said == ["printed by a test"]
    assert b"printed by a test" in run.read("logs.txt")


async def test_every_run_has_json_and_html_reports_and_traces(mixed: tuple[Run, Report]) -> None:
    run, report = mixed
    assert report.evidence_complete
    stats = run.json_report()["stats"]
    assert (stats["expected"], stats["unexpected"], stats["flaky"], stats["skipped"]) == (2, 1, 1, 1)
    assert b"playwrightReportBase64" in run.read("report/index.html")
    traced = {artifact.test_id for artifact in report.artifacts if artifact.type == "trace"}
    assert len(traced) == 4  # all but the skipped one, whatever the config says


async def test_artifacts_are_described_as_they_are(mixed: tuple[Run, Report]) -> None:
    run, report = mixed
    assert {artifact.name for artifact in report.artifacts} == set(run.artifacts)
    for artifact in report.artifacts:
        content = run.read(artifact.name)
        assert artifact.size_bytes == len(content)
        assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    types = {artifact.type for artifact in report.artifacts}
    assert types >= {"log", "report", "trace", "video", "screenshot", "file"}


async def test_the_suites_own_reporters_and_files_stay_untouched(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    suite = run.context.folder / "work" / "suite"
    own = json.loads((suite / "mine" / "own.json").read_text())
    assert own["stats"]["unexpected"] == 1
    assert (suite / "playwright.config.js").read_text() == MIXED_CONFIG
    assert "✓" in run.printed or "ok" in run.printed  # its list reporter


async def test_a_suite_finds_the_contracts_variables_and_nothing_of_the_runner(
    mixed: tuple[Run, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, report = mixed
    name = next(one.name for one in report.artifacts if one.name.endswith("environment.json"))
    environment = json.loads(run.read(name))
    assert environment["CHECKLY"] == "1"
    assert environment["CI"] == "1"
    assert environment["SHOP_URL"] == "http://shop.test"
    assert not environment["HOME"].startswith("/root")
    assert "PYTEST_CURRENT_TEST" not in environment
    assert "VIRTUAL_ENV" not in environment


async def test_options_the_runner_decides_are_left_out_and_told(mixed: tuple[Run, Report]) -> None:
    run, _ = mixed
    assert "--headed --output elsewhere" in run.printed
    assert not (run.context.folder / "work" / "suite" / "elsewhere").exists()


async def test_projects_and_tags_select_tests(rig: Rig) -> None:
    spec = """
    const { test } = require('@playwright/test');
    test('a @one', async () => {}); test('b @two', async () => {}); test('c', async () => {});
    """
    config = "module.exports = { testDir: '.', projects: [{ name: 'left' }, { name: 'right' }] };"
    run = rig.start(
        {"t.spec.js": spec, "conf/pw.config.js": config.replace("'.'", "'..'")},
        test_command='pnpm exec playwright test --config "conf/pw.config.js"',
        pw_projects=("right",),
        pw_tags=("@one", "@two"),
    )
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED
    assert report.outcome.code is None
    assert [(test.project, test.title[-1]) for test in report.test_list] == [
        ("right", "a @one"),
        ("right", "b @two"),
    ]


SPEC = "const { test } = require('@playwright/test'); test('one', async () => {});"


@pytest.mark.parametrize(
    ("files", "suite", "code", "words"),
    [
        (
            {"a.spec.js": SPEC, "playwright.config.js": "module.exports = {"},
            {},
            "CONFIG_ERROR",
            "SyntaxError",
        ),
        ({"playwright.config.js": CONFIG}, {}, "NO_TESTS", "No tests found"),
        (
            {"a.spec.js": "syntax error here", "playwright.config.js": CONFIG},
            {},
            "SUITE_ERROR",
            "SyntaxError",
        ),
        (
            {
                "a.spec.js": SPEC.replace("async () => {}", "async () => new Promise(() => {})"),
                "playwright.config.js": CONFIG.replace("workers", "globalTimeout: 1500, workers"),
            },
            {},
            "TIMED_OUT",
            "globalTimeout",
        ),
        (
            {"a.spec.js": SPEC, "playwright.config.js": CONFIG},
            {"test_command": "npx playwright test && echo after && exit 3"},
            "COMMAND_FAILED",
            "exit code 3",
        ),
        (
            {"a.spec.js": SPEC, "playwright.config.js": CONFIG},
            {"test_command": "echo no tests here; true"},
            "NO_TESTS",
            "no Playwright test ran",
        ),
    ],
    ids=[
        "config does not parse",
        "no tests",
        "spec does not parse",
        "globalTimeout",
        "command fails",
        "no run",
    ],
)
async def test_what_is_wrong_with_the_check_is_said_and_blamed_on_the_check(
    rig: Rig, files: dict[str, str], suite: Any, code: str, words: str
) -> None:
    run = rig.start(files, **suite)
    report = await run.report()
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.FAILED, Blame.CHECK)
    assert report.outcome.code == code
    assert words in (report.outcome.message or "")
    assert words in "\n".join(report.errors)
    assert "logs.txt" in run.artifacts


PLAIN = {"a.spec.js": SPEC, "playwright.config.js": CONFIG}


@pytest.mark.parametrize(
    ("files", "base", "code", "words"),
    [
        (PLAIN | {"package.json": "{}"}, None, "NO_LOCK_FILE", "lock file"),
        ({"a.spec.js": SPEC}, "playwright", "NO_PLAYWRIGHT_CONFIG", "playwright.config"),
        (
            PLAIN
            | {
                "package.json": '{"name": "bare", "version": "1.0.0"}',
                "package-lock.json": '{"name": "bare", "version": "1.0.0", "lockfileVersion": 3,'
                ' "packages": {"": {"name": "bare", "version": "1.0.0"}}}',
            },
            None,
            "NO_PLAYWRIGHT",
            "@playwright/test",
        ),
    ],
    ids=["no lock file", "no config", "no Playwright"],
)
async def test_a_bundle_that_lacks_something_is_the_checks_fault_and_says_what(
    rig: Rig, files: dict[str, str], base: str | None, code: str, words: str
) -> None:
    run = rig.start(files, base=base)
    report = await run.report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, code)
    assert words in (report.outcome.message or "")
    assert run.leftovers() == []


async def test_what_is_no_archive_is_the_checks_fault(rig: Rig) -> None:
    run = rig.start({}, bundle=gzip.compress(b"not a tar archive at all"))
    report = await run.report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "NOT_A_BUNDLE")


async def test_an_install_that_fails_is_the_checks_fault_and_shows_its_last_lines(rig: Rig) -> None:
    command = "echo fetching; echo no such package >&2; exit 7"
    run = rig.start(PLAIN | {"salt": "fails"}, install_command=command)
    report = await run.report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "INSTALL_FAILED")
    assert "exit code 7" in (report.outcome.message or "")
    assert "no such package" in (report.outcome.message or "")
    assert "no such package" in run.read("logs.txt").decode()
    assert not list((rig.cache / "dependencies").glob(".scratch-*"))
    assert run.leftovers() == []


async def test_an_install_that_hangs_is_ended_by_its_cap(rig: Rig) -> None:
    command = "trap '' INT TERM; echo hanging; while :; do sleep 60; done"
    run = rig.start(PLAIN | {"salt": "hangs"}, install_command=command, limits=Limits(install_s=1.5))
    report = await run.report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "INSTALL_TIMED_OUT")
    assert "1.5 s" in (report.outcome.message or "")
    assert not list((rig.cache / "dependencies").glob(".scratch-*"))
    assert run.leftovers() == []


async def test_the_cap_on_testing_ends_the_suite_with_its_reports_kept(rig: Rig) -> None:
    spec = SPEC.replace("async () => {}", "async () => new Promise(() => {})")
    run = rig.start({"a.spec.js": spec, "playwright.config.js": CONFIG}, limits=Limits(test_s=9))
    report = await run.report()
    assert report.outcome.code == "TIMED_OUT"
    assert report.outcome.blame is Blame.CHECK
    assert "9 s" in (report.outcome.message or "")
    assert {"report.json", "report/index.html"} <= set(run.artifacts)
    assert report.receipt is None


async def test_a_suite_that_kills_its_own_runner_crashed_and_its_reports_are_rebuilt(rig: Rig) -> None:
    spec = """
    const { test } = require('@playwright/test');
    test('good', async () => {});
    test('bad', async () => { process.kill(process.ppid, 'SIGKILL'); await new Promise(() => {}); });
    """
    run = rig.start({"a.spec.js": spec, "playwright.config.js": CONFIG})
    report = await run.report()
    assert (report.outcome.verdict, report.outcome.code) == (Verdict.ERRORED, "CRASHED")
    assert report.tests is not None
    assert (report.tests.passed, report.tests.interrupted) == (1, 1)
    results = [
        spec["tests"][0]["results"][0]["status"]
        for suite in run.json_report()["suites"]
        for spec in suite["specs"]
    ]
    assert results == ["passed", "interrupted"]
    assert run.leftovers() == []


async def test_a_suite_for_a_browser_nobody_has_is_the_checks_fault(rig: Rig) -> None:
    spec = SPEC.replace("async ()", "async ({ page })")
    config = CONFIG.replace("workers", "use: { browserName: 'firefox' }, workers")
    report = await rig.start({"a.spec.js": spec, "playwright.config.js": config}).report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "BROWSER_NOT_AVAILABLE")


async def test_a_chromium_that_does_not_start_is_the_runners_fault(tmp_path: Path, rig: Rig) -> None:
    broken = Rig(tmp_path / "runs", rig.cache, PlaywrightOptions(chromium=Path("/usr/bin/false")))
    spec = SPEC.replace("async ()", "async ({ page })")
    report = await broken.start({"a.spec.js": spec, "playwright.config.js": CONFIG}).report()
    assert (report.outcome.verdict, report.outcome.blame) == (Verdict.ERRORED, Blame.RUNNER)
    assert report.outcome.code == "BROWSER_FAILED"


async def test_a_runner_without_chromium_says_so(tmp_path: Path) -> None:
    empty = Rig(tmp_path / "runs", tmp_path / "cache", PlaywrightOptions(chromium=Path("/nowhere/chromium")))
    report = await empty.start({"a.spec.js": SPEC, "playwright.config.js": CONFIG}).report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.RUNNER, "NO_BROWSER")


async def test_the_chrome_channel_is_served_by_the_runners_chromium(rig: Rig) -> None:
    spec = SPEC.replace("async () => {}", "async ({ page }) => { await page.setContent('x'); }")
    config = CONFIG.replace("workers", "use: { channel: 'chrome', chromiumSandbox: true }, workers")
    report = await rig.start({"a.spec.js": spec, "playwright.config.js": config}).report()
    assert report.outcome.verdict is Verdict.PASSED, report.outcome


async def test_output_over_its_limit_ends_the_run_and_names_the_limit(rig: Rig) -> None:
    spec = """
    const { test } = require('@playwright/test');
    test('loud', async () => {
      process.stdout.write(Buffer.from([0xff, 0xfe, 0x80, 0x0a]));
      for (;;) { process.stdout.write('x'.repeat(200) + '\\n'); await new Promise(r => setImmediate(r)); }
    });
    """
    run = rig.start(
        {"a.spec.js": spec, "playwright.config.js": CONFIG}, limits=Limits(output_bytes=2 * 1024**2)
    )
    report = await run.report()
    assert (report.outcome.blame, report.outcome.code) == (Blame.CHECK, "OUTPUT_LIMIT")
    assert str(2 * 1024**2) in (report.outcome.message or "")
    assert len(run.read("logs.txt")) < 3 * 1024**2
    assert "\ufffd" in run.read("logs.txt").decode()
    assert run.leftovers() == []
