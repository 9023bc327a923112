import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: './tests',
  workers: 1,
  retries: 0,
  timeout: 60_000,
  reporter: [['html', { open: 'never' }]],
  use: { trace: 'on', headless: true },
});
