import type { Page } from '@playwright/test';

/** Puts a product into the cart the way a person does; ends on the cart's page. */
export async function addToCart(page: Page, slug: string, quantity = 1): Promise<void> {
  await page.goto(`/products/${slug}`);
  await page.getByLabel('Quantity').fill(String(quantity));
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.waitForURL('/cart');
}

/** Fills in the checkout form with an address that the shop accepts. */
export async function fillCheckout(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('Grace Hopper');
  await page.getByLabel('E-mail').fill('grace@example.com');
  await page.getByLabel('Postcode').fill('20095');
  await page.getByLabel('Card number').fill('4242 4242 4242 4242');
}
