// Runs chosen tests with mocha, in one process. The files are loaded once. For each batch mocha is given
// the tree of suites with just the batch's tests in it; so hooks of suites run once for each batch.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ids, captured, cut, explained, firstLine, now, project, relative, serve } from './node.mjs'

export class Loaded {
  faults = []
  tests = [] // [id, test]

  async load (args) {
    const require = project()
    const Mocha = require('mocha')
    const { loadOptions } = require('mocha/lib/cli/options')
    const { handleRequires } = require('mocha/lib/cli/run-helpers')
    const collect = require('mocha/lib/cli/collect-files')
    const options = this.options = loadOptions(args)
    if (options['node-option']) options['node-option'] = undefined
    const plugins = options.require ? await handleRequires(options.require) : {}
    for (const ui of [options.ui].filter(Boolean)) {
      if (!Mocha.interfaces[ui]) Mocha.interfaces[ui] = require(path.resolve(ui))
    }
    this.mocha = new Mocha({ ...options, ...plugins, reporter: class {}, parallel: false, delay: false, dryRun: false })
    this.mocha.cleanReferencesAfterRun(false).enableGlobalSetup(false).enableGlobalTeardown(false)
    const spec = options._?.length ? options._ : ['./test']
    const { files } = collect({ ignore: [], file: [], recursive: false, sort: false, ...options, extension: options.extension, spec })
    await this.loadFiles(files)
    this.number()
    return this
  }

  async loadFiles (files) {
    for (const file of files) {
      this.mocha.files = [file]
      try {
        await this.mocha.loadFilesAsync()
      } catch (error) {
        this.faults.push({ where: relative(file), detail: explained(error) })
      }
    }
  }

  // number gives each test that is chosen its id, and keeps the tree as it is.
  number () {
    const root = this.mocha.suite
    if (root.hasOnly()) root.filterOnly()
    this.tree = []
    const { grep, invert } = this.mocha.options
    const ids = new Ids()
    const walk = suite => {
      this.tree.push([suite, suite.suites, suite.tests])
      for (const test of suite.tests) {
        const id = ids.next(test.file ?? 'test', test.titlePath())
        if (!grep || grep.test(test.fullTitle()) !== Boolean(invert)) this.tests.push([id, test])
      }
      suite.suites.forEach(walk)
    }
    walk(root)
  }

  // choose leaves only some tests in the tree.
  choose (some) {
    for (const [suite, , tests] of this.tree) suite.tests = tests.filter(t => some.has(t))
    for (const [suite, suites] of this.tree.toReversed()) suite.suites = suites.filter(s => s.tests.length + s.suites.length > 0)
  }
}

class Runner {
  constructor (link) {
    this.link = link
  }

  async open (first) {
    this.output = captured()
    this.loaded = await new Loaded().load(first.args)
    this.loaded.mocha.options.grep = undefined
    this.tests = new Map(this.loaded.tests)
    await this.loaded.mocha.runGlobalSetup?.()
    return this
  }

  async close () {
    await this.loaded.mocha.runGlobalTeardown?.()
  }

  async run (ids) {
    this.ids = new Map(ids.filter(id => this.tests.has(id)).map(id => [this.tests.get(id), id]))
    this.left = new Set(ids)
    this.faults = []
    this.held = null
    this.loaded.choose(new Set(this.ids.keys()))
    if (this.ids.size > 0) await new Promise(resolve => this.watch(this.loaded.mocha.run(resolve)))
    this.letGo()
    for (const id of this.left) this.notRun(id)
  }

  watch (runner) {
    runner.on('test', t => this.begin(t))
    runner.on('pass', t => this.outcome(t, 'pass'))
    runner.on('pending', t => this.outcome(t, 'skip'))
    runner.on('fail', (t, error) => t.type === 'hook' ? this.hookFailed(t, error) : this.outcome(t, 'fail', error))
  }

  begin (test) {
    if (this.held?.test === test) return // mocha tries it again
    this.letGo()
    const id = this.ids.get(test)
    if (id === undefined) return
    this.output.take()
    this.held = { test, result: { id, status: '', start: now() } }
    this.link.say({ start: id })
  }

  outcome (test, status, error) {
    if (this.held?.test !== test) this.begin(test)
    const r = this.held?.result
    if (!r) return
    r.status = r.status === 'fail' ? 'fail' : status
    r.call = (test.duration ?? 0) / 1000
    if (error) Object.assign(r, { message: firstLine(error.message), detail: cut(explained(error)) })
  }

  // hookFailed marks the test around which it ran, or those that are not run for it.
  hookFailed (hook, error) {
    const fault = { status: 'error', message: `${hook.title}: ${firstLine(error.message)}`, detail: cut(explained(error)) }
    if (this.held && hook.title.startsWith('"after')) Object.assign(this.held.result, fault)
    else if (this.held && hook.title.startsWith('"before each') && this.held.result.status === '') Object.assign(this.held.result, fault)
    else this.faults.push(fault)
  }

  letGo () {
    const r = this.held?.result
    this.held = null
    if (!r) return
    if (r.status === '') Object.assign(r, { status: 'error', message: 'mocha did not end it' })
    const output = this.output.take()
    if (r.status !== 'pass') r.output = output
    this.left.delete(r.id)
    this.link.say({ result: r })
  }

  notRun (id) {
    const missing = this.tests.has(id) ? { message: 'mocha did not run it' } : { message: 'it cannot be loaded on the worker', detail: this.why(id) }
    this.link.say({ start: id })
    this.link.say({ result: { id, status: 'error', start: now(), ...missing, ...this.faults[0] } })
  }

  why (id) {
    return cut(this.loaded.faults.find(f => id.startsWith(f.where))?.detail ?? 'the runner does not find it there')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Runner)
