import { defineConfig, devices } from '@playwright/test';

// The shop takes a free port and prints it; Playwright reads it from there into SHOP_PORT before the first
// worker starts. So any number of runs fit on one machine at once. PORT=4000 asks for a fixed one.
const shopUrl = `http://127.0.0.1:${process.env.SHOP_PORT}`;

export default defineConfig({
  testDir: './tests',
  timeout: 30_000,
  expect: { timeout: 5_000 },
  forbidOnly: Boolean(process.env.CI),
  retries: 1,
  workers: 1,
  reporter: [['list'], ['html', { open: 'never' }]],
  use: {
    baseURL: shopUrl,
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'] } },
    // On a phone: what must always work, and what earns the money.
    { name: 'mobile', use: { ...devices['Pixel 7'] }, grep: /@smoke|@checkout/ },
  ],
  webServer: {
    command: 'node shop/server.mjs',
    wait: { stdout: /on http:\/\/127\.0\.0\.1:(?<shop_port>\d+)/ },
    timeout: 20_000,
  },
});
