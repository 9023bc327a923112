"""What guests do with the book."""

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(autouse=True)
def at_the_book(page: Page) -> None:
    page.goto("/")


@pytest.mark.smoke
def test_has_a_title(page: Page) -> None:
    expect(page).to_have_title("Guest book")


@pytest.mark.smoke
@pytest.mark.parametrize("name", ["Ada", "Grace", "<b>Mallory</b>"])
def test_shows_who_has_signed(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign").click()
    expect(page.get_by_role("listitem").filter(has_text=name)).to_be_visible()


def test_takes_many_guests(page: Page) -> None:
    before = page.get_by_role("listitem").count()
    for guest in range(1, 21):
        page.get_by_label("Your name").press_sequentially(f"Guest {guest}", delay=50)
        page.get_by_role("button", name="Sign").click()
        expect(page.get_by_role("listitem")).to_have_count(before + guest)
