// Runs one setup or teardown script of an API check. Its only argument is a folder: `input.json` lies there,
// and `output.json` is left there, with what the script made of `request`, `response` and `process.env`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { createRequire } = require('node:module');

const folder = process.argv[2];
const input = JSON.parse(fs.readFileSync(path.join(folder, 'input.json'), 'utf8'));
const file = path.join(folder, `${input.name}.js`);
const exit = process.exit.bind(process);
let isDone = false;

function finish(output) {
  if (isDone) return;
  isDone = true;
  let text;
  try {
    text = JSON.stringify(output);
  } catch (error) {
    text = JSON.stringify({ error: `What it leaves is no JSON: ${error.message}` });
    output = { error: true };
  }
  fs.writeFileSync(path.join(folder, 'output.json'), text);
  exit(output.error ? 1 : 0);
}

function fail(error) {
  const isError = error instanceof Error || (error && typeof error.stack === 'string');
  if (isError) console.error(shortened(error.stack));
  finish({ error: isError ? `${error.name}: ${error.message}` : `Thrown: ${String(error)}` });
}

// The lines of this file say nothing to whoever wrote the script.
function shortened(stack) {
  return stack.split('\n').filter((line) => !line.includes(__filename) && !line.includes('node:')).join('\n');
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('exit', (code) => {
  if (!isDone) {
    const error = code === 0 || code === 13 ? 'It ended before it was done.' : `It ended with process.exit(${code}).`;
    fs.writeFileSync(path.join(folder, 'output.json'), JSON.stringify({ error }));
  }
});

for (const [name, value] of Object.entries(input.environment)) process.env[name] = value;
const given = { ...process.env };
process.argv.length = 1;

// Not parameters: `const request = require(...)` in a script would be an error then.
globalThis.request = input.request;
if (input.response) globalThis.response = input.response;
else globalThis.response = undefined;
globalThis.require = createRequire(file);
globalThis.module = { exports: {} };
globalThis.exports = globalThis.module.exports;

function changes() {
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (given[name] !== value) environment[name] = value;
  }
  const removed = Object.keys(given).filter((name) => process.env[name] === undefined);
  return { environment, removed };
}

async function main() {
  const options = { filename: file, lineOffset: -1 };
  const loader = vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (loader) options.importModuleDynamically = loader;
  // A line of its own for what stands around: lines in errors are the script's then.
  const script = new vm.Script(`(async () => {\n${input.code}\n})`, options);
  await script.runInThisContext()();
  finish({ request: globalThis.request, response: globalThis.response, ...changes() });
}

main().catch(fail);
