"""Snapshots of suites, in real Chromium: made anew where that was asked for, and told by their places."""

import base64

import pytest

from bellrock.domain.outcomes import Verdict
from tests.system.playwright_rig import CONFIG, Rig

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

LOOKS = """
const { test, expect } = require('@playwright/test');
test('looks as ever', async ({ page }) => {
  await page.setContent('<body style="background: green">');
  await expect(page).toHaveScreenshot('home.png');
  expect('the text').toMatchSnapshot('said.txt');
  await page.screenshot({ path: 'drawn.png' });
});
"""
ONE_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
OLD = "web/looks.spec.js-snapshots/said-linux.txt"
KEPT_AS_IT_WAS = "web/looks.spec.js-snapshots/unused-linux.txt"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder = tmp_path_factory.mktemp("snapshots")
    return Rig(folder / "runs", folder / "cache")


def files() -> dict[str, str | bytes]:
    return {
        "web/playwright.config.js": CONFIG,
        "web/looks.spec.js": LOOKS,
        OLD: "the old text",
        KEPT_AS_IT_WAS: "nobody asks for it",
    }


async def test_snapshots_are_made_anew_and_named_by_their_places_in_the_working_folder(rig: Rig) -> None:
    run = rig.start(files(), working_dir="web", update_snapshots=True)
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED, run.printed
    made = sorted(name for name in run.artifacts if name.startswith("snapshots/"))
    assert made == [
        "snapshots/looks.spec.js-snapshots/home-linux.png",
        "snapshots/looks.spec.js-snapshots/said-linux.txt",
    ]
    assert run.read(made[0]).startswith(b"\x89PNG")
    assert run.read(made[1]) == b"the text"


async def test_a_picture_that_the_bundle_had_elsewhere_is_told_as_well(rig: Rig) -> None:
    elsewhere = CONFIG.replace(
        "{ testDir", "{ snapshotPathTemplate: '{testDir}/pictures/{arg}{ext}', testDir"
    )
    run = rig.start(
        {**files(), "web/playwright.config.js": elsewhere, "web/pictures/home.png": ONE_DOT},
        working_dir="web",
        update_snapshots=True,
    )
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED, run.printed
    assert [name for name in run.artifacts if name.startswith("snapshots/")] == [
        "snapshots/pictures/home.png"
    ]


async def test_without_being_asked_a_run_compares_and_tells_of_none(rig: Rig) -> None:
    run = rig.start(files(), working_dir="web")
    report = await run.report()
    assert report.outcome.verdict is Verdict.FAILED
    assert not [name for name in run.artifacts if name.startswith("snapshots/")]


async def test_a_command_under_a_shell_makes_them_anew_too(rig: Rig) -> None:
    command = "true && npx playwright test"
    run = rig.start(files(), working_dir="web", update_snapshots=True, test_command=command)
    report = await run.report()
    assert report.outcome.verdict is Verdict.PASSED, run.printed
    assert len([name for name in run.artifacts if name.startswith("snapshots/")]) == 2
