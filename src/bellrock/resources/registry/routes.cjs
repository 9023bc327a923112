// Which registries a package is asked of: as `.checkly/config/registries.json` says, or else as `.npmrc` does.

'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const FILE = path.join('.checkly', 'config', 'registries.json');
const KNOWN_VERSION = 1;

// A function from a package's name to upstreams, to be asked in their order: {url, authorization}.
function routes(root, variables) {
  const file = path.join(root, FILE);
  if (fs.existsSync(file)) return byFile(JSON.parse(fs.readFileSync(file, 'utf8')), variables);
  const npmrc = path.join(root, '.npmrc');
  return byNpmrc(fs.existsSync(npmrc) ? fs.readFileSync(npmrc, 'utf8') : '', variables);
}

function byFile(config, variables) {
  if (config.version !== KNOWN_VERSION) {
    throw new Error(`${FILE} has version ${config.version}; this runner knows version ${KNOWN_VERSION}.`);
  }
  const upstreams = {};
  for (const [name, { url, auth }] of Object.entries(config.upstreams)) {
    upstreams[name] = { url: folder(url), authorization: auth && `Bearer ${expanded(auth.token, variables, FILE)}` };
  }
  return name => {
    const rule = config.packages.find(one => matches(one.pattern, name));
    return rule ? rule.upstreams.map(upstream => upstreams[upstream]) : [];
  };
}

function byNpmrc(text, variables) {
  const settings = new Map();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([^;#=\s][^=]*?)\s*=\s*"?(.*?)"?\s*$/.exec(line) || [];
    if (key) settings.set(key, value);
  }
  const said = key => settings.has(key) && expanded(settings.get(key), variables, '.npmrc');
  return name => {
    const scope = name.startsWith('@') && name.split('/')[0];
    const url = folder((scope && said(`${scope}:registry`)) || variables.npm_config_registry || said('registry') || byDefault(variables));
    return [{ url, authorization: authorizationOf(url, said) }];
  };
}

// Where npm itself looks when nobody says where.
let found;
function byDefault(env) {
  found ||= execFileSync('npm', ['config', 'get', 'registry'], { env, encoding: 'utf8' }).trim();
  return found;
}

// The nearest `//host/path/:_authToken`, upwards from the registry's own path.
function authorizationOf(url, said) {
  const { host, pathname } = new URL(url);
  const parts = pathname.split('/').filter(Boolean);
  for (; ; parts.pop()) {
    const key = `//${[host, ...parts].join('/')}/:`;
    const token = said(`${key}_authToken`);
    if (token) return `Bearer ${token}`;
    const basic = said(`${key}_auth`);
    if (basic) return `Basic ${basic}`;
    const [user, password] = [said(`${key}username`), said(`${key}_password`)];
    if (user && password) {
      return `Basic ${Buffer.from(`${user}:${Buffer.from(password, 'base64')}`).toString('base64')}`;
    }
    if (!parts.length) return undefined;
  }
}

function expanded(text, variables, file) {
  return text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name) => {
    if (variables[name] === undefined) throw new Error(`${file} names the variable ${name}, which the check does not have.`);
    return variables[name];
  });
}

const folder = url => (url.endsWith('/') ? url : `${url}/`);

// One star stays within a scope or a name, two cross the slash, and two before a slash may stand for nothing.
function matches(pattern, name) {
  const tokens = pattern.match(/\*{2,}\/|\*+|[^*]/g) || [];
  const ends = new Map();
  const from = (token, at) => {
    const key = token * (name.length + 1) + at;
    if (!ends.has(key)) ends.set(key, step(token, at));
    return ends.get(key);
  };
  const step = (token, at) => {
    if (token === tokens.length) return at === name.length;
    const word = tokens[token];
    if (!word.startsWith('*')) return name[at] === word && from(token + 1, at + 1);
    if (word.endsWith('/')) {
      if (from(token + 1, at)) return true;
      for (let next = name.indexOf('/', at); next >= 0; next = name.indexOf('/', next + 1)) {
        if (from(token + 1, next + 1)) return true;
      }
      return false;
    }
    for (let next = at; next <= name.length; next++) {
      if (from(token + 1, next)) return true;
      if (word === '*' && name[next] === '/') return false;
    }
    return false;
  };
  return from(0, 0);
}

module.exports = { routes, matches };
