import { expect, test } from '@playwright/test';
import texts from '@shop/texts';

test('shows the text of another package', async ({ page }) => {
  await page.setContent(`<h1>${texts.heading}</h1>`);
  await expect(page.locator('h1')).toHaveText('four');
  expect(texts.patched).toBe(true);
});
