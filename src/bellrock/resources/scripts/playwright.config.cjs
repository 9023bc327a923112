// The configuration that scripts of browser and multistep checks run with.
//
//   BELLROCK_SCRIPT    the script's file; packages are resolved from where it lies
//   BELLROCK_FINDINGS  the file of findings (see observe.cjs)
//   BELLROCK_SECRETS   the file of secrets that the script comes to know
//   BELLROCK_RECORD    traces and videos: `on`, or `retain-on-failure`
//   BELLROCK_VIDEOS    the folder for videos of pages that the script makes by itself; empty for no videos
//   BELLROCK_AGENT     the user agent where it is no browser's

'use strict';

const path = require('path');
const { createRequire } = require('module');
const { Observer } = require('./observe.cjs');
const { watchSecrets } = require('./secrets.cjs');

const { BELLROCK_SCRIPT: script, BELLROCK_FINDINGS: findings, BELLROCK_SECRETS: secrets, BELLROCK_RECORD: record, BELLROCK_VIDEOS: videos, BELLROCK_AGENT: userAgent } = process.env;
const ACTION_MS = 30_000;

// Playwright loads this file in its main process, and again in each worker, where the script runs.
if (process.env.TEST_WORKER_INDEX !== undefined) {
  watchSecrets(secrets);
  const packages = createRequire(script);
  const { test } = packages('@playwright/test');
  new Observer(packages('playwright-core'), { test, findings, videos, browser: !userAgent }).install();
}

module.exports = {
  testDir: path.dirname(script),
  testMatch: new RegExp('^' + script.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') + '$'),
  // The run has one cap. What a single action waits for is bounded, so that there is time to say what it was.
  timeout: 0,
  workers: 1,
  retries: 0,
  reporter: 'list',
  use: {
    actionTimeout: ACTION_MS,
    navigationTimeout: ACTION_MS,
    screenshot: 'only-on-failure',
    trace: record,
    video: videos ? record : 'off',
    ...(userAgent ? { userAgent } : {}),
  },
};
