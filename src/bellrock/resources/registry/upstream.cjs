// Requests to other registries, through the machine's proxy where there is one.

'use strict';

const http = require('http');
const https = require('https');
const tls = require('tls');

const MOST_HOPS = 5;
const ANSWER_MS = 60_000;

// The answer to a GET. Redirects are followed; credentials go to the first host alone.
async function get(url, { authorization, ...headers }, hops = 0) {
  const answer = await send(url, authorization ? { ...headers, authorization } : headers);
  const to = answer.headers.location;
  if (!to || ![301, 302, 303, 307, 308].includes(answer.statusCode)) return answer;
  answer.resume();
  if (hops === MOST_HOPS) throw new Error(`${url.host} redirects without end`);
  const next = new URL(to, url);
  return get(next, next.origin === url.origin ? { ...headers, authorization } : headers, hops + 1);
}

async function text(answer) {
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  if (answer.statusCode !== 200) throw new Error(`a registry answered ${answer.statusCode}`);
  return Buffer.concat(chunks).toString();
}

async function send(url, headers) {
  const proxy = proxyOf(url);
  const options = { headers: { ...headers, host: url.host }, timeout: ANSWER_MS };
  if (proxy && url.protocol === 'https:') options.createConnection = await tunnel(url, proxy);
  const asked = proxy && url.protocol === 'http:' ? byProxy(url, proxy, options) : null;
  return new Promise((resolve, reject) => {
    const request = asked ? http.get(asked) : (url.protocol === 'https:' ? https : http).get(url, options);
    request.on('response', resolve);
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', error => reject(new Error(`${url.host}: ${error.message || error.code}`)));
  });
}

function byProxy(url, proxy, options) {
  const to = place(proxy);
  return { ...options, ...to, headers: { ...options.headers, ...to.headers }, path: url.href };
}

function tunnel(url, proxy) {
  const target = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const request = http.request({ ...place(proxy), method: 'CONNECT', path: target, timeout: ANSWER_MS });
    request.on('connect', (answer, socket) => {
      if (answer.statusCode === 200) resolve(() => tls.connect({ socket, servername: url.hostname }));
      else reject(new Error(`the proxy ${proxy.host} answered ${answer.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', error => reject(new Error(`the proxy ${proxy.host}: ${error.message || error.code}`)));
    request.end();
  });
}

function place(proxy) {
  const user = proxy.username && `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers = user && { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
  return { host: proxy.hostname, port: proxy.port || 80, ...(headers && { headers }) };
}

function proxyOf(url) {
  const { env } = process;
  const kind = url.protocol.slice(0, -1);
  const said = env[`${kind}_proxy`] || env[`${kind.toUpperCase()}_PROXY`];
  const exempt = (env.NO_PROXY || env.no_proxy || '').split(',').map(one => one.trim().replace(/^\*?\./, ''));
  const isExempt = exempt.some(one => one && (one === '*' || url.hostname === one || url.hostname.endsWith(`.${one}`)));
  return said && !isExempt ? new URL(said) : null;
}

module.exports = { get, text };
