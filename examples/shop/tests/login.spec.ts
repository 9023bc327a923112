import { expect, test } from '@playwright/test';

test.beforeEach(async ({ page }) => {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill('ada@example.com');
});

test('greets a person who knows the password', { tag: '@smoke' }, async ({ page }) => {
  await page.getByLabel('Password').fill('lovelace');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Hello, Ada');
});

test('does not say whether it was the e-mail or the password', async ({ page }) => {
  await page.getByLabel('Password').fill('babbage');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toHaveText('E-mail or password is wrong.');
});

test('forgets the person after logging out', async ({ page }) => {
  await page.getByLabel('Password').fill('lovelace');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.goto('/account');
  await expect(page).toHaveURL('/login');
});
