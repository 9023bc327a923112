"""What a person sees of a session while it goes on, and how they stop it."""

from playwright.async_api import Locator, expect

from bellrock.domain.access import Role
from tests.browser.conftest import Visitor
from tests.support.api_client import EU, US, Api
from tests.support.scripted_runner import HeldByScript, ScriptedRunner


def row(visitor: Visitor, location: str) -> Locator:
    """The row of a run."""
    return visitor.page.locator("table.runs tbody tr").filter(has_text=location)


async def start(visitor: Visitor, runner: ScriptedRunner) -> tuple[HeldByScript, HeldByScript]:
    """A check at two locations, started from the page; both runs are with the runner."""
    await visitor.api.create_suite(locations=[EU, US])
    await visitor.go("/checks")
    await visitor.page.get_by_role("button", name="Schedule now: Shop").click()
    await expect(row(visitor, EU)).to_contain_text("Queued")
    await visitor.is_live()
    held = []
    for location in (EU, US):
        address = await row(visitor, location).locator("a.name").get_attribute("href")
        assert address
        held.append(await runner.claim(address.rpartition("/")[2], location))
    return held[0], held[1]


async def test_schedule_now_starts_a_session_that_says_who_started_it_and_how(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    for held in await start(ana, runner):
        await held.pass_with()
    head = ana.page.locator("#session-head")
    await expect(head).to_contain_text("through Schedule now")
    await expect(head.locator(".badge")).to_have_text("Passed")


async def test_live_counts_appear_without_a_reload(ana: Visitor, runner: ScriptedRunner) -> None:
    first, second = await start(ana, runner)
    await ana.page.evaluate("document.body.dataset.same = 'yes'")
    await first.begin("adds to cart", "pays")
    await expect(row(ana, EU)).to_contain_text("1 running")
    await first.pass_test("adds to cart")
    await expect(row(ana, EU)).to_contain_text("1 passed")
    await expect(ana.page.locator("#tests .test.passed")).to_contain_text("adds to cart")
    await expect(row(ana, EU).locator("svg.bar")).to_have_attribute(
        "aria-label", "1 passed, 0 failed, 0 running of 2 tests"
    )
    assert await ana.page.evaluate("document.body.dataset.same") == "yes"
    for held in (first, second):
        await held.pass_with()


async def test_cancel_of_one_row_lets_the_other_pass_and_ends_the_session_cancelled(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    first, second = await start(ana, runner)
    await first.begin("adds to cart", "pays")
    await row(ana, EU).get_by_role("button", name="Cancel").click()
    await ana.page.get_by_role("button", name="Cancel it").click()
    signal = await first.until_signalled()
    assert signal.via == "UI"
    await expect(row(ana, EU).get_by_role("button")).to_be_disabled()
    await expect(row(ana, EU)).to_contain_text("Cancelling…")
    await expect(row(ana, US).get_by_role("button", name="Cancel")).to_be_enabled()
    await first.stop_as_asked()
    await expect(row(ana, EU).locator(".badge")).to_have_text("Cancelled")
    await second.pass_with()
    await expect(row(ana, US).locator(".badge")).to_have_text("Passed")
    await expect(ana.page.locator("#session-head .badge")).to_have_text("Cancelled")
    await expect(ana.page.get_by_role("button", name="Cancel session")).to_have_count(0)


async def test_cancel_session_is_confirmed_first_and_disabled_once_asked(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    held = await start(ana, runner)
    button = ana.page.get_by_role("button", name="Cancel session")
    await button.click()
    dialog = ana.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Cancel the whole session?")
    await dialog.get_by_role("button", name="Keep running").click()
    await expect(dialog).to_be_hidden()
    await expect(button).to_be_enabled()
    await button.click()
    await dialog.get_by_role("button", name="Cancel it").click()
    await expect(ana.page.locator("#session-head button")).to_be_disabled()
    await expect(ana.page.locator("#session-head")).to_contain_text("Cancelling…")
    for run in held:
        await run.stop_as_asked()
    await expect(ana.page.locator("#session-head .badge")).to_have_text("Cancelled")


ONE_OF_EACH: dict[str, dict[str, object]] = {
    "url": {"request": {"url": "http://127.0.0.1:9/"}},
    "api": {"request": {"url": "http://127.0.0.1:9/", "method": "GET"}},
    "tcp": {"request": {"hostname": "127.0.0.1", "port": 9}},
    "dns": {"request": {"query": "shop.example", "recordType": "A"}},
    "icmp": {"request": {"hostname": "127.0.0.1"}},
    "ssl": {"request": {"sslConfig": {"hostname": "shop.example"}}},
    "browser": {"script": "await page.goto('http://127.0.0.1:9/')"},
    "multistep": {"script": "test('x', async () => {})"},
}


async def test_cancel_in_a_session_of_every_type_is_offered_for_suites_and_stops_them_alone(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    suites = [await ana.api.create_suite(name=name) for name in ("Shop one", "Shop two")]
    others = [
        await ana.api.post(f"/v1/checks/{kind}", {"name": f"A {kind}", "locations": [EU], **said}, status=201)
        for kind, said in ONE_OF_EACH.items()
    ]
    session = await ana.api.start_test_session(*(check["id"] for check in (*suites, *others)))
    sequence_ids = {each["name"]: each["sequenceId"] for each in session["results"]}
    held = {name: await runner.claim(sequence_id, EU) for name, sequence_id in sequence_ids.items()}
    await ana.go(f"/sessions/{session['testSessionId']}")
    await ana.is_live()
    for check in others:
        await expect(row(ana, check["name"]).get_by_role("button", name="Cancel")).to_have_count(0)
        has_tests = check["checkType"] in ("BROWSER", "MULTI_STEP")
        await expect(row(ana, check["name"]).locator("svg.bar")).to_have_count(int(has_tests))

    await row(ana, "Shop one").get_by_role("button", name="Cancel").click()
    await ana.page.get_by_role("button", name="Cancel it").click()
    await held["Shop one"].stop_as_asked()
    await expect(row(ana, "Shop one").locator(".badge")).to_have_text("Cancelled")
    await expect(row(ana, "Shop two").locator(".badge")).to_have_text("Running")

    await ana.page.get_by_role("button", name="Cancel session").click()
    await ana.page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    await held["Shop two"].stop_as_asked()
    await expect(row(ana, "Shop two").locator(".badge")).to_have_text("Cancelled")
    await expect(ana.page.locator("#session-head .badge")).to_have_text("Running")
    await expect(ana.page.locator("#session-head")).to_contain_text("What still runs goes on to its end")
    for check in others:
        await held[check["name"]].finish(details={"response": {"asked": check["name"]}})
        await expect(row(ana, check["name"]).locator(".badge")).to_have_text("Passed")
    await expect(ana.page.locator("#session-head .badge")).to_have_text("Cancelled")

    await row(ana, "A url").locator("a.name").click()
    await expect(ana.page.get_by_role("region", name="Result")).to_contain_text('"asked": "A url"')
    await expect(ana.page.get_by_role("region", name="Tests")).to_have_count(0)


async def test_a_queued_run_without_a_runner_says_so_and_can_be_cancelled(ana: Visitor) -> None:
    check = await ana.api.create_suite(locations=["ap-south-1"])
    await ana.go("/checks")
    await ana.page.get_by_role("button", name=f"Schedule now: {check['name']}").click()
    await expect(row(ana, "ap-south-1")).to_contain_text("No runner is connected at ap-south-1")
    await ana.is_live()
    await row(ana, "ap-south-1").get_by_role("button", name="Cancel").click()
    await ana.page.get_by_role("button", name="Cancel it").click()
    await expect(row(ana, "ap-south-1").locator(".badge")).to_have_text("Cancelled")
    await row(ana, "ap-south-1").locator("a.name").click()
    await expect(ana.page.locator("#receipt")).to_contain_text("Nothing was ever started")


async def test_a_role_without_the_right_to_run_sees_no_action(
    ana: Visitor, visitor: Visitor, api: Api, runner: ScriptedRunner
) -> None:
    held = await start(ana, runner)
    address = ana.page.url
    await ana.page.get_by_role("button", name="Log out").click()
    await visitor.log_in_as(Role.READ_ONLY)
    await visitor.page.goto(address)
    await expect(row(visitor, EU)).to_contain_text("Running")
    await expect(visitor.page.get_by_role("button", name="Cancel", exact=False)).to_have_count(0)
    await expect(visitor.page.locator("#session-head")).to_contain_text("Your role may look")
    await visitor.go("/checks")
    await expect(visitor.page.get_by_role("button", name="Schedule now")).to_have_count(0)
    for run in held:
        await run.pass_with()


async def test_without_javascript_a_run_is_cancelled_by_forms_alone(
    ana: Visitor, runner: ScriptedRunner
) -> None:
    held = await start(ana, runner)
    state = await ana.page.context.storage_state()
    browser = ana.page.context.browser
    assert browser
    plain = await browser.new_context(java_script_enabled=False, storage_state=state)
    page = await plain.new_page()
    await page.goto(ana.page.url)
    await page.get_by_role("button", name=f"Cancel the run at {EU}").click()
    await page.get_by_role("button", name="Cancel it").click()
    await expect(page.locator("table.runs tbody tr").filter(has_text=EU)).to_contain_text("Cancelling…")
    await held[0].stop_as_asked()
    await held[1].pass_with()
    await page.reload()
    await expect(page.locator("#session-head .badge")).to_have_text("Cancelled")
    await plain.close()
