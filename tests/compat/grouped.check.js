// Checks in a group that is deployed with them, one of which has a file beside its script.
const { ApiCheck, BrowserCheck, CheckGroupV2, EmailAlertChannel } = require('checkly/constructs');
const mail = new EmailAlertChannel('mail', { address: 'ops@shop.test' });
const group = new CheckGroupV2('team', {
  name: 'Team', alertChannels: [mail], environmentVariables: [{ key: 'PLACE', value: 'of-the-group' }],
});
new ApiCheck('grouped', {
  name: 'Grouped', activated: true, group, request: { method: 'GET', url: `${process.env.SITE_URL}/{{PLACE}}` },
});
new BrowserCheck('beside', {
  name: 'Beside', activated: true, tags: ['beside'], group, code: { entrypoint: './beside.spec.js' },
});
