// The registry that package managers are led to, on this machine alone.

'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');

const { manifestOf } = require('./embedded.cjs');
const { get, text } = require('./upstream.cjs');

const ABBREVIATED = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';
const PACKAGE = /^\/(?<name>(?:@[^/]+\/)?[^/@-][^/]*)$/;
const ARCHIVE = /^\/(?<name>(?:@[^/]+\/)?[^/]+)\/-\/(?<file>[^/]+\.tgz)$/;
const ELSEWHERE = /^\/-\/elsewhere\/(?<name>[^/]+)\/(?<address>[\w-]+)$/;

async function serve(embedded, routesOf) {
  const server = http.createServer((request, response) => {
    answer(request, response).catch(error => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
      response.end(error.message);
    });
  });

  async function answer(request, response) {
    const asked = decodeURIComponent(new URL(request.url, 'http://registry').pathname);
    const archive = ARCHIVE.exec(asked)?.groups;
    const elsewhere = ELSEWHERE.exec(asked)?.groups;
    const named = PACKAGE.exec(asked)?.groups;
    if (archive) return sendArchive(archive.name, archive.file, response);
    if (elsewhere) return sendElsewhere(elsewhere, response);
    if (named) return sendPackage(named.name, request.headers.accept || ABBREVIATED, response);
    return missing(response, asked);
  }

  async function sendArchive(name, file, response) {
    const version = file.slice(path.posix.basename(name).length + 1, -'.tgz'.length);
    const own = embedded.get(name)?.get(version);
    if (own) return fs.createReadStream(own).pipe(response);
    const found = await first(name, `${encoded(name)}/-/${encodeURIComponent(file)}`, {});
    return found ? pass(found.answer, response) : missing(response, `${name} ${version}`);
  }

  async function sendElsewhere({ name, address }, response) {
    const url = new URL(Buffer.from(address, 'base64url').toString());
    const package_ = Buffer.from(name, 'base64url').toString();
    // A token goes to the host that it was given for, and to no other one that a registry may name.
    const authorization = routesOf(package_).find(one => new URL(one.url).origin === url.origin)?.authorization;
    return pass(await get(url, { authorization }), response);
  }

  async function sendPackage(name, accept, response) {
    const found = await first(name, encoded(name), { accept }).catch(error => {
      if (embedded.has(name)) return null; // the bundle has it, whoever else does not answer
      throw error;
    });
    if (!found && !embedded.has(name)) return missing(response, name);
    const known = found ? JSON.parse(await text(found.answer)) : { name, versions: {} };
    for (const version of Object.values(known.versions)) version.dist.tarball = led(name, version.dist.tarball);
    for (const [version, file] of embedded.get(name) || []) {
      known.versions[version] = manifestOf(file, `${here()}/${name}/-/${path.posix.basename(name)}-${version}.tgz`);
      known['dist-tags'] = { latest: version, ...known['dist-tags'] };
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(known));
  }

  // The first upstream that has it. One that does not answer ends the search: another may have something else
  // under that name.
  async function first(name, place, headers) {
    for (const { url, authorization } of routesOf(name)) {
      const answer = await get(new URL(place, url), { ...headers, authorization });
      if (answer.statusCode === 404) answer.resume();
      else return { answer };
    }
    return null;
  }

  const here = () => `http://127.0.0.1:${server.address().port}`;
  const based = value => Buffer.from(value).toString('base64url');
  const led = (name, address) => `${here()}/-/elsewhere/${based(name)}/${based(address)}`;
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return server;
}

const encoded = name => name.replace('/', '%2f');

function pass(answer, response) {
  const kept = ['content-type', 'content-length', 'content-encoding'].filter(name => answer.headers[name]);
  response.writeHead(answer.statusCode, Object.fromEntries(kept.map(name => [name, answer.headers[name]])));
  answer.pipe(response);
  answer.on('error', () => response.destroy());
}

function missing(response, what) {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: `${what} is in none of the bundle's registries` }));
}

module.exports = { serve };
