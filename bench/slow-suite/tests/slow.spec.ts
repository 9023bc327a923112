import { expect, test } from '@playwright/test';

// Of each test: with 50 it works on a page for about ten seconds, long enough that a cancel at a random
// moment meets it at work, in a click, an assertion or a navigation.
const CLICKS = Number(process.env.CLICKS ?? 50);

for (const part of ['one', 'two', 'three', 'four', 'five', 'six']) {
  test(`part ${part} counts clicks`, async ({ page }) => {
    await page.setContent('<button>more</button><output>0</output>');
    await page.evaluate(() => {
      const output = document.querySelector('output')!;
      document.querySelector('button')!.onclick = () => (output.textContent = String(Number(output.textContent) + 1));
    });
    for (let count = 1; count <= CLICKS; count += 1) {
      await page.getByRole('button').click();
      await expect(page.locator('output')).toHaveText(String(count));
      await page.waitForTimeout(180);
    }
  });
}
