// What the original libraries say. Reads from standard input
//   {"now_ms": …, "templates": [{template, values, helpers}], "paths": [{path, value}]}
// and answers a list for each: {"is": …} or {"error": "…"}. The clock stands still at now_ms.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const asked = JSON.parse(readFileSync(0, 'utf8'))
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [asked.now_ms]))
  }
  static now() {
    return asked.now_ms
  }
}

const require = createRequire(import.meta.url)
const plain = require('handlebars')
const withHelpers = require('@checkly/handlebars')
const { JSONPath } = await import('jsonpath-plus')

const encode = (value) => (value == null ? '' : encodeURI(String(value)))
plain.Utils.escapeExpression = encode
withHelpers.Utils.escapeExpression = encode

function attempt(act) {
  try {
    return { is: act() }
  } catch (error) {
    return { error: String(error.message ?? error) }
  }
}

const answers = {
  templates: asked.templates.map(({ template, values, helpers }) =>
    attempt(() => (helpers ? withHelpers : plain).create().compile(template)(values)),
  ),
  paths: asked.paths.map(({ path, value }) =>
    attempt(() => JSONPath({ path, json: value, wrap: true, eval: 'safe' })),
  ),
}
process.stdout.write(JSON.stringify(answers))
