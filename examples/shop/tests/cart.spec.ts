import { expect, test } from '@playwright/test';
import { addToCart } from './shopper';

test.describe('cart', { tag: '@cart' }, () => {
  test('starts empty', async ({ page }) => {
    await page.goto('/cart');
    await expect(page.getByText('Your cart is empty')).toBeVisible();
    await expect(page.getByTestId('cart-count')).toHaveText('0');
  });

  test('counts what is put into it', { tag: '@smoke' }, async ({ page }) => {
    await addToCart(page, 'pen', 2);
    await addToCart(page, 'ink');
    await expect(page.getByTestId('cart-count')).toHaveText('3');
  });

  test('follows a changed quantity', async ({ page }) => {
    await addToCart(page, 'notebook');
    await page.getByLabel('Quantity of Dotted notebook').fill('3');
    await page.getByRole('button', { name: 'Update' }).click();
    await expect(page.getByRole('row', { name: 'Goods' })).toContainText('37.50 €');
  });

  test('forgets what is removed', async ({ page }) => {
    await addToCart(page, 'vase');
    await page.getByRole('button', { name: 'Remove Tall vase' }).click();
    await expect(page.getByText('Your cart is empty')).toBeVisible();
  });

  test('ships free from 50 € on', async ({ page }) => {
    await addToCart(page, 'vase');
    await expect(page.getByRole('row', { name: 'Shipping' })).toContainText('4.90 €');
    await addToCart(page, 'vase');
    await expect(page.getByRole('row', { name: 'Shipping' })).toContainText('0.00 €');
  });

  test('takes 10 % off an order of exactly 100 €, as the banner promises', { tag: '@discount' }, async ({ page }) => {
    await addToCart(page, 'pen', 2);
    await expect(page.getByRole('row', { name: 'Goods' })).toContainText('100.00 €');
    await expect(page.getByTestId('total')).toHaveText('90.00 €', { timeout: 2_000 });
  });

  test('takes 10 % off larger orders', { tag: '@discount' }, async ({ page }) => {
    await addToCart(page, 'grinder', 2);
    await expect(page.getByTestId('total')).toHaveText('130.50 €');
  });
});
