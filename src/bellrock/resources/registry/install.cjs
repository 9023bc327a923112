// Installs a suite's packages past a registry of its own: what the bundle embeds comes from the bundle, and the
// rest from the registries that the bundle names.
//
//   node install.cjs <the bundle's root> <program> [argument...]
//
// It runs in the install's sandbox, with the check's variables, and ends with the program.

'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');

const { readEmbedded } = require('./embedded.cjs');
const { routes } = require('./routes.cjs');
const { serve } = require('./server.cjs');

const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock'];
const SETTINGS = ['.npmrc', '.yarnrc', '.yarnrc.yml', 'pnpm-workspace.yaml'];
// An archive's address ends alike in every registry; what comes before is where it was got from, once.
const ARCHIVE = /https?:\/\/[^\s"'#]+?\/((?:@[^\s"'#/]+(?:\/|%2f))?[^\s"'#/@]+)\/-\/([^\s"'#/]+\.tgz)/gi;
const ADDRESS = /https?:\/\/[^\s"']+/g;
const OWN_SETTING = /^(npm_config_(@.*:)?registry|yarn_registry|yarn_npm_registry_server)$/i;

async function main([root, program, ...words]) {
  const server = await serve(readEmbedded(root), routes(root, process.env));
  const here = `http://127.0.0.1:${server.address().port}`;
  lead(root, here);
  const child = spawn(program, words, { stdio: 'inherit', env: environment(here) });
  child.on('error', error => fail(`${program} cannot be started: ${error.message}`, 127));
  child.on('exit', code => process.exit(code ?? 1));
}

// The bundle's copy that is installed from is nobody else's: what it says about registries is changed in place.
function lead(folder, here) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.checkly') lead(file, here);
    else if (entry.isFile() && LOCK_FILES.includes(entry.name)) {
      rewrite(file, text => text.replace(ARCHIVE, (_, name, archive) => `${here}/${name}/-/${archive}`));
    } else if (entry.isFile() && SETTINGS.includes(entry.name)) rewrite(file, text => ledSettings(text, here));
  }
}

// Lines that name a registry, and those below `registries:`; tokens, which belong to hosts, stay.
function ledSettings(text, here) {
  let isBelow = false;
  const led = text.split('\n').map(line => {
    if (/^registries:/.test(line)) isBelow = true;
    else if (/^\S/.test(line)) isBelow = false;
    const key = line.split(/=|:\s|"\s/)[0];
    const isNamed = !key.trim().startsWith('//') && /registry(server)?["\s]*$/i.test(key);
    return isBelow || isNamed ? line.replace(ADDRESS, `${here}/`) : line;
  });
  return led.join('\n');
}

function rewrite(file, change) {
  const text = fs.readFileSync(file, 'utf8');
  const changed = change(text);
  if (changed !== text) fs.writeFileSync(file, changed);
}

function environment(here) {
  const kept = Object.entries(process.env).filter(([name]) => !OWN_SETTING.test(name));
  const exempt = ['127.0.0.1', process.env.NO_PROXY || process.env.no_proxy].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    npm_config_registry: `${here}/`,
    YARN_REGISTRY: here,
    YARN_NPM_REGISTRY_SERVER: here,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    NO_PROXY: exempt,
    no_proxy: exempt,
  };
}

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

main(process.argv.slice(2)).catch(error => fail(error.message));
