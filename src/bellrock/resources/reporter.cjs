// The platform's live reporter. Playwright loads it by PW_TEST_REPORTER, beside the suite's own reporters.
//
// Each event is one JSON line, appended and written synchronously: what was written survives whatever
// happens to this process, and a reader meets at most one torn line, the last one.
//   BELLROCK_EVENTS   the file of events
//   BELLROCK_BLOB     the file of Playwright's own report messages, from which reports can be rebuilt (optional)
//   BELLROCK_REPORTS  the folder for report.json and html/ (optional)
// Only the public Reporter API is used here; what is private to Playwright lives in builtin.cjs, and
// nothing there may fail the suite.

'use strict';

const fs = require('fs');
const path = require('path');
const { Builtin } = require('./builtin.cjs');

const LONGEST_TITLE = 1000;
const LONGEST_MESSAGE = 8 * 1024;
const LONGEST_OUTPUT_OF_A_TEST = 64 * 1024;
const LONGEST_OUTPUT = 4 * 1024 * 1024;
const MOST_STEPS_OF_A_TEST = 2000;
const MOST_ERRORS_OF_A_TEST = 10;
const ANSI = new RegExp('\\u001b\\[[0-9;:?]*[ -/]*[@-~]', 'g');

class LiveReporter {
  constructor(options = {}) {
    this.file = fs.openSync(process.env.BELLROCK_EVENTS, 'a');
    this.rootDir = process.cwd();
    this.stepNumbers = new WeakMap();
    this.stepsOfTest = new Map(); // of the execution that goes on
    this.lastStep = 0;
    this.outputOfTest = new Map();
    this.output = 0;
    this.awaitingRetry = new Map();
    this.send('hello', { pid: process.pid, node: process.version });
    this.builtin = new Builtin(options, (what, error) => this.send('degraded', { what, message: String((error && error.stack) || error) }));
  }

  printsToStdio() {
    return false; // otherwise Playwright would leave out its terminal reporter
  }

  send(type, fields) {
    try {
      fs.writeSync(this.file, JSON.stringify({ type, at: Date.now(), ...fields }) + '\n');
    } catch (error) {
      if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
    }
  }

  place(location) {
    return location ? { file: path.relative(this.rootDir, location.file), line: location.line } : {};
  }

  error(error) {
    const message = error.message || error.value || error.stack || 'unknown error';
    return { message: plain(message, LONGEST_MESSAGE), snippet: error.snippet ? plain(error.snippet, LONGEST_MESSAGE) : undefined, ...this.place(error.location) };
  }

  onBegin(config, suite) {
    this.rootDir = config.rootDir;
    this.send('begin', {
      version: config.version,
      workers: config.workers,
      outputDirs: config.projects.map(project => project.outputDir),
      tests: suite.allTests().map(test => ({
        id: test.id,
        project: (test.parent.project() || {}).name || '',
        ...this.place(test.location),
        title: test.titlePath().slice(3).map(title => plain(title, LONGEST_TITLE)),
        tags: test.tags || [],
      })),
    });
    this.builtin.onBegin(config, suite);
  }

  onTestBegin(test, result) {
    this.awaitingRetry.delete(test.id);
    this.stepsOfTest.set(test.id, 0);
    this.send('testBegin', { id: test.id, retry: result.retry, worker: result.workerIndex });
    this.builtin.call('onTestBegin', test, result);
  }

  onStepBegin(test, result, step) {
    const steps = (this.stepsOfTest.get(test.id) || 0) + 1;
    this.stepsOfTest.set(test.id, steps);
    if (steps <= MOST_STEPS_OF_A_TEST) {
      this.stepNumbers.set(step, ++this.lastStep);
      this.send('stepBegin', {
        id: test.id, retry: result.retry, step: this.lastStep, parent: (step.parent && this.stepNumbers.get(step.parent)) || null,
        category: step.category, title: plain(step.title, LONGEST_TITLE),
      });
    }
    this.builtin.call('onStepBegin', test, result, step);
  }

  onStepEnd(test, result, step) {
    const number = this.stepNumbers.get(step);
    if (number)
      this.send('stepEnd', { id: test.id, retry: result.retry, step: number, ms: Math.max(0, step.duration), error: step.error ? this.error(step.error).message : undefined });
    this.builtin.call('onStepEnd', test, result, step);
  }

  onStdOut(chunk, test, result) {
    this.printed('stdout', chunk, test);
    this.builtin.call('onStdOut', chunk, test, result);
  }

  onStdErr(chunk, test, result) {
    this.printed('stderr', chunk, test);
    this.builtin.call('onStdErr', chunk, test, result);
  }

  // The whole output goes to the terminal and to the log; here are the first words of each test.
  printed(stream, chunk, test) {
    if (!test) return;
    const used = this.outputOfTest.get(test.id) || 0;
    const text = (Buffer.isBuffer(chunk) ? chunk.toString('utf8') : String(chunk)).slice(0, Math.max(0, LONGEST_OUTPUT_OF_A_TEST - used));
    if (!text || this.output + text.length > LONGEST_OUTPUT) return;
    this.output += text.length;
    this.outputOfTest.set(test.id, used + text.length);
    this.send('output', { id: test.id, stream, text });
  }

  onTestEnd(test, result) {
    const failed = result.status !== 'skipped' && result.status !== 'interrupted' && result.status !== test.expectedStatus;
    const willRetry = failed && result.retry < test.retries;
    const ended = {
      id: test.id, retry: result.retry, status: result.status, outcome: test.outcome(), ms: Math.max(0, result.duration),
      errors: (result.errors || []).slice(0, MOST_ERRORS_OF_A_TEST).map(error => this.error(error)),
    };
    if (willRetry) this.awaitingRetry.set(test.id, ended);
    const files = result.attachments.filter(one => one.path).map(one => ({ name: one.name, contentType: one.contentType, path: one.path }));
    this.send('testEnd', { ...ended, final: !willRetry, attachments: files });
    this.builtin.call('onTestEnd', test, result);
  }

  onError(error) {
    this.send('error', this.error(error));
    this.builtin.call('onError', error);
  }

  async onEnd(result) {
    // A retry that was due and did not come (failure limit, interruption): the last execution stands.
    for (const ended of this.awaitingRetry.values()) this.send('testEnd', { ...ended, final: true, attachments: [] });
    this.send('end', { status: result.status, ms: result.duration });
    this.send('reports', { written: await this.builtin.onEnd(result) });
  }

  async onExit() {
    this.send('exit', {});
  }
}

function plain(text, longest) {
  const clean = String(text).replace(ANSI, '');
  return clean.length > longest ? clean.slice(0, longest) + '…' : clean;
}

module.exports = LiveReporter;
