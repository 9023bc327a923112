// Packages that a bundle brings with it: `.checkly/embedded-packages/<name>@<version>.tgz`, with + for /.

'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

const FOLDER = path.join('.checkly', 'embedded-packages');
const NAME = /^(?<name>@?[^@]+)@(?<version>[^@]+)\.tgz$/;
const BLOCK = 512;

// Name -> version -> file.
function readEmbedded(root) {
  const found = new Map();
  const folder = path.join(root, FOLDER);
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  for (const file of names) {
    const parts = NAME.exec(file)?.groups;
    if (!parts) continue;
    const name = parts.name.replace(/\+/g, '/');
    if (!found.has(name)) found.set(name, new Map());
    found.get(name).set(parts.version, path.join(folder, file));
  }
  return found;
}

// What a registry says of one version.
function manifestOf(file, address) {
  const archive = fs.readFileSync(file);
  const digest = (algorithm, encoding) => crypto.createHash(algorithm).update(archive).digest(encoding);
  return {
    ...JSON.parse(packageJson(zlib.gunzipSync(archive))),
    dist: { tarball: address, integrity: `sha512-${digest('sha512', 'base64')}`, shasum: digest('sha1', 'hex') },
  };
}

function packageJson(tar) {
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    const begin = at + BLOCK;
    if (/^[^/]+\/package\.json$/.test(name)) return tar.toString('utf8', begin, begin + size);
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new Error('an embedded package has no package.json');
}

module.exports = { readEmbedded, manifestOf };
