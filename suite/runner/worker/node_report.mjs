// Told of the tests of a process by Node.js's runner: says what becomes of those that are chosen.
import { cut, firstLine } from './node.mjs'
import { registered, say, written } from './node_tests.mjs'

const explained = e => {
  const cause = e?.cause ?? e
  return cause?.stack ?? String(cause?.message ?? cause)
}

export default async function * (events) {
  const names = []
  let below = [] // failures of tests within a test
  for await (const { type, data } of events) {
    if (type === 'test:start') names.splice(data.nesting, Infinity, data.name)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    names.splice(data.nesting, Infinity, data.name)
    const id = data.details?.type === 'suite' ? undefined : registered.get(JSON.stringify(names))?.shift()
    if (id === undefined) {
      if (type === 'test:fail') below.push(`${names.join(' > ')}\n${explained(data.details?.error)}`)
      continue
    }
    say({ result: result(id, type, data, below) })
    below = []
  }
}

function result (id, type, data, below) {
  const took = (data.details?.duration_ms ?? 0) / 1000
  const r = { id, status: 'pass', start: Date.now() / 1000 - took, call: took }
  if (data.skip !== undefined && data.skip !== false) Object.assign(r, { status: 'skip', message: data.skip === true ? '' : String(data.skip) })
  else if (data.todo !== undefined && data.todo !== false) Object.assign(r, { status: type === 'test:fail' ? 'xfail' : 'pass', message: data.todo === true ? 'todo' : String(data.todo) })
  else if (type === 'test:fail') {
    const error = data.details?.error
    Object.assign(r, {
      status: ['hookFailed', 'cancelledByParent'].includes(error?.failureType) ? 'error' : 'fail', message: firstLine(error?.cause?.message ?? error?.message),
      detail: cut([explained(error), ...below].join('\n\n')), output: written.get(id)?.take()
    })
  }
  return r
}
