// Stands for node:test. What registers a test does so if the test is chosen, and within tests always.
import fs from 'node:fs'
import path from 'node:path'
import real from 'node:test'
import { AsyncLocalStorage } from 'node:async_hooks'
import { Ids, Kept } from './node.mjs'

const about = JSON.parse(process.env.ASSAY_NODE)
const file = path.relative(process.cwd(), path.resolve(process.argv[1] ?? ''))
const chosen = new Set(about.ids)
const where = new AsyncLocalStorage() // names of the suites around, or inside a test
const ids = new Ids()

export const registered = new Map() // names, joined: ids in their order

export const say = message => {
  let data = Buffer.from(JSON.stringify(message) + '\n')
  while (data.length > 0) data = data.subarray(fs.writeSync(3, data))
}

export const written = new Map() // by id: what a test wrote

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write
  stream.write = function (chunk, ...rest) {
    const id = where.getStore()?.id
    if (id) {
      if (!written.has(id)) written.set(id, new Kept())
      written.get(id).add(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    }
    return write.call(this, chunk, ...rest)
  }
}

const idle = 5000 // ms without a further test after which a file that keeps its process alive has no more
let timer
function alive () {
  clearTimeout(timer)
  timer = setTimeout(() => process.exit(0), idle).unref()
}

// parts reads the arguments (name, options, function), of which each may be missing.
function parts (args) {
  const fn = args.find(a => typeof a === 'function')
  const options = args.find(a => typeof a === 'object' && a !== null)
  const name = typeof args[0] === 'string' && args[0] !== '' ? args[0] : fn?.name || '<anonymous>'
  return { name, options, fn }
}

function test (register, args) {
  const at = where.getStore() ?? { names: [] }
  if (at.inside) return register(...args)
  const { name, options, fn } = parts(args)
  const names = [...at.names, name]
  const id = ids.next(path.resolve(file), names)
  if (about.mode === 'list') {
    alive()
    say({ id, names, line: line() })
    return Promise.resolve()
  }
  if (!chosen.has(id)) return Promise.resolve()
  const key = JSON.stringify(names)
  registered.set(key, [...(registered.get(key) ?? []), id])
  return register(name, ...(options ? [options] : []), ...(fn ? [within(fn, { ...at, inside: true, id }, id)] : []))
}

function suite (register, args) {
  const at = where.getStore() ?? { names: [] }
  if (at.inside) return register(...args)
  const { name, options, fn } = parts(args)
  const below = { names: [...at.names, name] }
  if (about.mode === 'list') {
    alive()
    return Promise.resolve(fn && where.run(below, fn, {})).then(() => {})
  }
  const prefix = [file.split(path.sep).join('/'), ...below.names].join(' > ') + ' > '
  if (![...chosen].some(id => id.startsWith(prefix))) return Promise.resolve()
  return register(name, ...(options ? [options] : []), ...(fn ? [within(fn, below)] : []))
}

// within is a function that runs somewhere, with as many parameters as it had: node counts them.
function within (fn, at, id) {
  const wrapped = function (...args) {
    if (id) say({ start: id })
    return where.run(at, () => fn.apply(this, args))
  }
  return Object.defineProperties(wrapped, { length: { value: fn.length }, name: { value: fn.name } })
}

// line is that of the call in the file.
function line () {
  const at = new Error().stack.split('\n').find(l => l.includes(file))
  return Number(/:(\d+):\d+\)?$/.exec(at ?? '')?.[1] ?? 0)
}

function variants (how, original) {
  const all = (...args) => how(original, args)
  for (const kind of ['skip', 'todo', 'only']) {
    if (original[kind]) all[kind] = (...args) => how(original[kind], args)
  }
  return all
}

const hook = original => (...args) => about.mode === 'list' && !where.getStore()?.inside ? undefined : original(...args)

export const shim = Object.assign(variants(test, real), real, {
  test: undefined, it: variants(test, real.it), describe: variants(suite, real.describe), suite: variants(suite, real.suite ?? real.describe),
  before: hook(real.before), after: hook(real.after), beforeEach: hook(real.beforeEach), afterEach: hook(real.afterEach),
  skip: (...args) => test(real.skip, args), todo: (...args) => test(real.todo, args), only: (...args) => test(real.only, args)
})
shim.test = shim
shim.mock = real.mock

export default shim
export const { it, describe, before, after, beforeEach, afterEach, mock, skip, todo, only, run, snapshot, assert } = shim
export { shim as test, suiteOf as suite }
const suiteOf = shim.suite
