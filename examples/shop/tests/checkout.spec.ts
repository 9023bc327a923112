import { expect, test } from '@playwright/test';
import { addToCart, fillCheckout } from './shopper';

test.describe('checkout', { tag: '@checkout' }, () => {
  test.beforeEach(async ({ page }) => {
    await addToCart(page, 'clock');
    await page.getByRole('link', { name: 'Go to checkout' }).click();
  });

  test('names every field that is wrong', async ({ page }) => {
    await page.getByLabel('E-mail').fill('grace at home');
    await page.getByRole('button', { name: 'Pay now' }).click();
    await expect(page.getByText('That is not an e-mail address.')).toBeVisible();
    await expect(page.getByText('A postcode has five digits.')).toBeVisible();
    await expect(page.getByLabel('E-mail')).toHaveValue('grace at home');
  });

  test('takes the money and empties the cart', { tag: '@smoke' }, async ({ page }) => {
    await fillCheckout(page);
    await page.getByRole('button', { name: 'Pay now' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Thank you, Grace Hopper');
    await expect(page.getByTestId('cart-count')).toHaveText('0');
  });

  test('follows the order to the door', { tag: '@slow' }, async ({ page }) => {
    await fillCheckout(page);
    await page.getByRole('button', { name: 'Pay now' }).click();
    const status = page.getByRole('status');
    for (const stage of ['Paid', 'Packed', 'Shipped', 'Delivered']) {
      await test.step(`wait until the order is ${stage.toLowerCase()}`, async () => {
        await expect(status).toHaveText(stage, { timeout: 8_000 });
      });
    }
  });
});
