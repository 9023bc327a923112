// What scripts of browser and multistep checks import as `@checkly/playwright-helpers`.

'use strict';

const fs = require('fs');

// Read once: a script may change its environment.
const findings = process.env.BELLROCK_FINDINGS;

function markCheckAsDegraded(reason) {
  if (reason !== undefined && typeof reason !== 'string') throw new TypeError('markCheckAsDegraded: reason must be a string');
  console.log(reason ? `Marked as degraded: ${reason}` : 'Marked as degraded.');
  fs.appendFileSync(findings, JSON.stringify({ type: 'degraded', message: (reason || '').slice(0, 1000) }) + '\n');
}

function getAPIResponseTime(response) {
  if (!response || typeof response.timing !== 'function') throw new TypeError('getAPIResponseTime: response must be an APIResponse of Playwright');
  return response.timing().responseEnd;
}

exports.markCheckAsDegraded = markCheckAsDegraded;
exports.getAPIResponseTime = getAPIResponseTime;
