"""A cancel at every stage: how fast it is, what it leaves running (nothing), and what is kept."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from bellrock.domain.live import LiveEvent, StageEntered, StepStarted, TestEnded, TestStarted
from bellrock.domain.outcomes import Verdict
from bellrock.domain.receipts import CancelAction, RunnerReceipt
from bellrock.wire.messages import Report
from tests.system.playwright_rig import CONFIG, Rig, Run, now

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

REPORTED_WITHIN_S = 5.0

OBEDIENT = """
const { test } = require('@playwright/test');
test('first', async () => {});
test('waits', async ({ page }) => {
  await page.setContent('<h1>shop</h1>');
  await page.locator('h1').click();
  await test.step('waiting now', () => page.waitForTimeout(60000));
});
test('never begins', async () => {});
"""
STUBBORN = """
const { test } = require('@playwright/test');
test('first', async () => {});
test('spins', async ({ page }) => {
  await page.setContent('<h1>shop</h1>');
  await page.locator('h1').click();
  require('child_process').spawn('/bin/sh', ['-c', 'trap "" INT TERM; sleep 300'], { detached: true });
  await test.step('waiting now', async () => { for (;;); });
});
test('never begins', async () => {});
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder = tmp_path_factory.mktemp("playwright")
    return Rig(folder / "runs", folder / "cache")


def step_named(title: str) -> Callable[[LiveEvent], bool]:
    return lambda event: isinstance(event, StepStarted) and event.title == title


def stage_named(stage: str) -> Callable[[LiveEvent], bool]:
    return lambda event: isinstance(event, StageEntered) and event.stage == stage


async def cancelled(run: Run) -> tuple[Report, RunnerReceipt]:
    """Cancel now: the report, which must come in time, and its receipt, which must be whole."""
    asked_at = now()
    run.cancel()
    report = await run.report()
    took_s = (now() - asked_at).total_seconds()
    assert report.outcome.verdict is Verdict.CANCELLED
    assert report.outcome.blame is None
    assert took_s < REPORTED_WITHIN_S
    receipt = report.receipt
    assert receipt is not None
    assert receipt.processes_left == 0
    assert receipt.last_process_gone_at is not None
    assert run.leftovers() == []
    return report, receipt


async def all_artifacts(run: Run, report: Report) -> set[str]:
    evidence = await run.evidence()
    assert (evidence is None) == report.evidence_complete
    return {one.name for one in (evidence.artifacts if evidence else report.artifacts)}


def gone_after_s(receipt: RunnerReceipt) -> float:
    gone_at: datetime | None = receipt.last_process_gone_at
    assert gone_at is not None
    return (gone_at - receipt.received_at).total_seconds()


def statuses(run: Run) -> dict[str, str]:
    report = run.json_report()
    return {
        spec["title"]: result["status"]
        for suite in report["suites"]
        for spec in suite["specs"]
        for result in spec["tests"][0]["results"]
    }


async def test_cancel_in_a_test_keeps_reports_and_the_trace_of_the_interrupted_test(rig: Rig) -> None:
    run = rig.start({"a.spec.js": OBEDIENT, "playwright.config.js": CONFIG})
    await run.until(step_named("waiting now"))
    report, receipt = await cancelled(run)
    names = await all_artifacts(run, report)
    assert receipt.stage == "testing"
    assert receipt.isolation == rig.isolation.name
    assert receipt.steps[0].action is CancelAction.INTERRUPT_MAIN
    assert run.cancel_actions == [str(step.action) for step in receipt.steps]
    assert gone_after_s(receipt) < 3.5
    counts = receipt.tests
    assert (counts.total, counts.passed, counts.interrupted, counts.not_started) == (3, 1, 1, 1)
    assert {"logs.txt", "report.json", "report/index.html"} <= names
    assert any(name.endswith("trace.zip") and "waits" in name for name in names)
    assert statuses(run)["waits"] == "interrupted"
    assert run.stages[:5] == ["preparing", "installing", "starting", "testing", "cancelling"]


async def test_a_worker_that_does_not_listen_is_killed_and_its_evidence_rebuilt(rig: Rig) -> None:
    run = rig.start({"a.spec.js": STUBBORN, "playwright.config.js": CONFIG})
    await run.until(step_named("waiting now"))
    report, receipt = await cancelled(run)
    names = await all_artifacts(run, report)
    assert gone_after_s(receipt) < 4.0
    assert CancelAction.KILL_WORKERS in [step.action for step in receipt.steps]
    assert (receipt.tests.passed, receipt.tests.interrupted, receipt.tests.not_started) == (1, 1, 1)
    assert {"report.json", "report/index.html"} <= names
    trace = next(name for name in names if name.startswith("traces/"))
    with zipfile.ZipFile(io.BytesIO(run.read(trace))) as archive:
        assert archive.testzip() is None
        actions = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".trace"))
    assert b'"click"' in actions


@pytest.mark.parametrize("base", ["playwright", "playwright-1.58"])
async def test_a_suite_killed_at_once_has_rebuilt_reports_with_the_trace_in_them(rig: Rig, base: str) -> None:
    run = rig.start(
        {
            "a.spec.js": OBEDIENT,
            "playwright.config.js": CONFIG.replace("workers", "use: { trace: 'on' }, workers"),
        },
        base=base,
        test_command="true; npx playwright test",
    )
    await run.until(step_named("waiting now"))
    report, receipt = await cancelled(run)
    names = await all_artifacts(run, report)
    assert [step.action for step in receipt.steps] == [CancelAction.KILL_NAMESPACE]
    assert any("shell" in note for note in receipt.notes)
    assert {"report.json", "report/index.html"} <= names
    assert statuses(run) == {"first": "passed", "waits": "interrupted"}
    attached = [name for name in names if name.startswith("report/data/") and name.endswith(".zip")]
    assert attached
    with zipfile.ZipFile(io.BytesIO(run.read(attached[0]))) as archive:
        assert any(name.endswith(".trace") for name in archive.namelist())


async def test_cancel_before_the_first_test_kills_at_once(rig: Rig) -> None:
    config = CONFIG.replace("workers", "globalSetup: './setup.js', workers")
    setup = (
        "module.exports = async () => "
        "{ console.log('setting up'); await new Promise(r => setTimeout(r, 60000)); };"
    )
    run = rig.start({"a.spec.js": OBEDIENT, "setup.js": setup, "playwright.config.js": config})
    await run.until(lambda event: "setting up" in getattr(event, "text", ""))
    report, receipt = await cancelled(run)
    assert receipt.stage == "starting"
    assert [step.action for step in receipt.steps] == [CancelAction.KILL_NAMESPACE]
    assert gone_after_s(receipt) < 2.0
    assert receipt.tests.passed == 0
    assert "logs.txt" in await all_artifacts(run, report)


async def test_cancel_of_an_install_kills_it_and_leaves_nothing_in_the_store(rig: Rig) -> None:
    command = "echo installing; mkdir -p node_modules/half; exec sleep 60"
    run = rig.start({"a.spec.js": OBEDIENT, "playwright.config.js": CONFIG}, install_command=command)
    await run.until(lambda event: getattr(event, "text", "") == "installing")
    _, receipt = await cancelled(run)
    assert receipt.stage == "installing"
    assert [step.action for step in receipt.steps] == [CancelAction.KILL_NAMESPACE]
    assert gone_after_s(receipt) < 2.0
    store = rig.cache / "dependencies"
    assert not list(store.glob(".scratch-*"))
    assert not list(store.glob("*/*/tree/node_modules/half"))


async def test_a_verdict_that_was_reached_before_the_cancel_stands(rig: Rig) -> None:
    """The cancel finds the run uploading: it is reported at once, and the evidence follows."""
    held = asyncio.Event()
    spec = "const { test } = require('@playwright/test'); test('one', async () => {});"
    run = rig.start({"a.spec.js": spec, "playwright.config.js": CONFIG}, hold_uploads=held)
    await run.until(stage_named("uploading"))
    run.cancel()
    report = await run.report(REPORTED_WITHIN_S)
    assert report.outcome.verdict is Verdict.PASSED
    assert report.receipt is None
    assert not report.evidence_complete
    held.set()
    evidence = await run.evidence()
    assert evidence is not None
    assert {"logs.txt", "report.json"} <= {one.name for one in evidence.artifacts}


async def test_evidence_that_takes_too_long_follows_the_report_of_a_cancelled_run(rig: Rig) -> None:
    held = asyncio.Event()
    run = rig.start({"a.spec.js": OBEDIENT, "playwright.config.js": CONFIG}, hold_uploads=held)
    await run.until(lambda event: isinstance(event, TestStarted))
    report, receipt = await cancelled(run)
    assert not report.evidence_complete
    assert not receipt.evidence_complete
    held.set()
    evidence = await run.evidence()
    assert evidence is not None
    assert evidence.receipt is not None
    assert evidence.receipt.evidence_complete
    assert set(evidence.receipt.artifacts_kept) > {one.name for one in evidence.artifacts}


async def test_a_run_taken_away_is_dead_before_its_executor_returns(rig: Rig) -> None:
    run = rig.start({"a.spec.js": STUBBORN, "playwright.config.js": CONFIG})
    await run.until(step_named("waiting now"))
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert run.leftovers() == []


async def test_one_of_two_waiters_may_leave_an_install_and_the_other_gets_it(
    rig: Rig, tmp_path: Path
) -> None:
    command = "echo installing; while [ ! -e go ]; do sleep 0.1; done; npm ci"
    files = {"a.spec.js": OBEDIENT.replace("60000", "1"), "playwright.config.js": CONFIG, "fresh": "x"}
    first = rig.start(files, install_command=command)
    await first.until(lambda event: getattr(event, "text", "") == "installing")
    second = rig.start(files, install_command=command)
    await second.until(lambda event: "Waiting for the same install" in getattr(event, "text", ""))
    report, receipt = await cancelled(first)
    assert receipt.steps == ()
    (next((rig.cache / "dependencies").glob(".scratch-*/work/suite")) / "go").touch()
    assert (await second.report()).outcome.verdict is Verdict.PASSED
    assert isinstance(report, Report)


async def test_the_trace_of_a_test_that_ended_is_in_the_evidence_of_a_cancel(rig: Rig) -> None:
    run = rig.start({"a.spec.js": OBEDIENT, "playwright.config.js": CONFIG})
    await run.until(lambda event: isinstance(event, TestEnded))
    report, receipt = await cancelled(run)
    assert receipt.tests.passed >= 1
    assert any("first" in name and name.endswith("trace.zip") for name in await all_artifacts(run, report))
