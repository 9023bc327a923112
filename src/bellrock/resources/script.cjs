// Runs one setup or teardown script of an API check. Its only argument is a folder: `input.json` lies there,
// and `output.json` is left there, with what the script made of `request`, `response` and `process.env`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const Module = require('node:module');

const folder = fs.realpathSync(process.argv[2]);
const input = JSON.parse(fs.readFileSync(path.join(folder, 'input.json'), 'utf8'));
const file = path.join(folder, input.file);
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

// Not parameters of the script: `const request = require(...)` in it would be an error then.
globalThis.request = input.request;
if (input.response) globalThis.response = input.response;
else globalThis.response = undefined;

function changes() {
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (given[name] !== value) environment[name] = value;
  }
  const removed = Object.keys(given).filter((name) => process.env[name] === undefined);
  return { environment, removed };
}

// Typed files, and files that import what they need, become what Node takes: the script's own, and the files
// beside it, also where they are asked for under the name that they will have once they are compiled.
function compiler() {
  const { babelTransform } = Module.createRequire(path.join(folder, 'input.json'))('playwright/lib/transform/babelBundle');
  const compile = (code, name) => babelTransform(code, name, false, [], true).code;
  const isOwn = (name) => name.startsWith(path.join(folder, 'files', path.sep)) && !name.includes('/node_modules/');
  for (const suffix of ['.js', '.ts', '.mjs', '.mts', '.cjs', '.cts', '.jsx', '.tsx']) {
    const usual = Module._extensions[suffix] || Module._extensions['.js'];
    Module._extensions[suffix] = (module, name) => {
      if (isOwn(name)) module._compile(compile(fs.readFileSync(name, 'utf8'), name), name);
      else usual(module, name);
    };
  }
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...others) {
    try {
      return resolve.call(this, request, ...others);
    } catch (error) {
      const typed = request.replace(/\.([mc]?)js(x?)$/, '.$1ts$2');
      if (!request.startsWith('.') || typed === request) throw error;
      return resolve.call(this, typed, ...others);
    }
  };
  process.setSourceMapsEnabled(true);
  return compile;
}

async function main() {
  const code = input.isCompiled ? compiler()(input.code, file) : input.code;
  const script = new Module(file);
  script.filename = file;
  script.paths = Module._nodeModulePaths(path.dirname(file));
  // What stands around is on the script's first line: lines in errors are the script's then.
  script._compile(`module.exports = (async () => {${code}\n})`, file);
  await script.exports();
  finish({ request: globalThis.request, response: globalThis.response, ...changes() });
}

main().catch(fail);
