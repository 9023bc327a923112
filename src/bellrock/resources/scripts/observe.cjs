// What a script does is watched from inside its Playwright worker, and told as findings: JSON lines.
//
//   vitals     a page and what is known of its web vitals by now; later lines of a visit replace earlier ones
//   error      of a page: `kind` is console, network or document
//   request    of the request API, with the steps it was made in
//   soft, hard a soft assertion that failed, or anything else that did, by test
//
// Parts of this lean on what is private to Playwright. That is kept here, and works with the one version
// that is installed for scripts.

'use strict';

const fs = require('fs');
const path = require('path');

const MOST_FINDINGS = 5000;
const LONGEST_TEXT = 1000;
const NO_BROWSER = 'A multistep check has the request API, and no browser: make it a browser check.';
const FIRST_ERROR_STATUS = 400;
const OF_THE_NETWORK = 'Failed to load resource'; // what Chromium prints for each request that failed
const LOOK_EVERY_MS = 20;
const QUIET_MS = 2000;

class Observer {
  constructor(library, options) {
    this.library = library;
    this.options = options;
    this.told = 0;
    this.patched = new WeakSet();
    this.stepPaths = new WeakMap();
    this.calls = new Set();
    this.browsers = new Set();
    this.vitals = fs.readFileSync(path.join(__dirname, 'vitals.js'), 'utf8');
  }

  // Pages may have no end of things to tell.
  tell(finding) {
    if (this.told++ < MOST_FINDINGS) this.write(finding);
  }

  write(finding) {
    fs.appendFileSync(this.options.findings, JSON.stringify(finding) + '\n');
  }

  install() {
    const inner = this.library._instrumentation;
    inner.addListener({
      onApiCallBegin: call => this.calls.add(call),
      onApiCallEnd: call => this.calls.delete(call),
      runBeforeCreateBrowserContext: async options => this.record(options),
      runAfterCreateBrowserContext: context => this.watchContext(context),
      runAfterCreateRequestContext: async context => this.watchRequests(context),
    });
    // Playwright adds a listener of its own at the start of each test: before any hook, before any fixture.
    this.library._instrumentation = new Proxy(inner, {
      get: (target, name) => name !== 'addListener' ? target[name] : listener => {
        this.watchTest();
        return target.addListener(listener);
      },
    });
    if (!this.options.browser) this.refuseBrowsers();
    globalThis[Symbol.for('bellrock.statements')] = () => this.statements();
  }

  // --- tests: which failures were soft, and in which step something happens

  watchTest() {
    const test = this.currentTest();
    if (!test || this.patched.has(test)) return;
    this.patched.add(test);
    const soft = new WeakSet();
    const fail = test._failWithError;
    test._failWithError = error => {
      this.write({ type: soft.has(error) ? 'soft' : 'hard', test: test.testId });
      return fail.call(test, error);
    };
    const addStep = test._addStep;
    test._addStep = (data, parent) => {
      const above = parent || test._parentStep();
      const step = addStep.call(test, data, parent);
      const complete = step.complete;
      step.complete = result => {
        if (result.softError) soft.add(result.softError);
        return complete(result);
      };
      this.stepPaths.set(step, [...(this.stepPaths.get(above) || []), ...(data.category === 'test.step' ? [clipped(data.title)] : [])]);
      return step;
    };
  }

  currentTest() {
    try {
      return this.options.test.info();
    } catch {
      return null; // outside of any test
    }
  }

  // --- requests of the request API

  watchRequests(context) {
    const methods = Object.getPrototypeOf(context);
    if (this.patched.has(methods)) return;
    this.patched.add(methods);
    const observer = this;
    const fetch = methods._innerFetch; // below `fetch`, where the caller's place has been noted
    methods._innerFetch = async function (options = {}) {
      const began = performance.now();
      const request = {
        type: 'request',
        ...observer.place(),
        method: options.method || (options.request ? options.request.method() : 'GET'),
        url: clipped(options.url || options.request.url()),
      };
      try {
        const response = await fetch.call(this, options);
        const ms = response.timing().responseEnd;
        observer.tell({ ...request, url: clipped(response.url()), status: response.status(), statusText: clipped(response.statusText()), ms: ms >= 0 ? ms : performance.now() - began });
        return response;
      } catch (error) {
        observer.tell({ ...request, ms: performance.now() - began, error: clipped(error.message) });
        throw error;
      }
    };
  }

  place() {
    const test = this.currentTest();
    if (!test) return { test: '', steps: [] };
    return { test: test.title, steps: this.stepPaths.get(test._parentStep()) || [] };
  }

  // --- pages

  // Playwright records the pages of its own fixtures; those that a script makes by itself are for us.
  record(options) {
    if (this.options.videos && !options.recordVideo) options.recordVideo = { dir: this.options.videos };
  }

  async watchContext(context) {
    if (context.browser()) this.browsers.add(context.browser());
    this.watchRequests(context.request);
    context.on('console', message => {
      if (message.type() === 'error' && !message.text().startsWith(OF_THE_NETWORK)) this.tell({ type: 'error', kind: 'console', url: urlOf(message.page()), message: clipped(message.text()) });
    });
    context.on('weberror', error => this.tell({ type: 'error', kind: 'document', url: urlOf(error.page()), message: clipped(messageOf(error.error())) }));
    context.on('requestfailed', request => this.failedRequest(request, (request.failure() || {}).errorText));
    context.on('response', response => {
      if (response.status() >= FIRST_ERROR_STATUS) this.failedRequest(response.request(), `status ${response.status()}`);
    });
    await context._wrapApiCall(async () => {
      await context.exposeBinding('__bellrock_vitals', (source, { visit, url, vitals }) => this.tell({ type: 'vitals', visit, url: clipped(url), vitals }));
      await context.addInitScript({ content: this.vitals });
    }, { internal: true });
  }

  failedRequest(request, reason) {
    if (reason === 'net::ERR_ABORTED') return; // the page, or the script, gave it up
    this.tell({ type: 'error', kind: 'network', url: clipped(request.url()), message: clipped(`${request.method()} ${request.url()}: ${reason || 'failed'}`) });
  }

  // --- browsers

  refuseBrowsers() {
    const methods = Object.getPrototypeOf(this.library.chromium);
    for (const name of ['launch', 'launchServer', 'launchPersistentContext', 'connect', 'connectOverCDP'])
      methods[name] = async () => { throw new Error(NO_BROWSER); };
  }

  // Statements may start work that they do not wait for, such as `run();` as their last line. It goes on
  // until the browsers they launched are closed, or nothing is asked of Playwright for a while.
  statements() {
    const others = new Set(this.browsers);
    const atWork = () => this.calls.size > 0;
    const open = () => [...this.browsers].some(browser => !others.has(browser) && browser.isConnected());
    return async () => {
      let quietSince = performance.now();
      for (;;) {
        await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
        if (atWork()) quietSince = performance.now();
        else if (!open() || performance.now() - quietSince > QUIET_MS) return;
      }
    };
  }
}

function urlOf(page) {
  return page ? clipped(page.url()) : '';
}

function messageOf(error) {
  return String((error && error.message) || error);
}

function clipped(text) {
  return String(text).slice(0, LONGEST_TEXT);
}

module.exports = { Observer };
