// Leads the `checkly` command's event connection to a Bellrock server: its host is fixed in the command.
//
//   NODE_OPTIONS=--require=<this file>   CHECKLY_EVENTS_URL=ws://bellrock.example:3000
//
// Only requests to that one host are touched; everything else passes as it is.

'use strict';

const http = require('http');
const https = require('https');

const EVENTS_HOST = /^events(-[a-z]+)?\.checklyhq\.com$/;
const target = process.env.CHECKLY_EVENTS_URL ? new URL(process.env.CHECKLY_EVENTS_URL) : null;

function led(options) {
  const isSecure = target.protocol === 'wss:' || target.protocol === 'https:';
  const port = target.port || (isSecure ? '443' : '80');
  const base = target.pathname.replace(/\/$/, '');
  const changed = { ...options, host: target.hostname, hostname: target.hostname, port, path: base + (options.path || '/') };
  changed.headers = { ...options.headers, Host: target.host };
  changed.servername = undefined;
  changed.agent = undefined;
  if (!isSecure) {
    changed.createConnection = undefined; // it would speak TLS
    changed.protocol = 'http:';
    changed.defaultPort = 80;
  }
  return { request: isSecure ? original : http.request, options: changed };
}

const original = https.request;
if (target) {
  https.request = function request(...given) {
    const options = given.find(one => one && typeof one === 'object' && !(one instanceof URL));
    if (!options || !EVENTS_HOST.test(options.hostname || options.host || '')) return original.apply(this, given);
    const way = led(options);
    return way.request(way.options, ...given.slice(given.indexOf(options) + 1));
  };
}
