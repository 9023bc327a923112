import { expect, test } from '@playwright/test';
import { addToCart } from './shopper';

test('buys one of everything and finds the sum right', { tag: '@slow' }, async ({ page }) => {
  test.slow();
  await page.goto('/');
  const links = await page.getByRole('listitem').getByRole('link').all();
  const slugs = await Promise.all(links.map(async (link) => (await link.getAttribute('href'))!.split('/').pop()!));
  for (const [index, slug] of slugs.entries()) {
    await test.step(`put ${slug} into the cart`, async () => {
      await addToCart(page, slug);
      await expect(page.getByTestId('cart-count')).toHaveText(String(index + 1));
    });
  }
  await expect(page.getByRole('row', { name: 'Goods' })).toContainText('510.00 €');
  await expect(page.getByTestId('total')).toHaveText('459.00 €');
});

test('reads the whole catalogue, page by page', { tag: '@slow' }, async ({ page }) => {
  await page.goto('/');
  const names = await page.getByRole('heading', { level: 2 }).allTextContents();
  for (const name of names) {
    await test.step(`read about ${name}`, async () => {
      await page.getByRole('heading', { level: 2, name }).click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
      await expect(page.getByTestId('stock')).not.toHaveText('Asking the warehouse…');
      await page.getByRole('link', { name: 'Lighthouse Goods' }).click();
    });
  }
});
