// Playwright's own reporters, run inside ours: HTML and JSON so that every run has both whatever the
// suite's config says, and blob so that reports can be made later of a run that was killed.
//
// How they are reached is private to Playwright and differs between versions, so everything here is
// best effort: a failure is told once through `degraded`, and the suite goes on.

'use strict';

const fs = require('fs');
const path = require('path');

const OVERRIDES = /^PLAYWRIGHT_(JSON|HTML|BLOB)_|^PW_TEST_(HTML_REPORT_OPEN|REPORTER)$/;

class Builtin {
  constructor(options, degraded) {
    this.degraded = degraded;
    this.hosted = []; // { name, reporter }
    this.failed = new Set();
    this.queue = [];
    this.ready = this.attempt('reporters', () => this.create(options)) || Promise.resolve();
  }

  async create(options) {
    const reports = process.env.BELLROCK_REPORTS;
    const wanted = [];
    if (process.env.BELLROCK_BLOB) wanted.push(['blob', {}]);
    if (reports) wanted.push(['json', { outputFile: path.join(reports, 'report.json') }], ['html', { outputFolder: path.join(reports, 'html'), open: 'never' }]);
    const folder = playwrightFolder();
    const shared = { ...options, configDir: options.configDir || process.cwd() };
    const made = await withoutOverrides(() => makeReporters(folder, wanted, shared));
    made.forEach((reporter, index) => this.hosted.push({ name: wanted[index][0], reporter }));
    const blob = this.hosted.find(one => one.name === 'blob');
    if (blob) streamBlob(blob, fs.openSync(process.env.BELLROCK_BLOB, 'a'));
    for (const [method, args] of this.queue.splice(0)) this.deliver(method, args);
    this.queue = null;
  }

  onBegin(config, suite) {
    this.call('onConfigure', config);
    this.call('onBegin', suite);
  }

  call(method, ...args) {
    if (this.queue) this.queue.push([method, args]);
    else this.deliver(method, args);
  }

  deliver(method, args) {
    for (const { name, reporter } of this.hosted) {
      if (!reporter[method] || this.failed.has(name)) continue;
      this.attempt(name, () => withoutOverrides(() => reporter[method](...args)));
    }
  }

  async onEnd(result) {
    await this.ready;
    const written = [];
    for (const { name, reporter } of this.hosted) {
      if (this.failed.has(name)) continue;
      await this.attempt(name, () => withoutOverrides(() => reporter.onEnd(result)));
      if (!this.failed.has(name)) written.push(name);
    }
    return written;
  }

  attempt(name, action) {
    const note = error => {
      if (!this.failed.has(name)) this.degraded(name, error);
      this.failed.add(name);
    };
    try {
      const done = action();
      return done && done.then ? done.then(undefined, note) : done;
    } catch (error) {
      note(error);
    }
  }
}

function playwrightFolder() {
  const cli = fs.realpathSync(process.argv[1]);
  return path.dirname(require.resolve('playwright/package.json', { paths: [path.dirname(cli), process.cwd()] }));
}

async function makeReporters(folder, wanted, shared) {
  const bundled = path.join(folder, 'lib', 'runner', 'index.js');
  if (!fs.existsSync(path.join(folder, 'lib', 'reporters')) && fs.existsSync(bundled)) {
    const config = { configDir: shared.configDir, config: { reporter: wanted, tags: [] } };
    return (await require(bundled).runnerReporters.createReporters(config, 'merge', wanted)).slice(0, wanted.length);
  }
  return wanted.map(([name, options]) => {
    const exported = require(path.join(folder, 'lib', 'reporters', name + '.js'));
    return new (exported.default || exported.BlobReporter)({ ...shared, ...options });
  });
}

// The check's own variables may say where ITS reports go. They must not move ours: these are read when
// a reporter is made and when it begins or ends, so they are out of sight for just as long.
function withoutOverrides(action) {
  const hidden = Object.entries(process.env).filter(([name]) => OVERRIDES.test(name));
  const restore = () => { for (const [name, value] of hidden) process.env[name] = value; };
  for (const [name] of hidden) delete process.env[name];
  let done;
  try {
    done = action();
  } finally {
    if (!(done && done.then)) restore();
  }
  return done && done.then ? done.finally(restore) : done;
}

// The blob reporter keeps its messages until the end and then zips them. Ours are written as they come.
function streamBlob(hosted, file) {
  const blob = hosted.reporter;
  const emit = Object.getPrototypeOf(Object.getPrototypeOf(blob));
  const drain = () => {
    const lines = blob._attachments.splice(0).map(params => ({ method: 'attachment', params }));
    lines.push(...blob._messages.splice(0));
    if (lines.length) fs.writeSync(file, lines.map(line => JSON.stringify(line) + '\n').join(''));
  };
  const streamed = {
    onEnd: async result => {
      await emit.onEnd.call(blob, result);
      drain();
    },
  };
  for (const method of ['onConfigure', 'onBegin', 'onTestBegin', 'onTestEnd', 'onStepBegin', 'onStepEnd', 'onStdOut', 'onStdErr', 'onError']) {
    streamed[method] = (...args) => {
      blob[method](...args);
      drain();
    };
  }
  hosted.reporter = streamed;
}

module.exports = { Builtin };
