// A check of every type that this version of the command and Bellrock both know.
const {
  ApiCheck, AssertionBuilder, BrowserCheck, DnsMonitor, HeartbeatMonitor, IcmpMonitor, MultiStepCheck, TcpMonitor,
  UrlMonitor,
} = require('checkly/constructs');
const activated = true;
const code = (body) => ({ content: `import { test, expect } from '@playwright/test'; test('t', ${body});` });
new UrlMonitor('url', { name: 'Url', activated, request: { url: process.env.SITE_URL } });
new ApiCheck('api', {
  name: 'Api', activated,
  request: { method: 'GET', url: process.env.SITE_URL, assertions: [AssertionBuilder.statusCode().equals(418)] },
});
new ApiCheck('down', { name: 'Down', activated, request: { method: 'GET', url: 'http://127.0.0.1:9/' } });
new TcpMonitor('tcp', { name: 'Tcp', activated, request: { hostname: '127.0.0.1', port: 9 } });
new DnsMonitor('dns', {
  name: 'Dns', activated, request: { recordType: 'A', query: 'localhost', nameServer: '127.0.0.1', port: 9 },
});
new IcmpMonitor('icmp', { name: 'Icmp', activated, request: { hostname: '127.0.0.1', pingCount: 1 } });
new HeartbeatMonitor('beat', { name: 'Beat', activated, period: 1, periodUnit: 'hours', grace: 5, graceUnit: 'minutes' });
new BrowserCheck('browser', {
  name: 'Browser', activated, code: code("async ({ page }) => { await page.goto('about:blank'); expect(1).toBe(2); }"),
});
new MultiStepCheck('steps', { name: 'Steps', activated, code: code('async ({ request }) => { expect(1).toBe(1); }') });
