"""The page of runners: what contains runs, what was left behind, and who is connected."""

from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.support.scripted_runner import ScriptedRunner, scripted_runner

ELSEWHERE = "sa-east-1"


async def test_a_runner_is_shown_with_its_slots_its_isolation_and_nothing_left(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    await runner.hello(ELSEWHERE, orphans_swept=4)
    await runner.beat(ELSEWHERE, busy_slots=3)
    await ana.go("/sessions")
    await ana.page.get_by_role("link", name="Runners").click()
    card = ana.page.get_by_role("region", name=f"Runner {runner.runner_id}")
    await expect(card).to_contain_text("Connected")
    await expect(card).to_contain_text("3 of 4 slots busy")
    await expect(card).to_contain_text("4 processes of its former life")
    await expect(card).to_contain_text("nothing is started.")
    await expect(card.locator(".proof.tone-good")).to_contain_text("0 processes left behind")


async def test_processes_left_behind_turn_the_page_red_while_it_is_looked_at(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    await runner.beat("eu-central-1")
    await ana.go("/runners")
    await ana.is_live()
    card = ana.page.get_by_role("region", name=f"Runner {runner.runner_id}")
    await expect(card.locator(".proof.tone-good")).to_be_visible()
    await runner.beat("eu-central-1", leftover_processes=2)
    await expect(card.locator(".proof.tone-bad")).to_contain_text("2 processes left behind")
    await expect(ana.page.locator(".notice.tone-bad")).to_contain_text("could not be ended")


async def test_a_runner_that_comes_appears_without_a_reload(ana: Visitor) -> None:
    await ana.go("/runners")
    await ana.is_live()
    async with scripted_runner(ana.api.server) as newcomer:
        await newcomer.hello(ELSEWHERE)
        card = ana.page.get_by_role("region", name=f"Runner {newcomer.runner_id}")
        await expect(card).to_contain_text(ELSEWHERE)
