import { expect, test } from '@playwright/test';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
});

test('shows everything that is for sale', { tag: '@smoke' }, async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Things that last');
  await expect(page.getByRole('listitem')).toHaveCount(12);
});

test('finds products by a word of their description', { tag: '@smoke' }, async ({ page }) => {
  await page.getByRole('searchbox').fill('steel');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.getByRole('status')).toHaveText('2 products');
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(['Round teapot', 'Fountain pen']);
});

test('says so when nothing matches, and offers the way back', async ({ page }) => {
  await page.getByRole('searchbox').fill('submarine');
  await page.getByRole('searchbox').press('Enter');
  await expect(page.getByRole('status')).toHaveText('0 products');
  await page.getByRole('link', { name: 'Show everything' }).click();
  await expect(page.getByRole('status')).toHaveText('12 products');
});

test('shows what was searched for as text, never as markup', async ({ page }) => {
  await page.goto('/?q=' + encodeURIComponent('"><b>bold</b>'));
  await expect(page.getByRole('searchbox')).toHaveValue('"><b>bold</b>');
});
