"""Every page in every state fits its window: nothing is cut off, and nothing scrolls sideways."""

import pytest
from playwright.async_api import Browser

from tests.browser import examples
from tests.browser.gallery import SIZES, STATES, create_gallery
from tests.browser.serving import serving

CUT_OFF = """() => {
  const wide = document.documentElement.clientWidth;
  const outside = document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : [];
  for (const each of document.querySelectorAll("a, button, input, select, caption, h1, h2")) {
    const box = each.getBoundingClientRect();
    const holder = (each.closest(".panel") ?? document.body).getBoundingClientRect();
    const shown = box.width > 1 && box.height > 1 && !each.closest("dialog, .visually-hidden, .skip");
    if (shown && (box.left < holder.left - 1 || box.right > holder.right + 1)) outside.push(each.outerHTML);
  }
  return outside;
}"""


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_to_press_is_cut_off(chromium: Browser, size: str) -> None:
    width, height = SIZES[size]
    tab = await chromium.new_page(viewport={"width": width, "height": height})
    cut_off = {}
    async with serving(create_gallery()) as base:
        await tab.clock.set_fixed_time(examples.NOW)
        for state in STATES:
            await tab.goto(f"{base}/{state}")
            cut_off[state] = await tab.evaluate(CUT_OFF)
    await tab.close()
    assert {state: found for state, found in cut_off.items() if found} == {}
