// Variables that a script sets, and whose names begin with CHECKLY_SECRET_, hold secrets. Each is written down
// before the script can use it, so that the runner knows what to remove from everything that follows.

'use strict';

const fs = require('fs');

const PREFIX = 'CHECKLY_SECRET_';
const MOST_SECRETS = 20;
const MOST_BYTES = 128 * 1024;

function watchSecrets(file) {
  const written = new Set();
  let bytes = 0;

  function write(name, value) {
    if (!value || written.has(value)) return;
    bytes += Buffer.byteLength(value);
    if (written.size >= MOST_SECRETS || bytes > MOST_BYTES)
      throw new Error(`${name}: a script may set ${MOST_SECRETS} secrets of ${MOST_BYTES / 1024} KB together`);
    written.add(value);
    fs.appendFileSync(file, JSON.stringify(value) + '\n');
  }

  process.env = new Proxy(process.env, {
    set(variables, name, value) {
      if (typeof name === 'string' && name.startsWith(PREFIX)) write(name, String(value));
      variables[name] = value;
      return true;
    },
    defineProperty(variables, name, descriptor) {
      if (typeof name === 'string' && name.startsWith(PREFIX)) write(name, String(descriptor.value));
      return Reflect.defineProperty(variables, name, descriptor);
    },
  });
}

module.exports = { watchSecrets };
